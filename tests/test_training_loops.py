"""Everybody's loop teaches every parameter of the sampler: plain, Ignite, Lightning's form, accumulation, EMA."""

import re
from pathlib import Path

import pytest
import torch
from monai.engines import SupervisedTrainer
from torch import nn
from torch.optim.swa_utils import AveragedModel

from monai_das.handlers import DASBudgetSchedule, DASPrepareBatch, DASSplitOutput, DASWeightAverage
from monai_das.losses import DASLoss
from monai_das.networks import DASSliceClassifier
from monai_das.samplers import DASSampler, sampler_param_groups

ROOT = Path(__file__).parents[1]
FENCED = re.compile(r"^```python\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
STEPS = 4


@pytest.fixture
def network():
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU())
    return DASSliceClassifier(DASSampler(num_slices=2), backbone, 2, num_features=4, thumbnail_size=16)


@pytest.fixture
def batches():
    return [{"image": torch.rand(4, 1, 16, 16, 8), "label": torch.tensor([0, 1, 1, 0])} for _ in range(STEPS)]


@pytest.fixture
def optimizer(network):
    return torch.optim.AdamW(sampler_param_groups(network, lr=1e-3))


class Taught:
    """Which parameters of a sampler have had a gradient that is not zero, at the steps of an optimizer."""

    def __init__(self, sampler, optimizer):
        self.sampler = sampler
        self.names = set()
        optimizer.register_step_pre_hook(self.look)

    def look(self, *_):
        parameters = self.sampler.named_parameters()
        self.names |= {name for name, each in parameters if each.grad is not None and bool(each.grad.any())}

    def every_one(self):
        return self.names == {name for name, each in self.sampler.named_parameters() if each.requires_grad}


def test_the_training_block_of_the_docs_teaches_every_parameter_at_its_second_step():
    namespace = {"__name__": "__main__"}
    for block in FENCED.findall((ROOT / "docs" / "pipeline.md").read_text(encoding="utf-8")):
        exec(compile(block, "pipeline.md", "exec"), namespace)
        if "DASBudgetSchedule(" in block:
            break

    parameters = dict(namespace["network_2d"].sampler.named_parameters())

    assert len(parameters) == 18
    assert [name for name, each in parameters.items() if each.grad is None or not each.grad.any()] == []


def test_the_first_step_teaches_the_last_layers_which_start_at_zero(network, optimizer, batches):
    taught = Taught(network.sampler, optimizer)

    DASBudgetSchedule(network, hold_epochs=2, end_epoch=3).step(0)
    DASLoss()(network.train()(batches[0]["image"]), batches[0]["label"]).backward()
    optimizer.step()

    # the lesson is blind to a constant in all scores: of head.3.bias comes rounding alone
    assert taught.names - {"head.3.bias"} == {"head.3.weight"}


@pytest.mark.parametrize("accumulation_steps", [1, 2])
def test_a_trainer_of_monai_with_the_schedule_attached_teaches_every_parameter(
    network, optimizer, batches, accumulation_steps
):
    taught = Taught(network.sampler, optimizer)
    trainer = SupervisedTrainer(
        device="cpu",
        max_epochs=1,
        train_data_loader=batches,
        network=network,
        optimizer=optimizer,
        loss_function=DASLoss(),
        prepare_batch=DASPrepareBatch(),
        train_handlers=[DASBudgetSchedule(network, hold_epochs=2, end_epoch=3), DASSplitOutput()],
        accumulation_steps=accumulation_steps,
    )

    trainer.run()

    assert taught.every_one()


class Module(nn.Module):
    """What a ``LightningModule`` of a user would hold: ``training_step``, ``configure_optimizers``, hooks of epochs."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.loss = DASLoss()
        self.schedule = DASBudgetSchedule(network, hold_epochs=2, end_epoch=3)
        self.current_epoch = 0

    def on_train_epoch_start(self):
        self.schedule.step(self.current_epoch)

    def training_step(self, batch, batch_idx):
        return self.loss(self.network(batch["image"]), batch["label"])

    def validation_step(self, batch, batch_idx):
        return self.loss(self.network(batch["image"]), batch["label"])

    def configure_optimizers(self):
        return torch.optim.AdamW(sampler_param_groups(self.network, lr=1e-3))


def test_a_module_in_the_form_of_lightning_teaches_every_parameter(network, batches):
    module = Module(network)
    optimizer = module.configure_optimizers()
    taught = Taught(network.sampler, optimizer)
    validated = []

    for module.current_epoch in range(2):  # as Lightning's loop does, a validation in the middle of the epoch included
        module.train()
        module.on_train_epoch_start()
        for number, batch in enumerate(batches[:2]):
            optimizer.zero_grad()
            module.training_step(batch, number).backward()
            optimizer.step()
            module.eval()
            with torch.no_grad():
                validated.append(module.validation_step(batches[2], 0))
            module.train()

    assert taught.every_one()
    assert all(loss.isfinite() for loss in validated)


def test_accumulation_in_a_plain_loop_teaches_every_parameter(network, optimizer, batches):
    taught = Taught(network.sampler, optimizer)
    schedule, loss = DASBudgetSchedule(network, hold_epochs=2, end_epoch=3), DASLoss()

    network.train()
    for number, batch in enumerate(batches):
        schedule.step(number / len(batches))
        (loss(network(batch["image"]), batch["label"]) / 2).backward()
        if number % 2 == 1:
            optimizer.step()
            optimizer.zero_grad()

    assert taught.every_one()


def test_the_average_of_torch_follows_and_answers_as_the_network_does(network, optimizer, batches):
    average, loss, seen = AveragedModel(network, use_buffers=True), DASLoss(), []
    DASBudgetSchedule(network, hold_epochs=2, end_epoch=3).step(0)

    for batch in batches:
        optimizer.zero_grad()
        loss(network.train()(batch["image"]), batch["label"]).backward()
        optimizer.step()
        average.update_parameters(network)
        seen.append(network.head.weight.detach().clone())

    torch.testing.assert_close(average.module.head.weight, torch.stack(seen).mean(0))
    assert average.train()(batches[0]["image"]).logits.shape == (4, 2)
    assert average.eval()(batches[0]["image"]).shape == (4, 2)


def test_our_average_follows_and_answers_in_eval_while_the_network_trains(network, optimizer, batches):
    average, loss = DASWeightAverage(network, share=0.5), DASLoss()
    DASBudgetSchedule(network, hold_epochs=2, end_epoch=3).step(0)
    before = average.network(batches[0]["image"])

    for step, batch in enumerate(batches, start=1):
        optimizer.zero_grad()
        loss(network.train()(batch["image"]), batch["label"]).backward()
        optimizer.step()
        average.update(step)

    after = average.network(batches[0]["image"])
    assert after.shape == (4, 2)
    assert not torch.equal(after, before)
    assert not after.requires_grad
    assert network.training
