"""From the id of a case to its path, by the study that lies there."""

import json
import re

import numpy as np
import pytest

from monai_das.data import CaseKey, open_source
from monai_das.datasets import write_nifti
from monai_das.review import case_paths

KEY = CaseKey(b"a key of the tests, known to everyone")
MISSING = "case-0000000000000000"


@pytest.fixture
def studies(tmp_path):
    """Three studies, and a file that is none; their paths by id."""
    for number, name in enumerate("abc"):
        write_nifti(np.full((5, 6, 4), number, np.uint8), tmp_path / "in" / f"{name}.nii")
    (tmp_path / "in" / "damaged.nii").write_bytes(b"no NIfTI")
    paths = [tmp_path / "in" / f"{name}.nii" for name in "abc"]
    return {KEY.case_id(open_source(path)): path for path in paths}


@pytest.fixture
def map_file(studies, tmp_path):
    places = {case: str(path) for case, path in studies.items()} | {MISSING: "https://pacs.org/dicom-web/studies/1.2"}
    (tmp_path / "map.json").write_text(json.dumps({"cases": places}))
    return tmp_path / "map.json"


def test_a_map_and_a_folder_lead_to_the_same_studies(studies, map_file, tmp_path):
    wanted = list(studies)[:2]

    mapped = case_paths(wanted, KEY, map_file=map_file)

    assert mapped == case_paths(wanted, KEY, inputs=[tmp_path / "in"]) == {case: studies[case] for case in wanted}


def test_a_study_that_was_moved_is_found_in_its_new_folder(studies, tmp_path):
    (tmp_path / "in").rename(tmp_path / "moved")

    found = case_paths(studies, KEY, inputs=[tmp_path / "moved"])

    assert {path.parent.name for path in found.values()} == {"moved"}


def test_a_map_whose_files_were_exchanged_is_refused(studies, map_file, tmp_path):
    first, second, _ = studies
    names = [studies[first], studies[second], tmp_path / "aside.nii"]
    for source, target in ((0, 2), (1, 0), (2, 1)):
        names[source].rename(names[target])

    with pytest.raises(ValueError, match=rf"{first}: another study \({second}\) lies at its path") as error:
        case_paths([first], KEY, map_file=map_file)

    assert str(tmp_path) not in str(error.value)


def test_a_map_of_other_results_is_refused(studies, map_file):
    message = f"no case called {MISSING} in {map_file}; give the map that monai-das predict --map wrote"

    with pytest.raises(ValueError, match=re.escape(message)):
        case_paths([MISSING, *studies], KEY, map_file=map_file)


def test_another_key_is_said(studies, map_file, tmp_path):
    with pytest.raises(ValueError, match=r"or another key made the map; give .* the --case-key that they had"):
        case_paths(studies, CaseKey.new(), map_file=map_file)
    with pytest.raises(ValueError, match=r"no case called case-.* where you said; .* and the --case-key that it had"):
        case_paths(studies, CaseKey.new(), inputs=[tmp_path / "in"])


def test_a_file_that_is_gone_is_said_without_its_path(studies, map_file, tmp_path):
    case, path = next(iter(studies.items()))
    path.unlink()

    with pytest.raises(ValueError, match=f"{case} cannot be read: FileNotFoundError: {case}: no such file") as error:
        case_paths([case], KEY, map_file=map_file)

    assert str(tmp_path) not in str(error.value)
