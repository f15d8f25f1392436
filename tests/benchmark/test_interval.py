import json

import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from monai_das.benchmark.interval import auc, bootstrap
from monai_das.cli import main


@pytest.fixture
def predictions():
    labels = torch.arange(60) % 3 // 2
    scores = torch.rand(60) * 0.7 + 0.3 * labels
    return torch.stack((1.0 - scores, scores), dim=1), labels


def test_auc_of_two_and_of_three_classes_is_that_of_scikit_learn(predictions):
    probabilities, labels = predictions
    three = torch.softmax(torch.rand(60, 3), dim=1)
    classes = torch.arange(60) % 3

    assert auc(probabilities, labels) == pytest.approx(roc_auc_score(labels, probabilities[:, 1]))
    assert auc(three, classes) == pytest.approx(roc_auc_score(classes, three, multi_class="ovr"), abs=1e-6)


def test_the_interval_holds_the_auc_and_narrows_with_more_cases(predictions):
    probabilities, labels = predictions

    low, high = bootstrap(probabilities, labels, draws=100)
    near, far = bootstrap(probabilities.repeat(9, 1), labels.repeat(9), draws=100)

    assert low < auc(probabilities, labels) < high
    assert far - near < 0.6 * (high - low)


def test_the_command_reads_what_evaluate_writes(predictions, tmp_path, capsys):
    probabilities, labels = predictions
    file = tmp_path / "predictions.csv"
    rows = zip(probabilities.tolist(), labels.tolist(), strict=True)
    file.write_text("".join(f"test_{i},{p[0]},{p[1]},{float(y)}\n" for i, (p, y) in enumerate(rows)))

    code = main(["benchmark", "interval", str(file)])

    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert code == 0
    assert figures["cases"] == 60
    assert figures["auc_low"] < figures["auc"] < figures["auc_high"]
    expected = balanced_accuracy_score(labels, probabilities.argmax(dim=1))
    assert figures["balanced_accuracy"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("text", ["", "case,0.5\n", "case,a,b,0\n"])
def test_a_strange_file_says_what_a_line_must_be(text, tmp_path, capsys):
    file = tmp_path / "other.csv"
    file.write_text(text)

    with pytest.raises(SystemExit, match="2"):
        main(["benchmark", "interval", str(file)])

    assert "other.csv: every line must be name, p0, p1, ..., label" in capsys.readouterr().err
