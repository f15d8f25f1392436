"""Kill driver and workers of a cohort at random moments: nothing may be lost, doubled or differ from a quiet run.

python scripts/kill_cohort.py --kills 30 [--engine local shards ray] [--series 40] [--seed 0]

The archive has healthy series (NIfTI, raw DICOM and JPEG 2000) and five poisoned ones: a bomb, a hang, a segmentation
fault, one that is cut off, one that the contract refuses. A driver that was killed is started again; a cohort that has
ended is begun anew until all kills are done. All engines must give the same rows but for timings. The last line is a
JSON object with a count for each engine. Exit code 1: something was wrong.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from monai_das.cohort import CohortOptions, Ledger, LocalEngine, RayEngine, run_cohort  # noqa: E402
from monai_das.cohort.ledger import FACTS  # noqa: E402
from tests.cohort.archive import ENDS, poison_bundle, write_archive  # noqa: E402
from tests.cohort.conftest import KEY  # noqa: E402

TIMEOUT = 10.0


def main() -> int:
    """Kill, continue, compare; print what was killed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--engine", nargs="+", choices=("local", "shards", "ray"), default=["local"])
    parser.add_argument("--series", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--drive", nargs=4, metavar=("MANIFEST", "BUNDLE", "OUT", "SHARD"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.drive:
        drive(*arguments.engine, *arguments.drive)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        found = kill(Path(folder), arguments)
    print(json.dumps(found))
    return 0


def drive(engine: str, manifest: str, bundle: str, out: str, shard: str) -> None:
    """Be the driver of a shard."""
    number, count = map(int, shard.split("/"))
    options = CohortOptions(key=KEY, reports=("json",), timeout=TIMEOUT, shard=(number, count))
    run_cohort(manifest, bundle, out, RayEngine(2) if engine == "ray" else LocalEngine(2), options)


def kill(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Do the archive in peace by each engine, then again and again under fire."""
    chance = random.Random(arguments.seed)
    (folder / "data").mkdir()
    manifest = write_archive(folder / "data", arguments.series - len(ENDS))
    bundle = write_bundle(folder / "bundle")
    quiet, walls = {}, {}
    for engine in arguments.engine:
        start = time.perf_counter()
        quiet[engine] = run(folder / f"peace-{engine}", manifest, bundle, engine)
        walls[engine] = time.perf_counter() - start
        print(f"{engine}: {len(quiet[engine])} series in {walls[engine]:.0f} s", flush=True)
    peace, *others = quiet.values()
    assert all(other == peace for other in others), "engines differ"
    found = {}
    for engine in arguments.engine:
        kills, rounds = {"driver": 0, "worker": 0}, 0
        while sum(kills.values()) < arguments.kills:
            out, rounds = folder / f"round{rounds}", rounds + 1
            for shard in shards_of(engine):
                job = (manifest, bundle, engine, shard)
                under_fire(out, job, kills, arguments.kills, chance, walls[engine])
            assert facts(out) == peace, f"round {rounds} of {kills} differs"
            left = [each.name for each in (out / "open").rglob("*") if each.is_file()]
            assert not left, left
            shutil.rmtree(out)
        found[engine] = {"kills": kills, "rounds": rounds}
    states = {state: sum(row["state"] == state for row in peace) for state in sorted({row["state"] for row in peace})}
    return {"engines": found, "series": len(peace), "states": states}


def shards_of(engine: str) -> list[str]:
    """Return the shards that an engine does one after the other."""
    return ["0/2", "1/2"] if engine == "shards" else ["0/1"]


def under_fire(
    out: Path, job: tuple[Path, Path, str, str], kills: dict[str, int], most: int, chance: random.Random, wall: float
) -> None:
    """Do a shard, while its driver or one of its workers is killed now and then."""
    while True:
        driver = started(out, *job)
        while driver.poll() is None and sum(kills.values()) < most:
            try:
                driver.wait(chance.uniform(0.0, wall / 2))
            except subprocess.TimeoutExpired:
                workers = [*workers_of(driver.pid)]
                kind = "driver" if not workers or chance.random() < 0.4 else "worker"
                victim = driver.pid if kind == "driver" else chance.choice(workers)
                try:
                    os.kill(victim, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                kills[kind] += 1
                print(kills, flush=True)
        driver.wait()
        if driver.returncode == 0:
            return
        assert driver.returncode == -signal.SIGKILL, f"a driver ended with {driver.returncode}"


def started(out: Path, manifest: Path, bundle: Path, engine: str, shard: str) -> subprocess.Popen[bytes]:
    """Start the driver of a shard."""
    words = ["--engine", engine, "--drive", manifest, bundle, out, shard]
    return subprocess.Popen([sys.executable, __file__, *map(str, words)], cwd=ROOT, env={**os.environ, **PATH})


PATH = {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}


def run(out: Path, manifest: Path, bundle: Path, engine: str) -> list[dict[str, Any]]:
    """Do all shards undisturbed."""
    for shard in shards_of(engine):
        assert started(out, manifest, bundle, engine, shard).wait() == 0
    return facts(out)


def facts(out: Path) -> list[dict[str, Any]]:
    """Return the rows of a cohort but for timings, each case once."""
    found = sorted(Ledger(out).rows(FACTS).to_pylist(), key=lambda row: str(row["case_id"]))
    names = [row["case_id"] for row in found]
    assert len(names) == len(set(names)), "a case has two rows"
    reports = {path.parent.name for path in out.glob("case-*/result.json")}
    assert reports == {row["result_id"] for row in found if row["state"] == "done"}, "reports and rows differ"
    return found


def workers_of(driver: int) -> Iterator[int]:
    """Yield the workers below ``driver``: the last processes of their lines that do cases."""
    below = {driver}
    processes = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, tail = path.read_text().rpartition(")")
            processes[int(path.parent.name)] = int(tail.split()[1]), (path.parent / "cmdline").read_text()
        except (OSError, ValueError):
            continue
    while more := {pid for pid, (parent, _) in processes.items() if parent in below} - below:
        below |= more
    parents = {parent for parent, _ in processes.values()}
    for pid in sorted(below - {driver} - parents):
        command = processes[pid][1]
        if "forkserver" in command or command.startswith("ray::_Actor"):
            yield pid


def write_bundle(folder: Path) -> Path:
    """Write a bundle with random weights in which the poison works."""
    from tests.inference.bundles import write_random_bundle

    return poison_bundle(write_random_bundle(folder))


if __name__ == "__main__":
    sys.exit(main())
