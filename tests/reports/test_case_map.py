import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from monai_das.data import open_source, read_volume
from monai_das.data.choice import split_choice
from monai_das.reports import CaseMap, read_case_map

ONE, TWO, THREE = (f"case-{digit * 16}" for digit in "1ab")
ADDRESS = "https://pacs.clinic.org/dicom-web/studies/1.2.3/series/4.5.6"


def test_a_map_keeps_the_cases_of_earlier_runs_and_where_each_was_seen_last(tmp_path):
    file = tmp_path / "map.json"
    with CaseMap(file) as first:
        first.add(ONE, Path("/old/a.nii"))
        first.add(TWO, ADDRESS)
    with CaseMap(file) as second:
        second.add(ONE, Path("/new/a.nii"))
        second.add(THREE, Path("/new/b.nii"))

    assert read_case_map(file) == {ONE: Path("/new/a.nii"), TWO: ADDRESS, THREE: Path("/new/b.nii")}


def test_an_interrupted_run_has_written_its_cases(tmp_path):
    found = CaseMap(tmp_path / "map.json", seconds=0.0)
    found.add(ONE, Path("/a.nii"))

    assert read_case_map(tmp_path / "map.json") == {ONE: Path("/a.nii")}


def test_two_runs_at_once_lose_nothing(tmp_path):
    runs = [CaseMap(tmp_path / "map.json") for _ in range(2)]
    for run, case in zip(runs, (ONE, TWO), strict=True):
        run.add(case, Path("/a.nii"))
        run.write()

    assert set(read_case_map(tmp_path / "map.json")) == {ONE, TWO}


def test_paths_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with CaseMap(Path("map.json")) as found:
        found.add(ONE, Path("a.nii"))

    assert read_case_map(tmp_path / "map.json") == {ONE: tmp_path / "a.nii"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", r"map.json maps no cases; give what monai-das predict --map wrote"),
        ("no json", r"map.json maps no cases"),
        ('{"cases": [1]}', r"map.json maps no cases"),
        (
            json.dumps({"cases": {"case-0001": "/a.nii"}}),
            r"map.json maps 'case-0001', which is no id of a study but its",
        ),
    ],
)
def test_another_file_is_no_map_and_stays_as_it_is(tmp_path, content, message):
    file = tmp_path / "map.json"
    file.write_text(content)

    for use in (read_case_map, CaseMap):
        with pytest.raises(ValueError, match=message):
            use(file)
    assert file.read_text() == content


def test_a_map_that_is_not_there_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.json"):
        read_case_map(tmp_path / "nowhere.json")


def test_a_place_says_which_time_point_was_meant(tmp_path):
    """A map of a run with --time-point would else lead to a series that cannot be opened."""
    image = nibabel.Nifti1Image(np.arange(8 * 8 * 6 * 3, dtype=np.int16).reshape(8, 8, 6, 3), np.eye(4))
    nibabel.save(image, tmp_path / "four.nii")
    with CaseMap(tmp_path / "map.json") as found:
        found.add(ONE, tmp_path / "four.nii", {"time_point": 2})
        found.add(TWO, ADDRESS, {"EchoNumbers": 1})
    places = read_case_map(tmp_path / "map.json")

    chosen = open_source(places[ONE])

    assert torch.equal(chosen.read_all(), open_source(tmp_path / "four.nii", {"time_point": 2}).read_all())
    assert torch.equal(read_volume(places[ONE]).image, chosen.read_all())
    assert split_choice(places[TWO], {"EchoNumbers": 2}) == (ADDRESS, {"EchoNumbers": 2})
    with pytest.raises(ValueError, match="time_point"):
        open_source(tmp_path / "four.nii")
