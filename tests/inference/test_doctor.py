"""``monai-das doctor`` says what is missing, and what to do."""

import importlib.metadata
import json
import shutil
from pathlib import Path

import pytest

from monai_das.cli import main
from monai_das.inference import Check, check_bundle, check_data, check_folder, check_packages, unknown_overrides

ROOT = Path(__file__).parents[2]
OVERLAYS = [path for path in sorted(ROOT.glob("bundle/configs/*.json"))
            if path.stem in ("evaluate", "mobilenet", "multi_gpu_train", "review")]  # fmt: skip


def test_a_machine_that_runs_the_tests_is_well(random_bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert main(["doctor", "--bundle", str(random_bundle)]) == 0

    printed = capsys.readouterr().out
    assert f"ok       torch: {importlib.metadata.version('torch')}\n" in printed
    assert f"ok       working folder: {tmp_path} is writable\n" in printed
    assert "note     data: MONAI_DAS_DATA is not set: configs download what they need" in printed
    assert printed.endswith("all that is needed is here\n")


def test_a_misspelt_override_is_named_with_what_was_meant(capsys):
    words = ["doctor", "--bundle", str(ROOT / "bundle"), "--", "--epoch", "3", "--train#trainer#max_epoch=2"]

    assert main(words) == 1

    printed = capsys.readouterr().out
    assert "missing  override: --epoch changes nothing; did you mean epochs?\n" in printed
    assert "--train#trainer#max_epoch changes" not in printed  # a new argument of a _target_ is MONAI's to refuse
    assert printed.endswith("1 to mend\n")


@pytest.mark.parametrize("key", ["epochs", "train::trainer::max_epochs", "_meta_#settings#num_slices", "run_id", "amp"])
def test_an_override_that_works_is_not_named(key):
    assert unknown_overrides(ROOT / "bundle", ["configs/train.json"], [key]) == []


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.stem)
def test_our_overlays_have_no_key_too_many(overlay):
    assert unknown_overrides(ROOT / "bundle", ["configs/train.json", f"configs/{overlay.name}"], []) == []


def test_a_misspelt_key_of_an_overlay_is_named_and_a_new_one_in_use_is_not(own_bundle, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"num_slice": 3, "mine": 4, "batch_size": "@mine"}))

    found = unknown_overrides(own_bundle, ["configs/train.json", str(tmp_path / "mine.json")], [])

    assert found == [f"{tmp_path / 'mine.json'}: num_slice changes nothing; did you mean num_slices?"]


def test_torchscript_and_zip_are_looked_into_too(scripted, random_bundle, tmp_path):
    zipped = shutil.make_archive(str(tmp_path / "some"), "zip", random_bundle)

    for bundle in (scripted, zipped):
        found = unknown_overrides(bundle, ["configs/inference.json"], ["num_slice"])
        assert found == ["--num_slice changes nothing; did you mean num_slices?"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "bundle has no configs/mine.json, nor is there such a file here"),
        ("{", "configs/mine.json: no JSON ("),
        ("[]", "configs/mine.json: not a JSON object, but list"),
    ],
)
def test_configs_that_cannot_be_read_exit_with_2(own_bundle, capsys, text, message):
    if text is not None:
        (own_bundle / "configs" / "mine.json").write_text(text)

    with pytest.raises(SystemExit) as exit_:
        main(["doctor", "--bundle", str(own_bundle), "--config_file", "['configs/train.json','configs/mine.json']"])

    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def test_a_missing_package_and_an_extra_say_how_to_install_them(monkeypatch):
    lines = ["nothing-like-this>=1", 'highdicomm>=1; extra == "dicom"', 'monai-das[dicom]; extra == "all"']
    monkeypatch.setattr("importlib.metadata.requires", lambda name: lines)

    found = list(check_packages())

    assert Check("nothing-like-this", "not installed: pip install nothing-like-this", "missing") in found
    assert Check("extra dicom", "lacks highdicomm: pip install 'monai-das[dicom]'", "note") in found


def test_a_checkout_that_was_never_installed_says_so(monkeypatch):
    monkeypatch.setattr("monai_das.inference.doctor.PACKAGE", "monai-das-nowhere")

    assert Check("monai-das-nowhere", "not installed: pip install monai-das-nowhere", "missing") in check_packages()


def test_a_folder_that_takes_no_files():
    found = check_folder("cache", Path("/proc/nowhere"))

    assert found.state == "missing"
    assert found.found.startswith("/proc/nowhere is not writable (")


def test_the_data_folder(tmp_path):
    (tmp_path / "adrenal3d").mkdir()

    assert check_data(str(tmp_path)) == Check("data", f"{tmp_path} has adrenal3d")
    assert check_data(str(tmp_path / "adrenal3d")).found.endswith("has none of adrenal3d, covid_blues, dicom_nih")
    assert check_data("nowhere") == Check("data", "MONAI_DAS_DATA names nowhere, which is no folder", "missing")


def test_a_bundle_that_predict_would_refuse(own_bundle, tmp_path):
    (own_bundle / "models" / "model.pt").unlink()

    assert check_bundle(own_bundle) == Check("bundle", f"{own_bundle} has no models/model.pt", "missing")
    assert check_bundle(tmp_path / "nowhere").state == "missing"
