import json

from monai_das.data import SliceRef


def test_what_json_gives_back_is_the_dictionary():
    found = SliceRef(3, "1.2.3", 4, (1.0, 2.0, 3.0), 5.0).to_dict()

    assert json.loads(json.dumps(found)) == found
    assert list(found) == ["index", "sop_instance_uid", "frame", "position_mm", "time_ms"]


def test_what_is_not_known_is_none():
    assert set(SliceRef(0).to_dict().values()) == {0, None}
