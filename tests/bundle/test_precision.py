"""Mixed precision is real: every gradient of the bundle's network stays finite, also for CT numbers."""

import pytest
import torch

from monai_das.handlers import DASBudgetSchedule
from monai_das.losses import DASLoss
from tests.bundle.bundle_runs import METHODS, workflow

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")),
]
LOW = {"cpu": torch.bfloat16, "cuda": torch.float16}
SMALL = {"size": 32, "num_slices": 3}


@pytest.fixture(params=METHODS, ids=lambda path: path.stem)
def network(request, bundle):
    return workflow(bundle, ["train.json", request.param], SMALL).parser.get_parsed_content("network_def")


def hounsfield(device):
    """Return two float16 volumes with values of -3000 to 3000."""
    return (6000.0 * torch.rand(2, 1, 32, 32, 8, device=device) - 3000.0).half()


def assert_finite_gradients(network, device):
    """One training step of ``network`` under autocast, then look at the loss and all gradients."""
    network.to(device).train()
    with torch.autocast(device, dtype=LOW[device]):
        loss = DASLoss()(network(hounsfield(device)), torch.tensor([0, 1], device=device))
    loss.backward()
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    assert torch.isfinite(loss)
    assert gradients
    assert all(bool(torch.isfinite(gradient).all()) for gradient in gradients)


@pytest.mark.parametrize("device", DEVICES)
def test_gradients_stay_finite_under_autocast_with_float16_hounsfield_units(network, device):
    DASBudgetSchedule(network, hold_epochs=0, end_epoch=1).step(1)

    assert_finite_gradients(network, device)


@pytest.mark.parametrize("device", DEVICES)
def test_gradients_stay_finite_while_the_budget_is_wide(bundle, device):
    network = workflow(bundle, ["train.json"], SMALL).parser.get_parsed_content("network_def")
    network.sampler.widening = 1.0

    assert_finite_gradients(network, device)


@pytest.mark.parametrize("device", DEVICES)
def test_evaluation_under_autocast_gives_finite_float32_logits(network, device):
    network.to(device).eval()

    with torch.no_grad(), torch.autocast(device, dtype=LOW[device]):
        logits = network(hounsfield(device))

    assert logits.dtype == torch.float32
    assert torch.isfinite(logits).all()
