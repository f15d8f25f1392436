"""ONNX Runtime and OpenVINO: the same choice and answer as PyTorch, or a clear error."""

import dataclasses
import json
import pickle
import shutil

import pytest
import torch
from monai.data import save_net_with_metadata

from monai_das.cli import main
from monai_das.cli.runtime_option import NAMES
from monai_das.cohort import CohortOptions, LocalEngine, run_cohort
from monai_das.datasets import write_nifti
from monai_das.inference import RUNTIMES, Predictor, load_torchscript_model, open_bundle, run_by
from monai_das.inference.runtimes import MODULES, RuntimeNetwork, python_network
from monai_das.samplers import take_slices
from tests.inference.bundles import configured_bundle, with_weights

pytest.importorskip("onnxruntime")
# torch's converters are slow under coverage: each takes seconds, so that graphs are kept for all tests of this file
pytestmark = pytest.mark.no_cover

CPU = torch.device("cpu")
SAMPLERS = ("DASSampler", "DASGateSampler")


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    return {sampler: made(tmp_path_factory.mktemp(sampler), sampler) for sampler in SAMPLERS}


@pytest.fixture
def bundle(bundles):
    return bundles["DASSampler"]


@pytest.fixture
def by_onnx(bundle, graphs):
    return lambda **options: Predictor(bundle, **{"num_slices": 5, "runtime": "onnx", "graphs": graphs, **options})


def made(folder, sampler):
    """A bundle with the configs of the bundle, a backbone of one convolution, and ``sampler`` with random weights."""
    network = configured_bundle(
        folder,
        sampler={"_target_": f"monai_das.samplers.{sampler}", "num_slices": 5},
        backbone={"_target_": "torch.nn.Conv2d", "in_channels": 1, "out_channels": 128, "kernel_size": 9},
        average_flips=False,
    )
    with torch.no_grad():
        for parameter in network.sampler.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return with_weights(folder, network)


# each conversion takes seconds: those of the others are for scripts/test_e2e.sh
@pytest.mark.parametrize("runtime", MODULES)
@pytest.mark.parametrize(
    "sampler", [SAMPLERS[0], *(pytest.param(each, marks=pytest.mark.e2e) for each in SAMPLERS[1:])]
)
@torch.no_grad()
def test_every_sampler_chooses_and_answers_the_same(sampler, runtime, bundles, graphs):
    pytest.importorskip(MODULES[runtime])
    model = open_bundle(bundles[sampler], CPU)

    other = run_by(model, runtime, folder=graphs)

    for depth in (60, 9, 3, 1):
        volume = torch.rand(1, 1, 64, 64, depth) * torch.rand(depth)
        wanted = model.network.score(model.network.thumbnails(volume))
        found = other.network.score(other.network.thumbnails(volume))
        assert found.indices.tolist() == wanted.indices.tolist()
        assert found.kept.tolist() == wanted.kept.tolist()
        torch.testing.assert_close(found.scores, wanted.scores, rtol=0, atol=1e-4)
        torch.testing.assert_close(found.inclusion, wanted.inclusion, rtol=0, atol=1e-4)
        slices = take_slices(volume, wanted)
        probabilities = model.probabilities(model.network.classify(slices, wanted)[0])
        told = other.probabilities(other.network.classify(slices, found)[0])
        assert told == pytest.approx(probabilities, abs=1e-4)


@pytest.mark.parametrize("runtime", MODULES)
def test_a_result_is_the_same_and_says_what_made_it(by_onnx, nifti, runtime):
    pytest.importorskip(MODULES[runtime])
    plain, other = by_onnx(runtime="torch"), by_onnx(runtime=runtime)

    wanted, found = plain.predict(nifti), other.predict(nifti)

    assert found.sampling_indices == wanted.sampling_indices
    assert list(found.probabilities.values()) == pytest.approx(list(wanted.probabilities.values()), abs=1e-4)
    assert (wanted.model.runtime, found.model.runtime) == ("torch", runtime)
    assert (wanted.model.run_by, found.model.run_by) == ("", f", run by {RUNTIMES[runtime]}")
    assert found.fingerprint != wanted.fingerprint


def test_the_fingerprint_of_pytorch_is_that_of_no_runtime(bundle, by_onnx):
    assert by_onnx(runtime="torch").fingerprint == Predictor(bundle, num_slices=5).fingerprint


def test_a_case_of_fewer_slices_than_the_budget_keeps_all(by_onnx, volume, tmp_path):
    write_nifti(volume[..., :3], tmp_path / "short.nii.gz")

    assert by_onnx().predict(tmp_path / "short.nii.gz").sampling_indices == (0, 1, 2)


def test_a_later_run_exports_nothing(by_onnx, monkeypatch):
    by_onnx()
    monkeypatch.setattr("monai_das.inference.runtimes.export_parts", lambda *_: pytest.fail("exported again"))

    by_onnx()


def test_kept_graphs_of_another_budget_and_spoiled_ones_are_not_taken(by_onnx, graphs, tmp_path, monkeypatch):
    class ExportedError(Exception):
        pass

    def exported(*_):
        raise ExportedError

    by_onnx()
    spoiled = shutil.copytree(graphs, tmp_path / "graphs")
    for path in spoiled.iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    monkeypatch.setattr("monai_das.inference.runtimes.export_parts", exported)
    for options in ({"num_slices": 3}, {"graphs": spoiled}, {"graphs": None}):
        with pytest.raises(ExportedError):
            by_onnx(**options)


