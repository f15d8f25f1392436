import pytest
import torch
from ignite.engine import Engine
from monai.handlers import from_engine

from monai_das.handlers import DASBalancedAccuracy, DASSelectionQuality
from monai_das.handlers.metrics import chosen_indices, selection_of


def computed(metric, outputs):
    """Return the value that ``metric`` has after an engine gave ``outputs``, one per iteration."""
    engine = Engine(lambda engine, batch: batch)
    metric.attach(engine, "value")
    return engine.run(outputs).metrics["value"]


def test_balanced_accuracy_reads_the_decollated_output_of_an_evaluator():
    outputs = [
        [{"pred": torch.tensor([0.9, 0.1]), "label": torch.tensor([1, 0])}],
        [{"pred": torch.tensor([0.8, 0.2]), "label": torch.tensor([0, 1])}],
        [{"pred": torch.tensor([0.3, 0.7]), "label": torch.tensor([1, 0])}],
    ]

    value = computed(DASBalancedAccuracy(output_transform=from_engine(["pred", "label"])), outputs)

    assert value == pytest.approx(0.25)


@pytest.mark.parametrize(("measure", "expected"), [("empty", 0.0), ("distinct", 1.0), ("covered", 0.75)])
def test_selection_quality_reads_volumes_of_different_depths(network, volumes, measure, expected):
    outputs = [[{"image": volumes[0]}, {"image": volumes[1, ..., 2:]}]]
    metric = DASSelectionQuality(network, measure, output_transform=from_engine("image"))

    assert computed(metric, outputs) == pytest.approx(expected)


def test_selection_quality_reads_a_batch_of_volumes(network, volumes):
    assert computed(DASSelectionQuality(network), [volumes]) == 0.0


def test_empty_slices_are_counted_where_no_others_are_left(network, volumes):
    volumes[..., 5:] = 0.0

    assert computed(DASSelectionQuality(network, "empty"), [volumes]) == pytest.approx(2 / 3)


def test_selection_of_a_short_case_marks_the_missing_rows(network, volumes):
    selection = selection_of(network, volumes[..., 6:])

    assert chosen_indices(selection).tolist() == [[0, 1, -1], [0, 1, -1]]
