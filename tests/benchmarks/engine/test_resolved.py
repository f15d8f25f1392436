import json

import pytest

from benchmarks.engine.resolved import digest, nearest, resolved, usual_steps, value_at

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


@pytest.mark.parametrize("written", ["@##idle", "$2 * @##idle", "%##idle", "%idle", "@idle"])
def test_relative_references_and_macros_are_followed(written):
    config = {"idle": 1, "weight_average": {"share": written}}

    assert digest(config) != digest({**config, "idle": 2})


def test_what_a_macro_takes_from_a_file_counts(tmp_path):
    file = tmp_path / "other.json"
    config = {"weight_average": {"share": f"%{file}::shares::1"}}
    keys = set()
    for share in (0.1, 0.2):
        file.write_text(json.dumps({"shares": [1, share]}))
        keys.add(digest(config))

    assert len(keys) == 2


@pytest.mark.parametrize("name", ["initialize", "run", "averaged_network"])
def test_other_steps_than_those_of_train_json_count(name):
    usual = usual_steps()

    assert changed(**{name: usual[name]}) == changed()
    assert changed(**{name: ["$print(1)"]}) != changed()
