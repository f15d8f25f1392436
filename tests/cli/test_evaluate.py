"""``monai-das evaluate``."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from monai_das.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folds(tmp_path):
    """Two files with six patients each, ten alike clips of every patient."""
    generator, files = np.random.default_rng(0), []
    for fold in range(2):
        lines = []
        for patient in range(6):
            score = float(np.clip(0.3 * (patient % 2) + 0.7 * generator.random(), 0.0, 1.0))
            who = f"patient_{fold * 6 + patient}"
            lines += [f"{who}_clip{clip},{1.0 - score},{score},{float(patient % 2)}" for clip in range(10)]
        files.append(tmp_path / f"fold{fold}.csv")
        files[-1].write_text("\n".join(lines) + "\n")
    return [str(file) for file in files]


def scores_of(files):
    rows = [line.split(",") for file in files for line in Path(file).read_text().splitlines()]
    return [float(row[3]) for row in rows], [float(row[2]) for row in rows]


def test_a_table_for_people_and_one_object_for_programs(folds, tmp_path, capsys):
    code = main(["evaluate", folds[0], "--json", str(tmp_path / "out" / "figures.json")])

    lines = capsys.readouterr().out.splitlines()
    figures = json.loads(lines[-1])
    assert code == 0
    assert lines[0] == "60 cases of 2 classes; 95 % intervals of 2000 bootstrap samples of cases"
    assert f"| AUC | {figures['auc']:.3f} | {figures['auc_low']:.3f} to {figures['auc_high']:.3f} |" in lines
    assert figures["auc"] == pytest.approx(roc_auc_score(*scores_of(folds[:1])), abs=1e-4)
    for name in ("auc", "balanced_accuracy", "accuracy", "ece", "brier"):
        assert {name, f"{name}_low", f"{name}_high"} <= figures.keys()
    assert json.loads((tmp_path / "out" / "figures.json").read_text()) == figures


def test_folds_are_taken_together_and_patients_drawn_whole(folds, capsys):
    main(["evaluate", *folds, "--group", r"^(patient_\d+)_"])
    grouped = capsys.readouterr().out.splitlines()
    main(["evaluate", *folds])
    plain = json.loads(capsys.readouterr().out.splitlines()[-1])

    figures = json.loads(grouped[-1])
    assert grouped[0].endswith("bootstrap samples of 12 groups of cases")
    assert (figures["cases"], figures["groups"]) == (120, 12)
    assert list(figures["auc_by_file"]) == folds
    assert figures["auc"] == plain["auc"] == pytest.approx(roc_auc_score(*scores_of(folds)), abs=1e-4)
    assert figures["auc_high"] - figures["auc_low"] > 1.5 * (plain["auc_high"] - plain["auc_low"])


def test_the_patients_of_the_datalist_are_drawn_whole(folds, tmp_path, capsys):
    names = [line.split(",")[0] for file in folds for line in Path(file).read_text().splitlines()]
    entries = [{"name": name, "group": name.partition("_clip")[0]} for name in names]
    datalist = tmp_path / "datalist.json"
    datalist.write_text(json.dumps({"training": entries[:60], "test": entries[60:], "numTraining": 60}))

    main(["evaluate", *folds, "--datalist", str(datalist)])
    ours = json.loads(capsys.readouterr().out.splitlines()[-1])
    main(["evaluate", *folds, "--group", r"^(patient_\d+)_"])

    assert ours == json.loads(capsys.readouterr().out.splitlines()[-1])


def test_three_classes_and_one_that_never_occurs(tmp_path, capsys):
    file = tmp_path / "three.csv"
    file.write_text("a,0.8,0.1,0.1,0\nb,0.1,0.8,0.1,1\n")

    main(["evaluate", str(file)])

    lines = capsys.readouterr().out.splitlines()
    figures = json.loads(lines[-1])
    assert "| AUC | - | - |" in lines
    assert (figures["auc"], figures["auc_low"], figures["accuracy"]) == (None, None, 1.0)


@pytest.fixture
def verdicts(tmp_path):
    """What ``monai-das review pull`` writes of two clips."""
    common = {"label_name": "", "slices_rejected": [], "reviewer": "reader-1", "reviewed_at": "2026-01-01T00:00:00Z"}
    said = [("patient_0_clip0", 0, [1, 2], [3]), ("patient_1_clip0", 1, [4], [])]
    entries = [
        {"case_id": case, "label": label, "slices_confirmed": confirmed, "slices_added": added, **common}
        for case, label, confirmed, added in said
    ]
    file = tmp_path / "pulled.json"
    file.write_text(json.dumps({"training": entries, "unsure": []}))
    return file


def test_readers_are_compared_with_the_model(folds, verdicts, capsys):
    code = main(["evaluate", folds[0], "--readers", str(verdicts)])

    lines = capsys.readouterr().out.splitlines()
    agreement = json.loads(lines[-1])["agreement"]
    assert code == 0
    assert "2 of the cases were reviewed, by 1 readers" in lines
    assert agreement["chosen"] == pytest.approx(5 / 6, abs=1e-4)
    assert (agreement["between_readers"]["class_kappa"], agreement["between_readers"]["kind"]) == (None, None)


@pytest.fixture
def bundle(tmp_path):
    """A folder with the metadata of a bundle and a datalist, in which every case is of the test part."""
    folder = tmp_path / "bundle"
    (folder / "configs").mkdir(parents=True)
    metadata = json.loads((ROOT / "bundle" / "configs" / "metadata.json").read_text(encoding="utf-8"))
    metadata["contract"]["threshold"] = 0.35
    metadata["eval_metrics"] = {"part": "validation", "auc": 0.75}
    metadata["training_data"] = {"fingerprint": "ab" * 32}
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    who = [f"patient_{patient}" for patient in range(6)]
    cases = [{"name": f"{each}_clip{clip}", "group": each} for each in who for clip in range(10)]
    (folder / "datalist.json").write_text(json.dumps({"training": [], "test": cases}), encoding="utf-8")
    return folder


def metrics_of(bundle):
    return json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))["eval_metrics"]


def test_the_bundle_says_threshold_and_patients(folds, bundle, capsys):
    main(["evaluate", folds[0], "--bundle", str(bundle)])

    lines = capsys.readouterr().out.splitlines()
    figures = json.loads(lines[-1])
    scores, labels = (np.array(each) for each in scores_of(folds[:1])[::-1])
    recalls = [((scores >= 0.35) == label)[labels == label].mean() for label in (0, 1)]
    assert lines[1] == "the answer is the second class from a probability of 0.35 on"
    assert (figures["threshold"], figures["groups"]) == (0.35, 6)
    assert figures["balanced_accuracy"] == pytest.approx(np.mean(recalls), abs=1e-4)
    assert metrics_of(bundle) == {"part": "validation", "auc": 0.75}


def test_figures_are_written_into_the_bundle_beside_those_of_the_validation(folds, bundle, capsys):
    for _ in range(2):
        main(["evaluate", folds[0], "--bundle", str(bundle), "--write"])
        figures = json.loads(capsys.readouterr().out.splitlines()[-1])

        assert metrics_of(bundle) == {"part": "test", **figures, "validation": {"part": "validation", "auc": 0.75}}
        readme = (bundle / "docs" / "README.md").read_text(encoding="utf-8")
        assert f"| auc | {figures['auc']} ({figures['auc_low']} to {figures['auc_high']}) |" in readme
        assert "auc_low" not in readme
        assert "| auc | 0.75 |" in readme.partition("on the validation part")[2]


def test_cases_that_were_trained_on_are_no_measure_of_a_bundle(folds, bundle, capsys):
    names = bundle / "datalist.json"
    names.write_text(names.read_text(encoding="utf-8").replace('"test"', '"training"'), encoding="utf-8")

    with pytest.raises(SystemExit):
        main(["evaluate", folds[0], "--bundle", str(bundle), "--write"])

    assert "of the parts training of the datalist; a model is measured on one part that it was not trained on" in (
        " ".join(capsys.readouterr().err.split())
    )
    assert metrics_of(bundle) == {"part": "validation", "auc": 0.75}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["absent.csv"], "absent.csv"),
        (["FOLD", "--group", "("], "'(' is no regular expression"),
        (["FOLD", "--readers", "FOLD"], "holds no verdicts"),
        (["FOLD", "--datalist", "FOLD"], "fold0.csv: no datalist whose cases have name and group"),
        (["FOLD", "--datalist", "absent.json"], "absent.json"),
        (["FOLD", "--datalist", "OTHER"], "no case is called 'patient_0_clip0' in the datalist; give the one that was"),
        (["FOLD", "--datalist", "OTHER", "--group", "(a)"], "argument --group: not allowed with argument --datalist"),
        (["FOLD", "--json", "INSIDE"], "Not a directory"),
        (["FOLD", "--write"], "--write needs --bundle, the folder to write into"),
        (["FOLD", "--bundle", "none"], "none is not a bundle: no such file or folder"),
        (["THREE", "--bundle", "BUNDLE"], "has 2 classes, the predictions 3"),
        ([], "the following arguments are required: predictions.csv"),
    ],
)
def test_what_cannot_be_read_or_written_exits_with_2(folds, options, message, tmp_path, capsys):
    (tmp_path / "three.csv").write_text("a,0.8,0.1,0.1,0\nb,0.1,0.8,0.1,1\n")
    places = {"FOLD": folds[0], "THREE": str(tmp_path / "three.csv"), "BUNDLE": str(ROOT / "bundle")}
    places["INSIDE"] = f"{folds[0]}/under/a/file.json"
    other = tmp_path / "other.json"
    other.write_text(json.dumps([{"case_id": "a", "group": "b"}]))
    words = [(places | {"OTHER": str(other)}).get(option, option) for option in options]
    with pytest.raises(SystemExit) as exit_:
        main(["evaluate", *words, "--include-phi"])

    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def test_help_shows_product_commands_and_no_laboratory(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])

    shown = capsys.readouterr().out
    assert "evaluate" in shown
    assert "benchmark" not in shown


def test_a_perfect_score_of_a_few_cases_has_no_interval(tmp_path, capsys):
    (tmp_path / "few.csv").write_text("a,0.9,0.1,0.0\nb,0.8,0.2,0.0\nc,0.2,0.8,1.0\n")

    main(["evaluate", str(tmp_path / "few.csv")])

    *lines, figures = capsys.readouterr().out.splitlines()
    assert "| AUC | 1.000 | - |" in lines
    assert "No interval (-): all bootstrap samples agree; too few cases, 1 of the rarest class" in lines
    assert json.loads(figures)["auc_low"] is None
