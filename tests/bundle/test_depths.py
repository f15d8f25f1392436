"""Cases of different depth in one batch of ``train.json``: a padded slice is never chosen."""

import pytest
import torch

from tests.bundle.bundle_runs import ROOT, workflow

DEPTHS = (5, 12, 9, 7)


def cases():
    """Volumes whose real slices are dim and alike: any other slice would stand out."""
    return [{"image": torch.rand(1, 28, 28, d) * 0.1 + 0.4, "label": n % 2} for n, d in enumerate(DEPTHS)]


@pytest.fixture
def different(small):
    return small | {"train_cases": cases(), "validation_cases": cases(), "flip_prob": 1.0, "epochs": 2, "batch_size": 2}


@pytest.mark.parametrize("method", ["das", "das_gate", "das_paper"])
def test_a_padded_slice_is_never_chosen(bundle, different, method):
    run = workflow(
        bundle,
        ["train.json", ROOT / f"configs/method/{method}.json"],
        {**different, "checkpoints": False, "silent": True},
    )
    run.initialize()
    networks = [run.parser.get_parsed_content(name) for name in ("network_def", "averaged_network")]
    seen = []
    for network in networks:
        network.sampler.register_forward_hook(lambda _, given, selection: seen.append((given[1], selection)))

    run.run()

    assert len(seen) > 3
    for real, selection in seen:
        depth = selection.weights.shape[2]
        # metrics choose again, each case cut to its own depth
        known = torch.full((len(selection.indices),), depth) if real is None else real
        beyond = torch.arange(depth)[None] >= known[:, None]
        assert bool((selection.indices < known[:, None]).all())
        assert float(selection.weights.detach().abs().sum(dim=1)[beyond].sum()) == 0.0
    assert {5, 12} <= {int(each) for real, _ in seen if real is not None for each in real}


def test_maxima_in_the_padding_change_no_prediction(bundle, different):
    parser = workflow(bundle, ["train.json"], different).parser
    evaluator = parser.get_parsed_content("validate#evaluator")
    batch = next(iter(parser.get_parsed_content("validate#dataloader")))
    network = parser.get_parsed_content("averaged_network")
    image, _, _, extra = evaluator.prepare_batch(batch, "cpu", False)
    loud = image.clone()
    for case, length in zip(loud, batch["lengths"], strict=True):
        case[..., int(length) :] = torch.rand(1, 28, 28, case.shape[-1] - int(length)) * 100.0

    with torch.no_grad():
        torch.testing.assert_close(network(loud, **extra), network(image, **extra))


def test_a_loader_that_tells_no_lengths_is_an_error(bundle, different):
    padding = {"train#dataloader#collate_fn": {"_target_": "PadListDataCollate"}}
    run = workflow(bundle, ["train.json"], {**different, **padding})
    run.initialize()

    with pytest.raises(RuntimeError, match="Failed to evaluate") as raised:
        run.run()
    assert "has no 'lengths'" in str(raised.value.__cause__)
    assert "DASPadCollate" in str(raised.value.__cause__)


def test_max_epochs_alone_changes_all_that_depends_on_it(bundle, small):
    by_trainer = workflow(bundle, ["train.json"], {**small, "epochs": 20, "train#trainer#max_epochs": 4}).parser
    by_name = workflow(bundle, ["train.json"], {**small, "epochs": 4}).parser

    for name in ("widening_epochs", "total_steps"):
        assert by_trainer.get_parsed_content(name) == by_name.get_parsed_content(name)
    assert by_trainer.get_parsed_content("widening_epochs") == [0, 2.0]
    assert by_trainer.get_parsed_content("lr_scheduler").total_steps == by_trainer.get_parsed_content("total_steps")
