import pytest

from monai_das.review.judged import judged_answer


def answer(name, pushed_at, *slices, **told):
    """What a model said, as it is in a task."""
    model = {"name": name, "version": "1", "weights_sha256": "ab" * 32}
    return {"model": model, "slices": [{"index": index} for index in slices], "pushed_at": pushed_at, **told}


def prediction(number, said):
    return {"id": number, "result": [{"from_name": "class", "answer": said}]}


FIRST = answer("first", "2026-01-01T10:00:00+00:00", 3, 7, label="normal")
SECOND = answer("second", "2026-01-02T10:00:00+00:00", 8, label="hyperplasia")
TASK = {"data": {"answers": [FIRST, SECOND]}, "predictions": [prediction(5, FIRST), prediction(6, SECOND)]}
LATE = "2026-01-03T10:00:00.123456Z"


def judged(task, **fields):
    found = judged_answer(task, {"created_at": LATE, "updated_at": LATE, **fields})
    return found["model"]["name"], found["chosen"], found["label"]


def test_the_prediction_that_the_reader_started_from_is_judged_whatever_came_later():
    assert judged(TASK, parent_prediction=5, prediction=prediction(6, SECOND)) == ("first", [3, 7], "normal")
    assert judged(TASK, parent_prediction=6) == ("second", [8], "hyperplasia")


def test_else_the_one_that_label_studio_noted():
    assert judged(TASK, parent_prediction=None, prediction=prediction(5, FIRST)) == ("first", [3, 7], "normal")


def test_a_live_prediction_says_itself_what_was_judged():
    live = prediction(9, answer("live", "", 11, label="normal"))

    assert judged({**TASK, "predictions": [live]}, parent_prediction=9) == ("live", [11], "normal")


@pytest.mark.parametrize(
    ("times", "name"),
    [
        ({"created_at": LATE}, "second"),
        ({"created_at": "2026-01-02T10:01:00Z"}, "second"),
        ({"created_at": "2026-01-02T10:01:00Z", "lead_time": 120.5}, "first"),
        ({"created_at": LATE, "draft_created_at": "2026-01-01T12:00:00Z"}, "first"),
        ({"created_at": "2025-01-01T00:00:00Z"}, "first"),
    ],
)
@pytest.mark.parametrize("noted", [None, {}, {"result": []}, {"result": [{"from_name": "class"}]}])
def test_a_blind_reader_judges_the_last_model_that_had_been_pushed(times, name, noted):
    blind = {"data": {"answers": [{**each, "label": None} for each in (FIRST, SECOND)]}, "predictions": []}

    assert judged(blind, prediction=noted, **times)[0] == name
    assert judged(blind, prediction=noted, **times)[2] is None
