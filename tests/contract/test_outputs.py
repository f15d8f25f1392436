"""What a command, a live prediction and a configuration do with an input that the model was not made for."""

import json

import pytest

from monai_das.cli.main import main
from monai_das.data import CaseKey, open_source
from monai_das.inference import Predictor
from monai_das.review import BackendRefusalError, LivePredictions
from tests.contract.contracts import change_contract, hold_contract

REFUSAL = "the model was not made for this input: 12 slices, 100 to 200 are accepted. Give what it was made for"


@pytest.fixture
def choosy(own_bundle):
    """A bundle that accepts 100 slices and more."""
    change_contract(own_bundle, slices=[100, 200])
    hold_contract(own_bundle)
    return own_bundle


def predict(bundle, nifti, out, *options):
    return main(["predict", str(nifti), "--bundle", str(bundle), "-o", str(out), "--num-slices", "2", *options])


def test_predict_fails_the_case_with_the_reason_and_writes_no_report(choosy, nifti, tmp_path, capsys):
    code = predict(choosy, nifti, tmp_path / "out")

    (error,) = json.loads((tmp_path / "out" / "errors.json").read_text(encoding="utf-8"))["errors"]
    assert code == 1
    assert REFUSAL in error["error"]
    assert REFUSAL in capsys.readouterr().err
    assert list((tmp_path / "out").rglob("result.json")) == []


def test_predict_with_accept_any_input_says_so_everywhere(choosy, nifti, tmp_path, capsys):
    code = predict(choosy, nifti, tmp_path / "out", "--accept-any-input", "--report", "json,html")

    (file,) = (tmp_path / "out").rglob("result.json")
    notice = "NOT MADE FOR THIS INPUT (12 slices, 100 to 200 are accepted), run by --accept-any-input"
    assert code == 0
    assert json.loads(file.read_text(encoding="utf-8"))["notices"] == [notice]
    assert notice in file.with_name("case.html").read_text(encoding="utf-8")
    assert notice in capsys.readouterr().err


def test_a_live_prediction_is_refused_with_the_reason(choosy, nifti):
    key = CaseKey(b"a key of the tests, known to everyone")
    live = LivePredictions(Predictor(choosy, num_slices=2), nifti.parent, key)
    data = {"case": key.case_id(open_source(nifti)), "kind": "volume", "slice_indices": [0]}

    with pytest.raises(BackendRefusalError, match=REFUSAL) as refused:
        live.answer({"tasks": [{"id": 1, "data": data}]})

    assert refused.value.status == 422


def test_info_shows_the_contract(choosy, capsys):
    main(["info", str(choosy)])

    said = capsys.readouterr().out
    assert "accepted slices:      100 to 200" in said
    assert "accepted values:      any" in said


def test_doctor_finds_a_contract_that_configs_and_weights_agree_with(own_bundle, capsys):
    main(["doctor", "--bundle", str(own_bundle)])

    said = capsys.readouterr().out
    assert "ok       contract: stated in metadata.json" in said
    assert "ok       contract, inference.json: agrees" in said
    assert "note     contract, model.pt: agrees; no training cases are described" in said


def test_doctor_names_configs_and_weights_that_contradict_the_contract(own_bundle, capsys):
    change_contract(own_bundle, intensity={"scale": "none"})
    path = own_bundle / "configs" / "inference.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["slice_axis"], config["network_def"]["contract"] = "coronal", None
    path.write_text(json.dumps(config), encoding="utf-8")

    code = main(["doctor", "--bundle", str(own_bundle)])

    said = capsys.readouterr().out
    assert code == 1
    assert 'missing  contract, inference.json: SliceAxisd: slice_axis is "coronal", the metadata say "axial"' in said
    assert "missing  contract, inference.json: network_def has no contract, so its weights would hold none" in said
    assert 'missing  contract, model.pt: intensity: the weights were made with {"scale": "range"}' in said


def test_doctor_names_a_bundle_without_a_contract(own_bundle, capsys):
    path = own_bundle / "configs" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    del metadata["contract"]
    path.write_text(json.dumps(metadata), encoding="utf-8")

    assert main(["doctor", "--bundle", str(own_bundle)]) == 1
    assert (
        "missing  contract: metadata.json has no contract; state one, see docs/contract.md" in capsys.readouterr().out
    )