def test_torchscript_is_exported_by_its_config(by_onnx, bundle, nifti, tmp_path, monkeypatch):
    configs = [bundle / "configs" / name for name in ("metadata.json", "inference.json")]
    scripted = tmp_path / "model.ts"
    save_net_with_metadata(
        torch.jit.script(open_bundle(bundle, CPU).network),
        str(scripted),
        meta_values=json.loads(configs[0].read_text()),
        more_extra_files={"inference.json": configs[1].read_bytes()},
    )
    model = load_torchscript_model(scripted, CPU)
    volume = torch.rand(1, 1, 64, 64, 9)
    python, parts = python_network(model), by_onnx().model.network.parts
    # made of the same weights
    monkeypatch.setattr("monai_das.inference.runtimes.export_parts", lambda *_: parts)

    found = Predictor(scripted, num_slices=5, runtime="onnx").predict(nifti)

    torch.testing.assert_close(python(volume), model.network(volume))
    assert found.sampling_indices == Predictor(scripted, num_slices=5).predict(nifti).sampling_indices


def test_a_predictor_pickles(by_onnx, nifti):
    predictor = by_onnx()

    copy = pickle.loads(pickle.dumps(predictor))

    assert copy.predict(nifti).probabilities == predictor.predict(nifti).probabilities


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("score", "ONNX Runtime chooses other slices than PyTorch of a made-up case; use another runtime"),
        ("classify", r"probabilities that are [\d.e-]+ from PyTorch's for a made-up case, at most 0.0001 is allowed"),
    ],
)
def test_a_runtime_that_computes_something_else_is_refused(by_onnx, monkeypatch, method, message):
    right = getattr(RuntimeNetwork, method)

    def wrong(self, *inputs):
        found = right(self, *inputs)
        return found._replace(indices=found.indices + 1) if method == "score" else -found

    monkeypatch.setattr(RuntimeNetwork, method, wrong)

    with pytest.raises(ValueError, match=message):
        by_onnx()


def test_a_network_that_cannot_be_exported_says_so(bundle, monkeypatch):
    model = open_bundle(bundle, CPU)
    forward = model.network.sampler.forward
    monkeypatch.setattr(
        model.network.sampler, "forward", lambda seen, lengths: forward(seen * float(seen.max()), lengths)
    )

    with pytest.raises(ValueError, match=r"this network cannot be exported to ONNX \(.+\); use the runtime torch"):
        run_by(model, "onnx")


def test_a_network_that_a_runtime_cannot_run_says_so(by_onnx, monkeypatch):
    def broken(self, thumbnails):
        raise RuntimeError("no such kernel\nmore")

    monkeypatch.setattr(RuntimeNetwork, "score", broken)

    with pytest.raises(ValueError, match=r"ONNX Runtime cannot run this network \(no such kernel\); use the runtime"):
        by_onnx()


def test_the_command_line_has_every_runtime():
    assert tuple(RUNTIMES) == NAMES


def test_an_unknown_runtime(by_onnx):
    with pytest.raises(ValueError, match="runtime must be one of torch, onnx, openvino, got 'tensorrt'"):
        by_onnx(runtime="tensorrt")


def test_a_network_on_another_device(bundle):
    model = open_bundle(bundle, CPU)
    elsewhere = dataclasses.replace(model, network=model.network.to("meta"))

    with pytest.raises(ValueError, match="runs on the CPU here; give the device cpu, or the runtime torch"):
        run_by(elsewhere, "onnx")


def test_a_budget_above_that_of_the_graphs(by_onnx):
    network = by_onnx().model.network
    network.sampler.num_slices = 6

    with pytest.raises(ValueError, match="was exported for 5 slices, got budget=6; export it anew"):
        network.score(torch.rand(1, 1, 28, 28, 9))


def test_a_value_that_is_not_finite(by_onnx):
    with pytest.raises(ValueError, match="slice 0 of case 0 in the batch has values that are NaN or infinite"):
        by_onnx().model.network.score(torch.full((1, 1, 28, 28, 9), float("nan")))


def test_the_command_line_keeps_graphs_and_the_result_says_the_runtime(bundle, nifti, graphs, tmp_path, monkeypatch):
    monkeypatch.setattr("monai_das.cli.predict.kept_graphs", lambda: graphs)
    words = ["predict", str(nifti), "-o", str(tmp_path / "out"), "--bundle", str(bundle), "--num-slices", "5"]

    assert main([*words, "--runtime", "onnx", "--report", "json"]) == 0

    assert json.loads(next((tmp_path / "out").glob("*/result.json")).read_text())["runtime"] == "onnx"


def test_a_cohort_is_by_one_runtime(bundle, nifti, graphs, tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "manifest.csv").write_text(f"case_id,location\na,{nifti}\n")
    options = CohortOptions(num_slices=5, runtime="onnx", graphs=graphs)

    def run(chosen):
        return run_cohort(tmp_path / "manifest.csv", bundle, tmp_path / "out", LocalEngine(0), chosen)

    assert run(options).states == {"done": 1}
    with pytest.raises(ValueError, match=r"is a cohort by other weights or settings \(configs, .*--runtime"):
        run(dataclasses.replace(options, runtime="torch"))
