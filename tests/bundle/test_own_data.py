"""``monai-das new``, then train, evaluate and predict by the commands that it prints; no file is edited."""

import csv
import json
import re
import shlex
import shutil

import numpy as np
import pytest

from monai_das.cli import main
from monai_das.contract import Contract
from monai_das.datasets import write_dicom_series
from monai_das.inference import next_commands
from tests.bundle.bundle_runs import config, workflow
from tests.case_folders import only_result
from tests.own_volumes import volumes

HIPPOCAMPUS = ["--id-column", "image", "--label-column", "large_volume", "--group-by", "subject_guess"]


@pytest.fixture(autouse=True)
def own_key(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


def new(*arguments):
    assert main(["new", "--include-phi", *map(str, arguments)]) == 0


def train(project, **overrides):
    """Two epochs of the project, as the first of the printed commands does; return the trained bundle."""
    given = {"bundle_root": str(project), "train#trainer#max_epochs": 2, "checkpoints": False, "writer": None}
    run = workflow(project, ["train.json"], given | overrides)
    run.initialize()
    run.run()
    run.finalize()
    return project / "runs"


def evaluated(trained, capsys):
    """The second command: figures of the test part with intervals by patient."""
    run = workflow(trained, ["train.json", "evaluate.json"], {"bundle_root": str(trained)}, "eval")
    run.initialize()
    run.run()
    words = shlex.split(next_commands(trained.parent)[1].partition(" && monai-das ")[2])
    capsys.readouterr()
    assert main(words) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def predicted(trained, case, out):
    """The third command."""
    assert main(["predict", str(case), "--bundle", str(trained), "-o", str(out)]) == 0
    return only_result(out)


def check_trained(project, found, figures):
    """The trained bundle, its evaluation and a prediction say what the project says."""
    metadata = config("metadata.json", project / "runs")
    trained, planned = Contract.from_metadata(metadata), Contract.from_metadata(config("metadata.json", project))
    assert (trained.classes, trained.slice_axis, trained.intensity) == (
        planned.classes,
        planned.slice_axis,
        planned.intensity,
    )
    assert tuple(found["probabilities"]) == trained.classes
    assert len(found["selected_slices"]) == trained.num_slices
    # without an interval where all bootstrap samples agree
    assert (figures["auc_low"] or 0.0) <= figures["auc"] <= (figures["auc_high"] or 1.0)
    assert figures["groups"] > 1
    written = metadata["eval_metrics"]
    assert (written["part"], written["auc"], written["auc_low"]) == ("test", figures["auc"], figures["auc_low"])
    assert {"auc", "auc_low", "auc_high", "patients"} <= set(written["validation"])
    assert written["validation"]["threshold"] == trained.threshold == figures["threshold"] == found["threshold"]
    assert "on the validation part" in (project / "runs" / "docs" / "README.md").read_text(encoding="utf-8")
    assert re.fullmatch(r"[0-9a-f]{64}", metadata["training_data"]["fingerprint"])


@pytest.fixture
def hippocampus(data_root, tmp_path):
    """Eighteen of the published volumes with their masks, and their lines of the published table."""
    if not (data_root / "hippocampus" / "index.csv").is_file():
        pytest.skip("MONAI_DAS_DATA has no folder hippocampus")
    folder = tmp_path / "hippocampus"
    with (data_root / "hippocampus" / "index.csv").open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    kept = lines[:60:3] + [line for line in lines if line["id"] == "118"]
    for line in kept:
        for column in ("image", "label"):
            if line[column] and (data_root / "hippocampus" / line[column]).is_file():
                (folder / line[column]).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(data_root / "hippocampus" / line[column], folder / line[column])
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, lines[0])
        writer.writeheader()
        writer.writerows(kept)
    return folder


def test_the_hippocampus_folder_with_its_index(hippocampus, tmp_path, capsys):
    project = tmp_path / "project"
    new(hippocampus, hippocampus / "index.csv", "-o", project, *HIPPOCAMPUS)
    shown = capsys.readouterr().out

    trained = train(project, num_slices=5)
    figures = evaluated(trained, capsys)
    found = predicted(trained, hippocampus / "images" / "hippocampus_118.nii.gz", tmp_path / "out")

    assert "hippocampus_118.nii.gz': no label" in shown
    assert "labels/" not in (project / "datalist.json").read_text(encoding="utf-8")
    assert len(found["selected_slices"]) == 5
    check_trained(project, found, figures)


def plane_of(project):
    return Contract.from_metadata(config("metadata.json", project)).slice_axis


def dicom_tree(folder, number=8, patients=None):
    """A folder for each class, of series of different depth, in patients of two series each."""
    random = np.random.default_rng(0)
    for case in range(2 * number):
        label, place = ("normal", "sick")[case % 2], case // 2
        volume = random.integers(0, 400, (20, 18, 8 + place % 3), np.uint16)
        volume[5:15, 5:15] += np.uint16(600 * (case % 2))
        patient = patients or f"{label}-{place // 2}"
        write_dicom_series(volume, folder / label / f"case{place}", (1.0, 1.0, 3.0), patient_id=patient, seed=case)
    return folder


def test_a_dicom_tree_with_a_folder_for_each_class(tmp_path, capsys):
    tree, project = dicom_tree(tmp_path / "tree"), tmp_path / "project"
    new(tree, "-o", project)
    shown = capsys.readouterr().out

    trained = train(project)
    figures = evaluated(trained, capsys)
    found = predicted(trained, tree / "sick" / "case0", tmp_path / "out")

    assert "patients      8: by PatientID" in shown
    assert (plane_of(trained), tuple(found["probabilities"])) == ("axial", ("normal", "sick"))
    contract = Contract.from_metadata(config("metadata.json", trained))
    assert (contract.modality, contract.slices, contract.spacing) == (("MR",), (4, 20), (1.5, 6.0))
    parts = json.loads((project / "datalist.json").read_text(encoding="utf-8"))
    groups = [{item["group"] for item in parts[part]} for part in ("training", "validation", "test")]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 8
    check_trained(project, found, figures)


