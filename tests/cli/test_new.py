"""``monai-das new``: what it finds, proposes, leaves out and refuses."""

import json
import re
import shutil

import jsonschema
import numpy as np
import pytest

from monai_das.cli import main
from monai_das.contract import Contract
from monai_das.datasets import make_sample_volumes, write_nifti
from tests.bundle.bundle_runs import config, workflow
from tests.own_volumes import volumes


@pytest.fixture(autouse=True)
def own_key(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


def new(*arguments):
    assert main(["new", *map(str, arguments)]) == 0


def proposed(project):
    return Contract.from_metadata(config("metadata.json", project))


@pytest.mark.parametrize(
    ("values", "kind", "intensity"),
    [
        (None, "magnitude", {"scale": "percentiles", "low": 1, "high": 99}),
        (lambda image, case: (image > 100 + case).astype(np.int16), "mask", {"scale": "range"}),
        (lambda image, case: np.where(image > 180, -1000, image + case).astype(np.int16), "hu",
         {"scale": "window", "low": -160, "high": 240}),
    ],
)  # fmt: skip
def test_plane_and_scaling_are_proposed_from_the_files(tmp_path, values, kind, intensity):
    new(volumes(tmp_path / "data", values=values), "-o", tmp_path / "project")

    contract = proposed(tmp_path / "project")
    assert (contract.slice_axis, contract.values, contract.intensity) == ("coronal", kind, intensity)
    assert contract.dicom_attributes is None
    assert (contract.slices, contract.spacing, contract.num_slices) == ((4, 18), (2.0, 8.0), 4)
    assert contract.thumbnail_size == 32


def test_copies_are_left_out_and_a_copy_with_another_label_is_an_error(tmp_path, capsys):
    data = volumes(tmp_path / "data")
    shutil.copyfile(data / "a" / "0.nii.gz", data / "a" / "again.nii.gz")
    new(data, "-o", tmp_path / "project", "--include-phi")
    assert "again.nii.gz: a copy of another case" in capsys.readouterr().out

    shutil.copyfile(data / "a" / "1.nii.gz", data / "b" / "moved.nii.gz")
    with pytest.raises(SystemExit):
        main(["new", str(data), "-o", str(tmp_path / "other"), "--include-phi"])
    assert re.search(
        r"1.nii.gz and .*moved.nii.gz are the same case, with the labels 'a' and 'b'", capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        (lambda data: (data / "b" / "bad.nii.gz").write_bytes(b"no"), [], "bad.nii.gz: cannot be read: "),
        (lambda data: (data / "stray.nii.gz").write_bytes(b"no"), [], "stray.nii.gz: in no folder of a class"),
        (lambda data: (data / "empty").mkdir(), [], "empty/: no case in this folder"),
    ],
)
def test_what_is_left_out_is_named(tmp_path, capsys, change, arguments, message):
    data = volumes(tmp_path / "data")
    change(data)

    new(data, "-o", tmp_path / "project", *arguments, "--include-phi")

    assert message in capsys.readouterr().out
    assert message.partition(":")[0] in (tmp_path / "project" / "left_out.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("prepare", "arguments", "message"),
    [
        (lambda data: shutil.rmtree(data / "b"), [], "1 folders with cases; give a folder of cases for each of two"),
        (lambda data: [path.unlink() for path in sorted(data.glob("b/*"))[2:]], [], "class 'b' has cases of 2"),
        (lambda data: None, ["--group-by", "site"], "there is no table of labels with this column; give 'folder'"),
        (lambda data: None, ["--group-by", "(c)"], "the name 'a/0.nii.gz' does not hold '(c)'; correct one of them"),
        (lambda data: None, ["--num-slices", "0"], "--num-slices must be at least 1, got 0"),
        (lambda data: [path.write_bytes(b"") for path in data.glob("*/*")], [], "none of 10 cases can be read"),
        (lambda data: (data.parent / "project" / "x").mkdir(parents=True), [], "holds something already; give a new f"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_on_is_refused(tmp_path, capsys, prepare, arguments, message):
    data = volumes(tmp_path / "data")
    prepare(data)

    with pytest.raises(SystemExit, match="2"):
        main(["new", str(data), "-o", str(tmp_path / "project"), *arguments])

    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "project" / "configs").exists()


def test_data_that_are_no_folder_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["new", str(tmp_path / "none"), "-o", str(tmp_path / "project")])
    assert "give a folder of cases" in capsys.readouterr().err


def test_a_path_that_means_something_to_configs_is_kept_out_of_them(tmp_path):
    new(volumes(tmp_path / "data#1 @home"), "-o", tmp_path / "project")

    cases = workflow(tmp_path / "project", ["train.json"], {"bundle_root": str(tmp_path / "project")}).parser
    assert all("data#1 @home" in case["image"] for case in cases.get_parsed_content("test_cases"))


def test_made_volumes_are_trained_with_weights_against_imbalance(tmp_path):
    for number, case in enumerate(make_sample_volumes(12, 32)):
        name = "rare" if number % 4 == 0 else "common"
        (tmp_path / "data" / name).mkdir(parents=True, exist_ok=True)
        write_nifti(case["image"][0], tmp_path / "data" / name / f"{number}.nii.gz")
    new(tmp_path / "data", "-o", tmp_path / "project")

    parser = workflow(tmp_path / "project", ["train.json"], {"bundle_root": str(tmp_path / "project")}).parser
    weight = parser.get_parsed_content("loss").loss.weight

    counts = [sum(case["label"] == label for case in parser.get_parsed_content("train_cases")) for label in (0, 1)]
    assert weight[1] / weight[0] == pytest.approx(counts[0] / counts[1], rel=1e-3)


def test_the_metadata_of_a_project_are_valid(tmp_path, official_schema):
    new(volumes(tmp_path / "data"), "-o", tmp_path / "project")

    schema = json.loads(official_schema.read_text(encoding="utf-8"))
    jsonschema.validate(config("metadata.json", tmp_path / "project"), schema)


def test_reviewed_cases_are_prepared_as_in_the_training(tmp_path):
    new(volumes(tmp_path / "data"), "-o", tmp_path / "project")

    train, review = (config(name, tmp_path / "project") for name in ("train.json", "review.json"))
    steps = review["train#deterministic_transforms"]
    assert steps[:-2] == train["train"]["deterministic_transforms"][:-1]
    assert [step["_target_"].rpartition(".")[2] for step in steps[-2:]] == ["SliceVerdictsd", "EnsureTyped"]
    assert "flip_prob" not in review
