"""One round of review, with a Label Studio as small as the tests need it."""

import json
import shutil

import numpy as np
import pytest
import torch

from monai_das.cli import main
from monai_das.data import CaseKey, open_source
from monai_das.datasets import is_held_out, write_nifti
from monai_das.inference import Predictor
from monai_das.review import fine_tune, hold_out_of, labelling_config, open_round
from tests.bundle.bundle_runs import BUNDLE, workflow
from tests.contract.contracts import accept_all
from tests.review.small_label_studio import TOKEN

SECRET = "a key of the tests of rounds, 0002"
SETTINGS = ("--holdout-every", "2", "--epochs", "1", "--limit", "1", "--accept-any-input")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The bundle with random weights, small, and for any input."""
    folder = tmp_path_factory.mktemp("round") / "bundle"
    shutil.copytree(BUNDLE / "configs", folder / "configs")
    accept_all(folder)
    path = folder / "configs" / "metadata.json"
    metadata = json.loads(path.read_text())
    metadata["network_data_format"]["inputs"]["image"]["spatial_shape"] = [28, 28, "*"]
    metadata["settings"]["num_slices"] = 3
    path.write_text(json.dumps(metadata))
    torch.manual_seed(0)
    network = workflow(folder, ["inference.json"], {}, "infer").parser.get_parsed_content("network_def")
    (folder / "models").mkdir()
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    return folder


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Six volumes; the ids of those that are held out one in two, of those that train, and where each lies."""
    folder, key = tmp_path_factory.mktemp("cases"), CaseKey(SECRET.encode())
    places = {}
    for number in range(6):
        volume = np.random.default_rng(number).integers(0, 99, (20, 16, 18)).astype(np.uint8)
        write_nifti(volume, folder / f"{number}.nii.gz")
        places[key.case_id(open_source(folder / f"{number}.nii.gz"))] = folder / f"{number}.nii.gz"
    held = [case for case in places if is_held_out(case, 2)]
    trains = [case for case in places if case not in held]
    assert min(len(held), len(trains)) >= 2  # else take another secret
    return held, trains, places


@pytest.fixture
def run(server, bundle, cases, monkeypatch, tmp_path):
    """Run a round; the project holds the answers of a reader to two cases that are held out and two that train."""
    key = tmp_path / "case.key"
    key.write_text(SECRET)
    key.chmod(0o600)
    for name, value in {"URL": server.url, "API_KEY": TOKEN}.items():
        monkeypatch.setenv(f"LABEL_STUDIO_{name}", value)
    monkeypatch.setenv("MONAI_DAS_CASE_KEY", str(key))
    held, trains, places = cases
    server.projects[1] = {"id": 1, "label_config": labelling_config("volume", ["normal", "hyperplasia"])}
    server.export = [task(n, case) for n, case in enumerate([*held[:2], *trains[:2]])]

    def run(*words, bundle=bundle):
        options = ("--bundle", str(bundle), "--cases", str(next(iter(places.values())).parent), *SETTINGS, *words)
        return main(["review", "round", "--project", "1", "-o", str(tmp_path / "round"), *options])

    return run


def task(number, case):
    """A task with an answer: every second case is normal, slice 3 rejected, 7 wanted."""
    answer = {
        "model": {"name": "a", "version": "1", "weights_sha256": "ab"}, "slices": [{"index": 3}, {"index": 7}],
        "label": "normal", "pushed_at": "2025-01-01T00:00:00Z",
    }  # fmt: skip
    data = {
        "case": case, "group": case, "classes": ["normal", "hyperplasia"], "slice_indices": [3, 7], "total_slices": 18,
        "kind": "volume", "answers": [answer],
    }  # fmt: skip
    rows = [
        {"from_name": "class", "value": {"choices": [data["classes"][number % 2]]}},
        *({"from_name": "verdict", "item_index": place, "value": {"choices": [word]}}
          for place, word in enumerate(("artefact", "informative"))),
    ]  # fmt: skip
    answer = {"completed_by": 1, "updated_at": "2026-01-01T00:00:00Z", "result": rows}
    return {"id": number, "data": data, "annotations": [answer]}


def test_a_round_leaves_a_complete_bundle_of_the_next_version_and_pushes_the_unread(
    run, server, bundle, cases, tmp_path
):
    # some seconds: it trains, compares and predicts; and again, as after an interruption
    folder, (held, trains, _) = tmp_path / "round", cases
    before = {path: path.read_bytes() for path in bundle.rglob("*") if path.is_file()}

    code = run()

    evaluation = json.loads((folder / "evaluation.json").read_text())
    assert code == (3 if evaluation["worse"] else 0)
    assert (evaluation["verdicts"], evaluation["patients"]) == (2, 2)
    made, old = (json.loads((place / "configs/metadata.json").read_text()) for place in (folder / "model", bundle))
    start, _, last = old["version"].rpartition(".")
    assert made["version"] == f"{start}.{int(last) + 1}"
    assert made["held_out"] == {"every": 2, "seed": 0}
    assert made["contract"]["threshold"] == old["contract"]["threshold"]
    assert Predictor(folder / "model").model.info.version == made["version"]
    assert str(tmp_path) not in (folder / "model/configs/train.json").read_text()
    assert {path: path.read_bytes() for path in bundle.rglob("*") if path.is_file()} == before
    pushed = [each["data"]["case"] for each in server.tasks.values()]
    assert len(pushed) == 1
    assert not {*pushed} & {*held[:2], *trains[:2]}

    server.export = []
    assert run() == code
    assert [each["data"]["case"] for each in server.tasks.values()] == pushed

    # of a model that got worse nobody is shown anything
    (folder / "evaluation.json").write_text(json.dumps({**evaluation, "worse": True, "sentence": "it is WORSE"}))
    for name in ("predictions", "batch"):
        shutil.rmtree(folder / name)
    assert run() == 3
    (shown,) = (folder / "batch").glob("*/result.json")
    assert json.loads(shown.read_text())["model"]["version"] == old["version"]

    # the next round starts from it, and holds out the same patients
    assert hold_out_of(folder / "model") == (2, 0)
    with pytest.raises(ValueError, match="fine-tuned with one in 2 patients held out; with one in 3 some who trained"):
        hold_out_of(folder / "model", 3)
    with pytest.raises(FileExistsError, match="model is there already; give a new folder"):
        fine_tune(bundle, folder / "review.json", folder / "training", folder / "model")


