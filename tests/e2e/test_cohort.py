"""A cohort on a real Ray, and under fire."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from monai_das.cohort import CohortOptions, LocalEngine, RayEngine, run_cohort
from tests.cohort.archive import ENDS, poison_bundle, write_archive
from tests.cohort.conftest import KEY
from tests.cohort.test_run import rows
from tests.inference.bundles import write_random_bundle

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]


def test_ray_gives_what_processes_give_poisoned_cases_too(tmp_path):
    (tmp_path / "data").mkdir()
    manifest, bundle = write_archive(tmp_path / "data", 6), poison_bundle(write_random_bundle(tmp_path / "bundle"))
    options = CohortOptions(key=KEY, timeout=10.0, reports=("json",))

    for name, engine in {"processes": LocalEngine(2), "ray": RayEngine(2)}.items():
        assert not run_cohort(manifest, bundle, tmp_path / name, engine, options).missing

    assert rows(tmp_path / "ray") == rows(tmp_path / "processes")
    states = {row["case_id"]: row["state"] for row in rows(tmp_path / "ray")}
    assert {name: states.pop(name) for name in ENDS} == {name: state for name, (state, _) in ENDS.items()}
    assert set(states.values()) == {"done"}


def test_a_cluster_with_too_few_cores_is_an_error_at_once(tmp_path):
    ray = pytest.importorskip("ray")
    context = ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    address = context.address_info["gcs_address"]
    manifest, bundle = write_archive(tmp_path, 1, ()), write_random_bundle(tmp_path / "bundle")
    command = [
        Path(sys.executable).with_name("monai-das"),
        "cohort",
        manifest,
        "--bundle",
        bundle,
        "-o",
        tmp_path / "out",
    ]

    said = subprocess.run(
        [*map(str, command), "--workers", "4", "--address", address], capture_output=True, text=True, timeout=300
    )
    ray.shutdown()

    assert said.returncode == 2
    assert (
        "4 workers need 5 free cores, one of them for Ray, which has 1; give --workers 1, or add nodes" in said.stderr
    )


def test_a_ray_that_cannot_be_reached_is_an_error_in_one_line(tmp_path):
    manifest, bundle = write_archive(tmp_path, 1, ()), write_random_bundle(tmp_path / "bundle")

    with pytest.raises(RuntimeError, match=r"Ray cannot join the cluster at nowhere \(Invalid .*\); look at: ray"):
        run_cohort(manifest, bundle, tmp_path / "out", RayEngine(1, "nowhere"), CohortOptions(key=KEY))


def test_kills_lose_and_double_nothing():
    command = [sys.executable, ROOT / "scripts" / "kill_cohort.py", "--kills", "5", "--series", "40"]
    said = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=1200)

    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout.splitlines()[-1])
    assert sum(found["engines"]["local"]["kills"].values()) == 5
    assert found["series"] == 40
    assert found["states"]["done"] == 35
