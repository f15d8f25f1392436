"""Rules of the Model Zoo's CONTRIBUTING that no check of MONAI looks at, on every bundle."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.bundle.bundle_runs import BUNDLES, ROOT, config

every_bundle = pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: folder.name)
SECTIONS = ("Authors", "Tags", "Model Description", "Data", "Performance", "System Configuration", "Limitations")


@every_bundle
def test_no_file_is_larger_than_the_zoo_takes(folder):
    assert [path.name for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 25 * 2**20] == []


@every_bundle
def test_no_config_names_a_place_of_a_person(folder):
    for path in folder.glob("configs/*"):
        assert not re.search(r'"/(home|Users|root|work|mnt)/', path.read_text(encoding="utf-8")), path.name


@every_bundle
def test_the_keys_that_the_zoo_asks_for_are_there(folder):
    train, inference = config("train.json", folder), config("inference.json", folder)

    assert {"bundle_root", "device", "network_def", "inferer", "output_dir"} <= set(inference)
    assert {"bundle_root", "device", "dataset_dir", "output_dir", "val_interval"} <= set(train)
    assert {"trainer", "dataset", "handlers", "preprocessing", "postprocessing", "inferer"} <= set(train["train"])
    assert {"evaluator", "dataset", "handlers", "preprocessing", "postprocessing", "inferer"} <= set(train["validate"])


@every_bundle
def test_the_readme_has_the_sections_of_the_template_and_speaks_of_tensorrt(folder):
    text = (folder / "docs" / "README.md").read_text(encoding="utf-8")

    assert [name for name in SECTIONS if f"## {name}" not in text] == []
    assert "TensorRT compilation is not supported" in text


@pytest.mark.e2e
@every_bundle
def test_the_zoos_unit_test_of_the_bundle_passes(folder, tmp_path):
    """It is run as the zoo does: in a folder with ``models/NAME``."""
    name = f"{'adrenal_ct' if folder.name == 'bundle' else folder.name}_classification"
    shutil.copytree(folder, tmp_path / "models" / name, ignore=shutil.ignore_patterns("runs", "eval"))
    test = ROOT / "scripts" / "model_zoo" / "unit_tests" / f"test_{name}.py"

    done = subprocess.run([sys.executable, test], cwd=tmp_path, capture_output=True, text=True, timeout=600)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Ran 2 tests" in done.stderr


def test_the_package_that_no_index_serves_has_an_install_script():
    script = ROOT / "scripts" / "model_zoo" / "install_monai_das_dependency.sh"

    assert 'pip install "${MONAI_DAS_WHEEL:?' in script.read_text(encoding="utf-8")
