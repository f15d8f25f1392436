import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from benchmarks.statistics import (
    bootstrap_auc,
    calibration_error,
    case_weights,
    holm,
    interval_of,
    measures,
    seed_weights,
    two_sided_p,
    weighted_auc,
)


def some_predictions(number=60, classes=2, seed=0):
    generator = np.random.default_rng(seed)
    labels = np.arange(number) % classes
    logits = generator.normal(size=(number, classes)) + np.eye(classes)[labels]
    tables = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return np.round(tables, 2) if classes == 2 else tables, labels


def test_measures_are_those_of_scikit_learn():
    tables, labels = some_predictions()

    found = measures(tables, labels)

    assert found["auc"] == pytest.approx(roc_auc_score(labels, tables[:, 1]))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, tables.argmax(axis=1)))
    assert found["accuracy"] == pytest.approx((tables.argmax(axis=1) == labels).mean())


def test_more_classes_are_taken_one_against_the_rest():
    tables, labels = some_predictions(classes=3)

    assert measures(tables, labels)["auc"] == pytest.approx(roc_auc_score(labels, tables, multi_class="ovr"))


def test_weights_count_as_repeated_cases():
    tables, labels = some_predictions(20)
    weights = case_weights(labels, 1, seed=3)
    times = weights[0].astype(int)

    wanted = roc_auc_score(np.repeat(labels, times), np.repeat(tables[:, 1], times))

    assert weighted_auc(tables, labels, weights)[0] == pytest.approx(wanted)


def test_calibration_error_is_the_gap_of_confidence_and_accuracy():
    tables = np.array([[0.1, 0.9]] * 10)
    labels = np.array([1] * 6 + [0] * 4)

    assert calibration_error(tables, labels) == pytest.approx(0.3)


def test_samples_keep_the_classes_or_whole_patients():
    labels = np.array([0, 0, 0, 1, 1, 1])

    plain, grouped = case_weights(labels, 50), case_weights(labels, 50, groups=[7, 7, 8, 8, 9, 9])

    assert (plain[:, :3].sum(axis=1) == 3).all()
    assert (plain[:, 3:].sum(axis=1) == 3).all()
    assert (grouped[:, 0] == grouped[:, 1]).all()
    assert (grouped.sum(axis=1) == 6).all()
    assert grouped.std() > 0


def test_the_same_predictions_have_no_difference_and_better_ones_have():
    tables, labels = some_predictions(200)
    noisy = some_predictions(200, seed=1)[0] * 0.0 + 0.5
    weights = case_weights(labels, 300)

    same = bootstrap_auc([tables, tables], labels, weights) - bootstrap_auc([tables, tables], labels, weights)
    better = bootstrap_auc([tables], labels, weights) - bootstrap_auc([noisy], labels, weights)

    assert two_sided_p(same) == 1.0
    assert two_sided_p(better) < 0.01
    assert interval_of(better)[0] > 0.0


def test_trainings_that_differ_widen_the_interval():
    tables, labels = some_predictions(200)
    weights = np.ones((2000, 200))
    flat = np.full_like(tables, 0.5)

    low, high = interval_of(bootstrap_auc([tables, flat], labels, weights))

    assert low == pytest.approx(0.5)
    assert high == pytest.approx(measures(tables, labels)["auc"])
    assert seed_weights(4, 10).sum(axis=1) == pytest.approx(1.0)


def test_holm_multiplies_the_smallest_by_their_number_and_never_falls():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