def test_one_patient_for_all_says_so_and_folders_part_them(tmp_path, capsys):
    tree = dicom_tree(tmp_path / "tree", 3, patients="ANON")

    with pytest.raises(SystemExit):
        main(["new", str(tree), "-o", str(tmp_path / "project")])
    assert "all 6 cases are of one patient (by PatientID)" in capsys.readouterr().err

    new(tree, "-o", tmp_path / "project", "--group-by", "folder")
    assert "patients      6: by folder" in capsys.readouterr().out


@pytest.fixture
def clips(tmp_path):
    """Clips of different length, and a table of text labels with semicolons and a BOM."""
    pytest.importorskip("av")
    from tests.data.video_clips import moving_bars, write_video

    folder, lines = tmp_path / "clips", ["Clip;Befund"]
    folder.mkdir()
    for number in range(14):
        frames = moving_bars(5 + number % 4, 40, 48, colour=bool(number % 2))
        frames[:, :20] //= np.uint8(1 + 2 * (number % 2))
        frames[:, 30:, number : number + 10] = 0
        write_video(folder / f"{number:03d}.mp4", frames)
        lines.append(f"{number:03d};{('unauffällig', 'Erguß')[number % 2] if number < 13 else ''}")
    (folder / "labels.csv").write_bytes("\r\n".join([*lines, "099;Erguß", ""]).encode("utf-8-sig"))
    return folder


def test_a_folder_of_clips_with_text_labels(clips, tmp_path, capsys):
    project = tmp_path / "project"
    new(clips, clips / "labels.csv", "-o", project, "--num-slices", "3")
    shown = capsys.readouterr().out

    trained = train(project)
    figures = evaluated(trained, capsys)
    found = predicted(trained, clips / "013.mp4", tmp_path / "out")

    assert "Clip '013': no label" in shown
    assert "Clip '099': no case has this name without suffix" in shown
    assert "as is: 0 to 255 becomes 0 to 1" in shown
    assert tuple(found["probabilities"]) == ("Erguß", "unauffällig")
    assert len(found["selected_slices"]) == 3
    check_trained(project, found, figures)


def test_covid_blues_with_a_score_as_label(data_root, tmp_path, capsys):
    pytest.importorskip("av")
    folder, lines = tmp_path / "blues", ["video_file,Severity Score"]
    folder.mkdir()
    with (data_root / "covid_blues" / "severity.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            source = data_root / "covid_blues" / "lus_videos" / f"{row['video_file']}.mp4"
            score = row["Severity Score"]
            if source.is_file() and score in ("1.0", "2.0") and len(lines) < 15 and row["video_file"].endswith("1"):
                (folder / source.name).symlink_to(source)
                lines.append(f"{row['video_file']},{score}")
    (folder / "scores.csv").write_text("\n".join(lines), encoding="utf-8")
    columns = ["--label-column", "Severity Score", "--group-by", "(patient_[0-9]+)_"]

    new(folder, folder / "scores.csv", "-o", tmp_path / "project", *columns)

    patients = len({line.rpartition("_")[0] for line in lines[1:]})
    assert f"patients      {patients}: by '(patient_[0-9]+)_' in the path" in capsys.readouterr().out
    contract = Contract.from_metadata(config("metadata.json", tmp_path / "project"))
    assert contract.classes == ("1", "2")
    assert contract.intensity == {"scale": "window", "low": 0, "high": 255}
    batch = next(iter(workflow(tmp_path / "project", ["train.json"], {
        "bundle_root": str(tmp_path / "project"), "size": 32, "batch_size": 2, "cache_rate": 0.0,
    }).parser.get_parsed_content("train#dataloader")))  # fmt: skip
    assert int(batch["lengths"].max()) == batch["image"].shape[-1]
    assert 0.0 <= float(batch["image"].min()) < 0.2 < float(batch["image"].max()) <= 1.0


def test_clips_and_volumes_are_two_projects(tmp_path, clips, capsys):
    data = volumes(tmp_path / "data")
    for path in sorted(clips.glob("*.mp4"))[:3]:
        shutil.copyfile(path, data / "b" / path.name)

    with pytest.raises(SystemExit):
        main(["new", str(data), "-o", str(tmp_path / "project")])
    assert "3 clips and 10 volumes; make a project for each kind" in capsys.readouterr().err


def test_overrides_of_plane_and_intensities_are_what_predict_does(tmp_path, capsys):
    new(volumes(tmp_path / "data"), "-o", tmp_path / "project")
    window = {"scale": "window", "low": 10, "high": 150}

    trained = train(tmp_path / "project", slice_axis="axial", intensity=window, num_slices=2)
    found = predicted(trained, tmp_path / "data" / "a" / "0.nii.gz", tmp_path / "out")

    contract = Contract.from_metadata(config("metadata.json", trained))
    assert (contract.slice_axis, contract.intensity, contract.num_slices) == ("axial", window, 2)
    assert (contract.slices, contract.spacing) == (None, None)
    steps = config("inference.json", trained)["preprocessing"]["transforms"]
    assert steps == config("train.json", trained)["train"]["deterministic_transforms"]
    assert len(found["selected_slices"]) == 2
