import numpy as np
import pytest

from benchmarks.statistics import bootstrap_auc, holm, seed_weights, two_sided_p
from monai_das.metrics import auc, case_weights, interval_of


def some_predictions(number=200, seed=0):
    generator = np.random.default_rng(seed)
    labels = np.arange(number) % 2
    right = 1.0 / (1.0 + np.exp(-generator.normal(size=number) - labels))
    return np.stack((1.0 - right, right), axis=1), labels


def test_the_same_predictions_have_no_difference_and_better_ones_have():
    tables, labels = some_predictions()
    noisy = np.full_like(tables, 0.5)
    weights = case_weights(labels, 300)

    same = bootstrap_auc([tables, tables], labels, weights) - bootstrap_auc([tables, tables], labels, weights)
    better = bootstrap_auc([tables], labels, weights) - bootstrap_auc([noisy], labels, weights)

    assert two_sided_p(same) == 1.0
    assert two_sided_p(better) < 0.01
    assert interval_of(better)[0] > 0.0


def test_trainings_that_differ_widen_the_interval():
    tables, labels = some_predictions()
    weights = np.ones((2000, 200))
    flat = np.full_like(tables, 0.5)

    low, high = interval_of(bootstrap_auc([tables, flat], labels, weights))

    assert low == pytest.approx(0.5)
    assert high == pytest.approx(auc(tables, labels))
    assert seed_weights(4, 10).sum(axis=1) == pytest.approx(1.0)


def test_holm_multiplies_the_smallest_by_their_number_and_never_falls():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
