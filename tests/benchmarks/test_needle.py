import pytest
from benchmarks.needle import METHODS, REFERENCES, NeedleJob, NeedleRecipe, run_job, widening

from benchmarks.sets.needle import DEPTH

TINY = NeedleRecipe(epochs=1, train_cases=32, test_cases=40, hold=0.25, end=0.75)


@pytest.mark.parametrize("method", METHODS + REFERENCES)
def test_every_arm_trains_and_is_measured(method):
    budget = DEPTH if method in REFERENCES else 4

    outcome = run_job(NeedleJob(method, budget, 0, TINY))

    assert 0.0 <= outcome["auc"] <= 1.0
    assert (outcome["found"] == 1.0) == (method in REFERENCES)
    assert outcome["seconds"] > 0.0


def test_the_budget_stays_wide_then_shrinks():
    recipe = NeedleRecipe(hold=2.0, end=4.0)

    assert [widening(epoch, recipe) for epoch in (0.0, 2.0, 3.0, 4.0, 9.0)] == [1.0, 1.0, 0.5, 0.0, 0.0]
