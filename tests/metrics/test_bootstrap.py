import numpy as np
import pytest

from monai_das.metrics import bootstrap, bootstrap_mean, bootstrap_measures, case_weights, interval_of


@pytest.fixture
def predictions():
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 2
    right = np.clip(0.5 + 0.2 * (labels - 0.5) + generator.normal(0.0, 0.2, 60), 0.01, 0.99)
    return np.stack((1.0 - right, right), axis=1), labels


def test_samples_keep_the_classes_or_whole_patients():
    labels = np.array([0, 0, 0, 1, 1, 1])

    plain, grouped = case_weights(labels, 50), case_weights(labels, 50, groups=[7, 7, 8, 8, 9, 9])

    assert (plain[:, :3].sum(axis=1) == 3).all()
    assert (plain[:, 3:].sum(axis=1) == 3).all()
    assert (grouped[:, 0] == grouped[:, 1]).all()
    assert (grouped.sum(axis=1) == 6).all()
    assert grouped.std() > 0


def test_intervals_hold_the_measures_and_narrow_with_more_cases(predictions):
    probabilities, labels = predictions

    few = bootstrap_measures(probabilities, labels, draws=300)
    many = bootstrap_measures(np.tile(probabilities, (9, 1)), np.tile(labels, 9), draws=300)

    assert list(few) == ["auc", "balanced_accuracy", "accuracy", "ece", "brier"]
    # a resample's calibration error is above that of all cases: chance alone makes gaps
    assert all(each.low < each.value < each.high for name, each in few.items() if name != "ece")
    assert all(many[name].high - many[name].low < 0.6 * (few[name].high - few[name].low) for name in few)
    assert many["auc"].value == pytest.approx(few["auc"].value)


def test_alike_cases_of_a_patient_do_not_make_an_interval_narrower(predictions):
    probabilities, labels = (np.repeat(each, 10, axis=0) for each in predictions)
    groups = np.repeat(np.arange(60), 10).tolist()

    plain, grouped = (bootstrap_measures(probabilities, labels, each, draws=300) for each in (None, groups))

    assert grouped["auc"].high - grouped["auc"].low > 2.0 * (plain["auc"].high - plain["auc"].low)


def test_many_cases_are_drawn_in_blocks(predictions, monkeypatch):
    whole = bootstrap_measures(*predictions, groups=list(range(60)), draws=40)
    monkeypatch.setattr(bootstrap, "BLOCK", 7 * 60)

    assert bootstrap_measures(*predictions, groups=list(range(60)), draws=40) == whole


def test_a_threshold_changes_answers_alone(predictions):
    plain, low = (bootstrap_measures(*predictions, draws=50, threshold=each) for each in (None, 0.4))

    changed = {name for name in plain if plain[name] != low[name]}
    assert changed == {"balanced_accuracy", "accuracy"}


def test_one_class_has_no_auc():
    found = bootstrap_measures(np.full((4, 2), 0.5), np.zeros(4, np.int64), draws=10)

    assert np.isnan(found["auc"]).all()
    assert found["brier"].value == 0.25


@pytest.mark.parametrize("chance", [0.9, 0.1], ids=["all right", "all wrong"])
def test_samples_that_all_agree_make_no_interval(chance):
    labels = np.array([0, 1, 1])
    table = np.where(np.eye(2)[labels] > 0, chance, 1.0 - chance)

    found = bootstrap_measures(table, labels, draws=50)

    assert found["auc"].value == (1.0 if chance > 0.5 else 0.0)
    assert np.isnan(found["auc"][1:]).all()
    mean = bootstrap_mean(np.ones(3), labels, draws=50)
    assert mean.value == 1.0
    assert np.isnan(mean[1:]).all()


def test_a_mean_leaves_out_what_is_not_known():
    values = np.array([0.0, np.nan, 1.0, 1.0])

    found = bootstrap_mean(values, np.zeros(4, np.int64), draws=200)

    assert found.value == pytest.approx(2 / 3)
    assert found.low < found.value <= found.high
    assert np.isnan(bootstrap_mean(values[1:2], np.zeros(1, np.int64))).all()


def test_an_interval_is_that_of_the_finite_samples():
    assert interval_of(np.array([*np.linspace(0.0, 1.0, 41), np.nan])) == pytest.approx((0.025, 0.975))
