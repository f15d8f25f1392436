"""TorchScript, torch.export and ONNX of both networks, at batches and depths other than those they were made with."""

import io

import pytest
import torch
from torch.export import Dim

from monai_das.samplers import take_slices
from tests.networks.conftest import flipping_network, volume_network

onnxruntime = pytest.importorskip("onnxruntime")

# torch's converters are slow under coverage, and reach no line that other tests do not
pytestmark = pytest.mark.no_cover

# depth 3 and 1 are below the budget of 4
SIZES = [(2, 9), (1, 3), (3, 30), (1, 1)]
DYNAMIC = {"volume": {0: Dim.DYNAMIC, 4: Dim.DYNAMIC}}


def test_script_saved_and_loaded_equals_eager(network):
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(network), buffer)
    buffer.seek(0)
    loaded = torch.jit.load(buffer)

    for batch, depth in SIZES:
        volume = torch.randn(batch, 1, 24, 20, depth)
        lengths = torch.randint(1, depth + 1, (batch,))
        selection = network.score(network.thumbnails(volume), lengths)
        scripted = loaded.score(loaded.thumbnails(volume), lengths)
        slices = take_slices(volume, selection)
        expected = network(volume, lengths)
        assert torch.equal(scripted.indices, selection.indices)
        assert torch.equal(scripted.kept, selection.kept)
        torch.testing.assert_close(loaded(volume, lengths), expected)
        torch.testing.assert_close(loaded.classify(slices, selection), expected)
        torch.testing.assert_close(loaded.classify(slices, scripted), expected)
    assert loaded.thumbnail_size == network.thumbnail_size


def test_script_after_training_equals_eager(network):
    network.train()(torch.randn(2, 1, 24, 20, 9)).logits.sum().backward()
    volume = torch.randn(2, 1, 24, 20, 7)

    scripted = torch.jit.script(network.eval())

    torch.testing.assert_close(scripted(volume), network(volume))


def test_a_script_in_training_returns_logits_alone_and_trains(network):
    scripted = torch.jit.script(network.train())

    logits = scripted(torch.randn(2, 1, 24, 20, 9), torch.tensor([9, 2]))
    logits.square().sum().backward()

    assert logits.shape == (2, 3)
    assert all(p.grad.isfinite().all() for p in scripted.parameters())


def test_script_raises_the_same_errors(network):
    with pytest.raises(torch.jit.Error, match=r"got \[1, 8, 8, 4\]; add a batch axis"):
        torch.jit.script(network)(torch.rand(1, 8, 8, 4))


def test_export_takes_lengths(network):
    volume, lengths = torch.randn(3, 1, 24, 20, 9), torch.tensor([9, 2, 5])
    shapes = {**DYNAMIC, "lengths": {0: Dim.DYNAMIC}}
    with torch.no_grad():
        exported = torch.export.export(network, (volume, lengths), dynamic_shapes=shapes).module()

        torch.testing.assert_close(exported(volume, lengths), network(volume, lengths), rtol=1e-4, atol=1e-5)


# seconds each; tests/bundle/test_commands.py converts the network of the bundle
@pytest.mark.e2e
@pytest.mark.parametrize("network", [flipping_network, volume_network], indirect=True, ids=["flips", "volume"])
# torch's own exporter calls what its own pytree deprecates
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.. is deprecated:FutureWarning")
def test_export_and_onnx_take_any_batch_and_depth(network):
    with torch.no_grad():
        program = torch.export.export(network, (torch.randn(2, 1, 24, 20, 9),), dynamic_shapes=DYNAMIC)
        model = torch.onnx.export(program, dynamo=True, verbose=False).model_proto
        session = onnxruntime.InferenceSession(model.SerializeToString())

        for batch, depth in SIZES:
            volume = torch.randn(batch, 1, 24, 20, depth)
            expected = network(volume)
            torch.testing.assert_close(program.module()(volume), expected, rtol=1e-4, atol=1e-5)
            logits = torch.from_numpy(session.run(None, {"volume": volume.numpy()})[0])
            torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-4)
