import numpy as np
import pytest
import torch
from ignite.metrics import Accuracy
from monai.metrics import ROCAUCMetric
from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score

from monai_das.metrics import DASBalancedAccuracyMetric

CASES = 66
BATCH = 5


def predictions(num_classes):
    """Probabilities and labels in which every class occurs, sorted so that most batches lack classes."""
    labels = torch.arange(CASES).remainder(num_classes).sort().values
    logits = torch.randn(CASES, num_classes) + torch.nn.functional.one_hot(labels, num_classes)
    return logits.softmax(dim=1), labels


def in_batches(update, probabilities, labels):
    for start in range(0, CASES, BATCH):
        update(probabilities[start : start + BATCH], labels[start : start + BATCH])


@pytest.mark.parametrize("num_classes", [2, 3, 11])
def test_balanced_accuracy_agrees_with_scikit_learn_though_batches_lack_classes(num_classes):
    probabilities, labels = predictions(num_classes)
    metric = DASBalancedAccuracyMetric()

    in_batches(metric, probabilities, labels)

    expected = balanced_accuracy_score(labels.numpy(), probabilities.argmax(dim=1).numpy())
    assert metric.aggregate().item() == pytest.approx(expected)


def test_the_second_class_is_the_answer_from_the_threshold_on():
    probabilities, labels = predictions(2)
    metric = DASBalancedAccuracyMetric(threshold=0.3)

    in_batches(metric, probabilities, labels)

    expected = balanced_accuracy_score(labels.numpy(), (probabilities[:, 1] >= 0.3).long().numpy())
    assert metric.aggregate().item() == pytest.approx(expected)


@pytest.mark.parametrize("num_classes", [2, 3, 11])
def test_auc_of_monai_is_the_macro_one_versus_rest_auc_of_scikit_learn(num_classes):
    probabilities, labels = predictions(num_classes)
    metric = ROCAUCMetric()

    in_batches(metric, probabilities, torch.nn.functional.one_hot(labels, num_classes))

    scores = probabilities[:, 1] if num_classes == 2 else probabilities
    expected = roc_auc_score(labels.numpy(), scores.double().numpy(), multi_class="ovr")
    assert metric.aggregate() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("num_classes", [2, 3, 11])
def test_accuracy_of_ignite_agrees_with_scikit_learn(num_classes):
    probabilities, labels = predictions(num_classes)
    metric = Accuracy()

    in_batches(lambda pred, true: metric.update((pred, true)), probabilities, labels)

    assert metric.compute() == pytest.approx(accuracy_score(labels.numpy(), probabilities.argmax(dim=1).numpy()))


@pytest.mark.parametrize("num_classes", [3, 11])
def test_a_class_without_any_case_is_left_out(num_classes):
    probabilities, labels = predictions(num_classes)
    labels = labels.clamp(max=num_classes - 2)
    metric = DASBalancedAccuracyMetric()

    in_batches(metric, probabilities, labels)

    per_class = [
        np.mean(probabilities.argmax(dim=1)[labels == label].numpy() == label) for label in range(num_classes - 1)
    ]
    assert metric.aggregate().item() == pytest.approx(np.mean(per_class))


def test_one_hot_labels_and_lists_of_items_count_the_same():
    probabilities, labels = predictions(3)
    plain, listed = DASBalancedAccuracyMetric(), DASBalancedAccuracyMetric()

    plain(probabilities, labels)
    listed(list(probabilities), list(torch.nn.functional.one_hot(labels, 3)))

    assert plain.aggregate() == listed.aggregate()


def test_reset_forgets_all_cases():
    metric = DASBalancedAccuracyMetric()
    metric(torch.tensor([0, 1]), torch.tensor([1, 0]))

    metric.reset()
    metric(torch.tensor([[0], [1]]), torch.tensor([0, 1]))

    assert metric.aggregate() == 1.0


def test_no_case_says_what_to_call():
    with pytest.raises(ValueError, match=r"no case was seen; call metric\(y_pred, y\)"):
        DASBalancedAccuracyMetric().aggregate()


def test_missing_labels_say_what_to_give():
    with pytest.raises(ValueError, match=r"needs the true labels, got y=None; call metric\(y_pred, y\)"):
        DASBalancedAccuracyMetric()(torch.rand(2, 3))


def test_maps_of_predictions_are_refused():
    with pytest.raises(ValueError, match=r"got \(2, 3, 4\); one prediction per case"):
        DASBalancedAccuracyMetric()(torch.rand(2, 3, 4), torch.tensor([0, 1]))