def test_a_round_with_other_settings_is_refused(run, tmp_path, capsys):
    (tmp_path / "round").mkdir()
    (tmp_path / "round" / "round.json").write_text(json.dumps({"epochs": 3}))

    with pytest.raises(SystemExit):
        run()

    said = " ".join(capsys.readouterr().err.split())
    assert "--out holds a round with other settings (accept_any_input, epochs, holdout, least_seconds," in said
    assert "give the same ones to go on with it, or a new folder" in said


def test_another_folder_is_no_round(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(ValueError, match="holds something that is no round; give a new folder"):
        open_round(tmp_path, {})


def test_without_a_held_out_case_nothing_is_trained(run, server, cases, tmp_path, capsys):
    _, trains, _ = cases
    server.export = [task(n, case) for n, case in enumerate(trains[:3])]

    with pytest.raises(SystemExit):
        run()

    assert "no case for the part 'held_out'" in capsys.readouterr().err
    assert not (tmp_path / "round" / "model").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--limit", "-1"], "--limit must be at least 0, got -1"),
        (["--holdout-every", "1"], "one in at least 2 patients is held out, got 1"),
    ],
)
def test_what_cannot_work_exits_with_2(run, words, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        run(*words)

    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


def test_a_round_needs_to_know_where_the_cases_are(capsys):
    with pytest.raises(SystemExit):
        main(["review", "round", "--project", "1", "-o", "round"])

    assert "give --map or --cases: where the cases are" in capsys.readouterr().err


def test_a_bundle_without_review_json_cannot_be_fine_tuned(bundle, tmp_path):
    shutil.copytree(bundle, tmp_path / "bundle")
    (tmp_path / "bundle/configs/review.json").unlink()

    with pytest.raises(FileNotFoundError, match=r"cannot be fine-tuned, it has no configs/review\.json"):
        hold_out_of(tmp_path / "bundle")


def test_a_training_that_fails_says_why_without_paths(bundle, tmp_path):
    datalist = tmp_path / "review.json"
    entries = [{"image": f"gone_{n}.nii.gz", "label": 0, "group": f"patient-{n}"} for n in range(20)]
    datalist.write_text(json.dumps(entries))

    with pytest.raises(ValueError, match=r"fine-tuning failed: FileNotFoundError: review\.json: no such file"):
        fine_tune(bundle, datalist, tmp_path / "training", tmp_path / "model")

    assert not (tmp_path / "model").exists()


def test_a_damaged_result_is_named(tmp_path):
    folder = open_round(tmp_path / "round", {})
    (folder.predictions / "case-1").mkdir(parents=True)
    (folder.predictions / "case-1" / "result.json").write_text("{}")

    with pytest.raises(ValueError, match=r"result.json: no result \('case_id'\); delete its folder and run again"):
        folder.chosen(2)


def test_the_least_sure_come_first_and_are_chosen_once(tmp_path):
    folder = open_round(tmp_path / "round", {})
    for number, second in enumerate((0.9, 0.5, 0.1, 0.6)):
        path = folder.predictions / f"case-{number}" / "result.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"case_id": f"case-{number}", "probabilities": {"a": 1 - second, "b": second}}))

    assert folder.chosen(2) == ["case-1", "case-3"]
    assert folder.chosen(4) == ["case-1", "case-3"]


def test_an_interrupted_training_goes_on_to_the_same_weights(bundle, cases, tmp_path, caplog):
    held, trains, places = cases
    entries = [{"image": str(places[case]), "label": n % 2, "group": case} for n, case in enumerate([*held, *trains])]
    (tmp_path / "review.json").write_text(json.dumps(entries))

    def tuned():
        fine_tune(
            bundle, tmp_path / "review.json", tmp_path / "training", tmp_path / "model", holdout_every=2, epochs=2
        )
        weights = torch.load(tmp_path / "model" / "models" / "model.pt", weights_only=True)
        shutil.rmtree(tmp_path / "model")
        return weights

    whole = tuned()
    first, last = sorted((tmp_path / "training").glob("resume_*.pt"), key=lambda path: path.stat().st_mtime)
    last.unlink()
    resumed = tuned()

    assert first.is_file()
    assert "epoch 1 until 2 epochs" in caplog.text
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())
