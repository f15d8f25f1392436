import pytest
import torch
from monai.engines import SupervisedTrainer
from monai.transforms import Activationsd

from monai_das.handlers import DASPrepareBatch, DASSplitOutput
from monai_das.losses import DASLoss, DASPolicyInferer
from monai_das.samplers import Selection
from tests.networks.taught import taught_network


def train(network, volumes, handlers, **settings):
    """Train one step and return the engine's output, case by case."""
    trainer = SupervisedTrainer(
        device="cpu",
        max_epochs=1,
        train_data_loader=[{"image": volumes, "label": torch.tensor([0, 1])}],
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), lr=0.1),
        loss_function=DASLoss(),
        prepare_batch=DASPrepareBatch(),
        postprocessing=Activationsd(keys="pred", softmax=True),
        train_handlers=handlers,
        **settings,
    )
    trainer.run()
    return trainer.state.output


@pytest.mark.parametrize("inferer", [None, DASPolicyInferer()], ids=["pair", "policy"])
def test_each_case_has_its_probabilities_and_its_part_of_the_selection(network, volumes, inferer):
    cases = train(network, volumes, [DASSplitOutput()], inferer=inferer)

    assert len(cases) == 2
    for case, volume in zip(cases, volumes, strict=True):
        torch.testing.assert_close(case["pred"].sum(), torch.tensor(1.0))
        assert tuple(case["selection"]) == Selection._fields
        assert case["selection"]["indices"].tolist() == [5, 6, 7]
        assert case["selection"]["kept"].tolist() == [True, True, True]
        assert case["selection"]["scores"].shape == (8,)
        assert case["selection"]["weights"].shape == (3, 8)
        assert case["selection"]["penalty"] == 0.0  # MONAI makes numbers of scalars
        assert torch.equal(case["image"], volume)


def test_a_batch_that_is_not_decollated_keeps_the_names_and_loses_the_graph(volumes):
    output = train(taught_network(), volumes, [DASSplitOutput()], decollate=False)

    assert output["pred"].shape == (2, 2)
    assert output["selection"]["indices"].shape == (2, 8)
    assert (output["selection"]["penalty"] > 0.0).all()
    assert not any(part.requires_grad for part in output["selection"].values())


def test_logits_alone_stay_as_they_are(volumes):
    plain = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16 * 16 * 8, 2))

    cases = train(plain, volumes, [DASSplitOutput()])

    assert all("selection" not in case and case["pred"].shape == (2,) for case in cases)
