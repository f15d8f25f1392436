import hashlib
import shutil

import pytest
import torch
from monai.data import save_net_with_metadata

from monai_das.inference import Predictor, load_torchscript_model

CPU = torch.device("cpu")


def test_torchscript_answers_as_the_bundle(random_bundle, scripted, nifti):
    python = Predictor(random_bundle).predict(nifti)

    result = Predictor.from_torchscript(scripted).predict(nifti)

    assert list(result.probabilities.values()) == pytest.approx(list(python.probabilities.values()), abs=1e-5)
    assert result.sampling_indices == python.sampling_indices
    assert (result.model.name, result.model.version) == (python.model.name, python.model.version)
    assert result.model.weights_sha256 == hashlib.sha256(scripted.read_bytes()).hexdigest()


def test_the_budget_of_torchscript_can_be_overridden(scripted, predictor, nifti):
    result = Predictor.from_torchscript(scripted, num_slices=4).predict(nifti)

    assert result.sampling_indices == predictor.predict(nifti).sampling_indices


def test_only_the_selected_slices_are_read(scripted, counted, nifti):
    source = counted(nifti)

    Predictor.from_torchscript(scripted, num_slices=3).predict(source)

    assert len(source.read_slices) == 3


def test_a_loaded_model_serves_a_predictor(scripted, nifti):
    model = load_torchscript_model(scripted, CPU)

    assert len(Predictor(model=model, num_slices=2).predict(nifti).selected) == 2


def test_neither_or_both_of_bundle_and_model_is_an_error(random_bundle, scripted):
    for arguments in ({}, {"bundle_dir": random_bundle, "model": load_torchscript_model(scripted, CPU)}):
        with pytest.raises(ValueError, match="give bundle_dir or model, one of them"):
            Predictor(**arguments)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"model\.ts: no such file; give a model\.ts that monai"):
        load_torchscript_model(tmp_path / "model.ts", CPU)


def test_a_file_that_is_no_torchscript(random_bundle, tmp_path):
    shutil.copy(random_bundle / "models" / "model.pt", tmp_path / "model.ts")

    with pytest.raises(ValueError, match=r"model\.ts is no TorchScript"):
        load_torchscript_model(tmp_path / "model.ts", CPU)


def test_a_network_that_cannot_select(tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), tmp_path / "model.ts")

    with pytest.raises(ValueError, match=r"has no score and classify; export a monai_das network, without --use_trace"):
        load_torchscript_model(tmp_path / "model.ts", CPU)


def test_torchscript_without_its_config(scripted, tmp_path):
    save_net_with_metadata(torch.jit.load(scripted), str(tmp_path / "model.ts"), meta_values={"version": "1"})

    with pytest.raises(ValueError, match=r"holds no inference\.json; export it with --meta_file and --config_file"):
        load_torchscript_model(tmp_path / "model.ts", CPU)
