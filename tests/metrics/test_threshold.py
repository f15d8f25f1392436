"""The decision threshold is the one with the best balanced accuracy, between two cases."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from monai_das.metrics import answers, best_threshold, classification_measures


def table(scores):
    second = np.asarray(scores, dtype=float)
    return np.stack((1.0 - second, second), axis=1)


def test_no_other_threshold_is_better():
    generator = np.random.default_rng(0)
    labels = (np.arange(300) % 5 == 0).astype(np.int64)
    probabilities = table(np.clip(0.2 + 0.2 * labels + generator.normal(0, 0.15, 300), 0.0, 1.0))

    found = classification_measures(probabilities, labels, best_threshold(probabilities, labels))

    false, true, _ = roc_curve(labels, probabilities[:, 1])
    assert found["balanced_accuracy"] == pytest.approx(((true + 1.0 - false) / 2.0).max())
    assert found["balanced_accuracy"] > classification_measures(probabilities, labels)["balanced_accuracy"] + 0.1


@pytest.mark.parametrize(
    ("scores", "labels", "threshold"),
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 0.5),
        ([0.1, 0.3, 0.2, 0.4], [0, 1, 0, 1], 0.25),
        ([0.70001, 0.70002], [0, 1], 0.700015),  # four digits would change an answer
        ([0.5, 0.5], [0, 1], None),
        ([0.1, 0.9], [1, 1], None),
    ],
)
def test_thresholds(scores, labels, threshold):
    assert best_threshold(table(scores), np.array(labels)) == (threshold and pytest.approx(threshold, abs=1e-12))


def test_more_than_two_classes_have_none():
    assert best_threshold(np.eye(3), np.arange(3)) is None
    assert answers(np.eye(3)).tolist() == [0, 1, 2]
