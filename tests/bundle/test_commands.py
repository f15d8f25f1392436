"""The commands of the bundle's README, each in a process of its own: ``scripts/test_e2e.sh`` runs them."""

import numpy as np
import onnxruntime
import pytest
import torch

from monai_das.datasets import write_nifti
from tests.bundle.bundle_runs import BUNDLES, SCHEMA_MD5, monai_bundle, options, workflow

pytestmark = pytest.mark.e2e

META = "configs/metadata.json"
INFERENCE = ("--net_id", "network_def", "--meta_file", META, "--config_file", "configs/inference.json")
CHECKPOINT = ("--ckpt_file", "models/model.pt")

every_bundle = pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: folder.name)


@pytest.fixture(scope="module")
def network(bundle):
    made = workflow(bundle, ["inference.json"], {}, "infer").parser.get_parsed_content("network_def").eval()
    made.load_state_dict(torch.load(bundle / "models" / "model.pt", weights_only=True))
    return made


@every_bundle
def test_metadata_fit_the_official_schema(folder, official_schema):
    schema = ("--filepath", official_schema, "--hash_val", SCHEMA_MD5)

    monai_bundle("verify_metadata", "--meta_file", META, *schema, cwd=folder)


@every_bundle
def test_the_network_takes_and_gives_what_the_metadata_say(folder):
    monai_bundle("verify_net_in_out", *INFERENCE, "--device", "cpu", "--n", 5, "--any", 35, cwd=folder)


def test_train_then_evaluate(bundle, small, tmp_path):
    files = "['configs/train.json','configs/evaluate.json']"

    monai_bundle("run", "--config_file", "configs/train.json", *options(small), cwd=bundle)
    trained = options(small | {"ckpt": tmp_path / "out" / "model.pt", "output_dir": tmp_path / "eval"})
    monai_bundle("run", "--config_file", files, *trained, cwd=bundle)

    assert "val_auc" in (tmp_path / "eval" / "metrics.csv").read_text(encoding="utf-8")


def test_inference_of_a_folder(bundle, tmp_path):
    values = np.random.default_rng(0).random((20, 24, 30), dtype=np.float32)
    write_nifti(values, tmp_path / "input" / "case.nii.gz")
    places = options({"dataset_dir": tmp_path / "input", "output_dir": tmp_path / "out"})

    monai_bundle("run", "--config_file", "configs/inference.json", *places, cwd=bundle)

    assert "case.nii.gz" in (tmp_path / "out" / "predictions.csv").read_text(encoding="utf-8")


def test_two_processes_train_one_network(bundle, small, tmp_path):
    files = "['configs/train.json','configs/multi_gpu_train.json']"

    monai_bundle("run", "--config_file", files, *options(small | {"batch_size": 2}), cwd=bundle, processes=2)

    weights = torch.load(tmp_path / "out" / "model.pt", weights_only=True)
    assert not any(name.startswith("module.") for name in weights)
    assert len(list((tmp_path / "out").glob("events.*"))) == 1


def test_torchscript_gives_the_same_and_scores_too(bundle, network):
    monai_bundle("ckpt_export", "--filepath", "models/model.ts", *CHECKPOINT, *INFERENCE, cwd=bundle)

    scripted = torch.jit.load(bundle / "models" / "model.ts")
    volume = torch.rand(2, 1, 64, 64, 40)
    assert torch.allclose(scripted(volume), network(volume), atol=1e-5)
    chosen = scripted.score(scripted.thumbnails(volume), None).indices
    assert torch.equal(chosen, network.score(network.thumbnails(volume)).indices)


def test_onnx_takes_any_batch_and_depth(bundle, network):
    names = "{'input_names': ['image'], 'output_names': ['pred'], 'dynamic_axes': {'image': {0: 'batch', 4: 'depth'}}}"
    shape = ("--input_shape", "[2, 1, 64, 64, 32]", "--converter_kwargs", names)

    monai_bundle("onnx_export", "--filepath", "models/model.onnx", *CHECKPOINT, *INFERENCE, *shape, cwd=bundle)

    session = onnxruntime.InferenceSession(bundle / "models" / "model.onnx", providers=["CPUExecutionProvider"])
    for batch, depth in ((1, 9), (3, 40)):
        volume = torch.rand(batch, 1, 64, 64, depth)
        (logits,) = session.run(None, {"image": volume.numpy()})
        assert np.allclose(logits, network(volume).detach().numpy(), atol=1e-4)
