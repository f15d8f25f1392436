"""What every sampler promises in ``eval()`` to TorchScript, torch.export and ONNX: the same choice."""

from collections.abc import Callable

import pytest
import torch

from monai_das.samplers import Sampler, Selection
from tests.samplers.conftest import METHODS

# torch's converters take seconds for each method, longer under coverage, and reach no line that other tests do not; so
# the suite looks at TorchScript and at torch.export with a number of slices, and the rest is for scripts/test_e2e.sh
pytestmark = pytest.mark.no_cover

Make = Callable[..., Sampler]
Equal = Callable[[Selection, Selection], None]

# tests/inference/test_runtimes.py converts them in the network of a bundle
CONVERTED_THERE = {"DASSampler", "DASGateSampler"}
FIXED_DEPTH_FOR_FRACTION = {"ADPSSampler"}  # k steps are a loop that torch.export unrolls


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_torchscript_chooses_the_same(make: Make, assert_equal: Equal) -> None:
    sampler = make()
    scripted = torch.jit.script(sampler)

    for depth in (9, 3, 1):
        thumbnails = torch.rand(2, 1, 8, 8, depth)
        assert_equal(scripted(thumbnails, torch.tensor([depth, 1])), sampler(thumbnails, torch.tensor([depth, 1])))
        assert_equal(scripted(thumbnails), sampler(thumbnails))


def exported(sampler: Sampler, any_depth: bool = True) -> torch.export.ExportedProgram:
    dynamic = torch.export.Dim.DYNAMIC
    inputs = (torch.rand(2, 1, 8, 8, 12), torch.tensor([12, 5]))
    shapes = ({0: dynamic, 4: dynamic} if any_depth else {0: dynamic}, {0: dynamic})
    return torch.export.export(sampler, inputs, dynamic_shapes=shapes, strict=False)


def test_export_takes_any_batch_and_depth(make: Make, assert_equal: Equal) -> None:
    sampler = make()
    program = exported(sampler).module()

    for batch, depth in [(3, 20), (1, 2), (5, 12)]:
        thumbnails, lengths = torch.rand(batch, 1, 8, 8, depth), torch.randint(1, depth + 1, (batch,))
        assert_equal(program(thumbnails, lengths), sampler(thumbnails, lengths))


@pytest.mark.e2e
def test_export_with_a_fraction_takes_any_depth_of_two_rows_or_more(
    method: type[Sampler], make: Make, assert_equal: Equal
) -> None:
    sampler = make(None, 0.3)
    any_depth = method.__name__ not in FIXED_DEPTH_FOR_FRACTION
    program = exported(sampler, any_depth).module()

    for depth in (20, 7) if any_depth else (12,):
        thumbnails, lengths = torch.rand(3, 1, 8, 8, depth), torch.tensor([depth, 2, 1])
        assert_equal(program(thumbnails, lengths), sampler(thumbnails, lengths))


@pytest.mark.e2e
@pytest.mark.parametrize("method", [each for each in METHODS if each.__name__ not in CONVERTED_THERE], indirect=True)
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.:FutureWarning")
def test_onnx_chooses_the_same(make: Make) -> None:
    runtime = pytest.importorskip("onnxruntime")
    sampler = make(2)
    program = torch.onnx.export(exported(sampler), dynamo=True, verbose=False, optimize=False)
    session = runtime.InferenceSession(program.model_proto.SerializeToString())
    names = [node.name for node in session.get_inputs()]

    for batch, depth in [(3, 20), (2, 2), (1, 12)]:
        thumbnails, lengths = torch.rand(batch, 1, 8, 8, depth), torch.randint(1, depth + 1, (batch,))
        feeds = dict(zip(names, (thumbnails.numpy(), lengths.numpy()), strict=True))
        weights, indices, kept = (torch.from_numpy(output) for output in session.run(None, feeds)[:3])
        wanted = sampler(thumbnails, lengths)
        assert torch.equal(indices, wanted.indices)
        assert torch.equal(weights, wanted.weights)
        assert torch.equal(kept, wanted.kept)
