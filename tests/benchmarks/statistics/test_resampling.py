"""Bootstrap samples of runs: those of the statistics, made once per run."""

import numpy as np
import pytest

from benchmarks.engine.results_file import packed, packed_predictions, predictions
from benchmarks.statistics import Resampling, bootstrap_auc, resampling
from monai_das.metrics import case_weights


def run(seed, fold=None, **more):
    draw = np.random.default_rng([seed, fold or 0])
    labels = np.arange(40) % 2
    right = np.clip(0.5 + (labels - 0.5) * 0.4 + draw.normal(0.0, 0.2, 40), 0.01, 0.99)
    line = {"job": f"{seed}-{fold}", "seed": seed, "fold": fold, **more}
    return line | packed_predictions(np.stack([1.0 - right, right], axis=1), labels)


def test_samples_are_those_of_the_statistics():
    runs = [run(0), run(1)]
    tables = [predictions(line)[0] for line in runs]
    labels = predictions(runs[0])[1]

    samples = Resampling(50).auc(runs[::-1])

    np.testing.assert_array_equal(samples, bootstrap_auc(tables, labels, case_weights(labels, 50)))


def test_folds_are_resampled_apart_and_averaged():
    one, other = run(0, 0), run(0, 1)

    samples = Resampling(50).auc([one, other])

    each = [Resampling(50).auc([line]) for line in (one, other)]
    np.testing.assert_allclose(samples, (each[0] + each[1]) / 2.0)


def test_a_run_is_resampled_once(monkeypatch):
    seen = []
    plain = resampling.weighted_auc
    monkeypatch.setattr(resampling, "weighted_auc", lambda *given: seen.append(1) or plain(*given))
    made, runs = Resampling(10), [run(0), run(1)]

    made.auc(runs)
    made.auc(runs[:1])

    assert len(seen) == 2


def test_recall_is_a_mean_over_cases_where_it_is_known():
    known = run(0, recalls=packed(np.full(40, 0.25).astype("<f2")))
    made = Resampling(10)

    assert made.recall([known]) == pytest.approx(np.full(10, 0.25))
    assert made.recall([known, run(1)]) is None
