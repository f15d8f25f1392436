import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from monai_das.reports import write_json
from monai_das.reports.json_report import write_object

SCHEMA = json.loads(files("monai_das").joinpath("reports", "case_result.schema.json").read_text(encoding="utf-8"))

UNCHECKED = {
    "accepted": True,
    "reasons": [],
    "accept_any_input": False,
    "unlike_training_data": None,
    "distance": None,
    "limit": None,
}


def test_everything_but_the_pictures_is_there(result, tmp_path):
    write_json(result, tmp_path / "deep" / "result.json")

    assert json.loads((tmp_path / "deep" / "result.json").read_text()) == {
        "schema_version": "1.3",
        "case_id": "case",
        "group": "case",
        "source": "dicom_series",
        "label": "normal",
        "label_index": 0,
        "probabilities": {"normal": 0.9, "hyperplasia": 0.1},
        "threshold": None,
        "total_slices": 12,
        "selected_slices": [
            {
                "index": index,
                "name": f"image {40 - index} (index {index})",
                "score": result.scores[index],
                "sop_instance_uid": f"1.2.{index}",
                "position_mm": [1.0, -2.0, 2.5 * index],
                "instance_number": 40 - index,
            }
            for index in (3, 7)
        ],
        "slice_names": [f"image {40 - index} (index {index})" for index in range(12)],
        "scores": list(result.scores),
        "sampling_indices": [3, 7],
        "thumbnails": "exact",
        "runtime": "torch",
        "model": {"name": "A model", "version": "1.2.3", "weights_sha256": "ab" * 32},
        "timings": {"read": 1.0, "score": 2.0, "decode": 3.0, "backbone": 4.0, "total": 10.0},
        "warnings": [],
        "notices": [],
        "input": UNCHECKED,
    }


@pytest.mark.parametrize("changes", [{}, {"clip": True}, {"classes": 5, "warnings": ("burned-in text",)}])
def test_it_keeps_the_published_schema(result_with, tmp_path, changes):
    write_json(result_with(**changes), tmp_path / "result.json")

    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(json.loads((tmp_path / "result.json").read_text()))


@pytest.mark.parametrize(
    "change",
    [{"patient_name": "DOE"}, {"schema_version": "2.0"}, {"scores": ["high"]}, {"probabilities": {"normal": 2}}],
)
def test_the_schema_refuses_what_we_never_write(result, tmp_path, change):
    write_json(result, tmp_path / "result.json")
    content = json.loads((tmp_path / "result.json").read_text()) | change

    assert not Draft202012Validator(SCHEMA).is_valid(content)


def test_frames_and_times_of_a_clip_are_named(result_with, tmp_path):
    result = result_with(clip=True)

    write_json(result, tmp_path / "result.json")

    (first, _) = json.loads((tmp_path / "result.json").read_text())["selected_slices"]
    assert first == {
        "index": 3,
        "name": "frame 4 (index 3)",
        "score": result.scores[3],
        "sop_instance_uid": "1.2.3",
        "frame": 4,
        "time_ms": 120.0,
    }


def test_what_json_cannot_say_is_an_error_and_no_file(result_with, tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(result_with(scores=(float("nan"),)), tmp_path / "result.json")

    assert list(tmp_path.iterdir()) == []


def test_a_path_in_an_unknown_encoding_comes_back_as_it_was(tmp_path):
    write_object({"path": "M\udcfcller"}, tmp_path / "map.json")

    assert json.loads((tmp_path / "map.json").read_text(encoding="utf-8")) == {"path": "M\udcfcller"}
