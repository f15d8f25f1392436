import numpy as np
import pytest
import torch
from monai.metrics import calibration_binning, compute_roc_auc
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, roc_auc_score

from monai_das.metrics import auc, case_weights, classification_measures, weighted_auc
from monai_das.metrics.measures import CALIBRATION_BINS, MEASURES


def some_predictions(number=60, classes=2, seed=0):
    """Return probabilities and labels, with ties where there are two classes."""
    generator = np.random.default_rng(seed)
    labels = np.arange(number) % classes
    logits = generator.normal(size=(number, classes)) + np.eye(classes)[labels]
    tables = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return np.round(tables, 1) if classes == 2 else tables, labels


@pytest.mark.parametrize("classes", [2, 3])
def test_measures_are_those_of_scikit_learn(classes):
    tables, labels = some_predictions(classes=classes)

    found = classification_measures(tables, labels)

    score = tables[:, 1] if classes == 2 else tables
    assert found["auc"] == pytest.approx(roc_auc_score(labels, score, multi_class="ovr"))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, tables.argmax(axis=1)))
    assert found["accuracy"] == pytest.approx((tables.argmax(axis=1) == labels).mean())
    assert found["brier"] == pytest.approx(brier_score_loss(labels, score))


def test_auc_is_monais():
    tables, labels = some_predictions()

    assert auc(tables, labels) == pytest.approx(
        float(compute_roc_auc(torch.from_numpy(tables[:, 1]), torch.from_numpy(labels)))
    )


def test_calibration_error_is_the_mean_gap_of_monais_bins():
    tables, labels = some_predictions(300, classes=3)
    confidence, right = tables.max(axis=1), tables.argmax(axis=1) == labels

    items = (torch.from_numpy(each.astype(np.float32))[None, None] for each in (confidence, right))
    said, true, counts = calibration_binning(*items, num_bins=CALIBRATION_BINS)

    gaps = torch.nansum((said - true).abs() * counts) / 300
    assert classification_measures(tables, labels)["ece"] == pytest.approx(float(gaps), abs=1e-5)


def test_sure_and_right_at_six_of_ten_is_an_error_of_three_tenths():
    tables, labels = np.array([[0.1, 0.9]] * 10), np.array([1] * 6 + [0] * 4)

    assert classification_measures(tables, labels)["ece"] == pytest.approx(0.3)


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("classes", [2, 3])
def test_weights_count_as_repeated_cases(name, classes):
    tables, labels = some_predictions(30, classes)
    weights = case_weights(labels, 3, seed=3)

    samples = MEASURES[name](tables, labels, weights)

    for sample, row in zip(samples, weights.astype(int), strict=True):
        repeated = classification_measures(np.repeat(tables, row, axis=0), np.repeat(labels, row))
        assert sample == pytest.approx(repeated[name])


def test_a_class_without_weight_leaves_no_auc_and_does_no_harm_to_recall():
    tables, labels = some_predictions(4)
    weights = np.array([[1.0, 0.0, 1.0, 0.0]])

    assert np.isnan(weighted_auc(tables, labels, weights)).all()
    assert np.isfinite(MEASURES["balanced_accuracy"](tables, labels, weights)).all()
