import json

import pytest

from benchmarks.engine.resolved import digest, nearest, resolved, value_at

CONFIG = {
    "seed": 0,
    "epochs": 3,
    "idle": 1,
    "output_dir": "a",
    "train": {
        "trainer": {"_target_": "Trainer", "max_epochs": "@epochs", "train_handlers": "@train#handlers"},
        "handlers": [{"_target_": "StatsHandler", "rate": "@idle"}, {"_target_": "Schedule", "end": "$0.5 * @epochs"}],
    },
    "weight_average": {"_target_": "Average", "_desc_": "a remark", "place": "@output_dir"},
}


def changed(**changes):
    return digest({**json.loads(json.dumps(CONFIG)), **changes})


def test_what_a_training_reads_is_followed_through_references():
    found = resolved(CONFIG)

    assert found["epochs"] == 3
    assert found["train#handlers#1#end"] == "$0.5 * @epochs"
    assert not {"idle", "output_dir", "weight_average#_desc_", "train#handlers#0#rate"} & found.keys()


@pytest.mark.parametrize("name", ["seed", "epochs"])
def test_what_a_training_reads_changes_its_name(name):
    assert changed(**{name: 7}) != changed()


@pytest.mark.parametrize("name", ["idle", "output_dir", "none_such"])
def test_what_nothing_reads_does_not(name):
    assert changed(**{name: 7}) == changed()


def test_values_are_found_by_their_id():
    assert value_at(CONFIG, "train#handlers#1#_target_") == "Schedule"
    assert value_at(CONFIG, "train#handlers#5") is None
    assert value_at(CONFIG, "none#such") is None


def test_the_name_that_was_meant_is_found():
    assert nearest("epoch", CONFIG) == "epochs"
    assert nearest("quite_another", CONFIG) == ""
