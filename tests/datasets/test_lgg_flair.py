"""The datalist of brain MR with known tumour slices."""

import pytest

from monai_das.datasets import lgg_flair_items

CASES = "case,image,slices,tumour_slices,location_code\nB,images/B.nii.gz,3,1,6\nA,images/A.nii.gz,2,0,NA\n"
SLICES = "case,slice,tumour_pixels\nA,0,0\nA,1,0\nB,2,0\nB,1,9\nB,0,0\n"


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "lgg_flair"
    place.mkdir()
    (place / "cases.csv").write_text(CASES)
    (place / "slices.csv").write_text(SLICES)
    return place


def test_patients_stand_in_order_with_their_tumour_slices_and_location(folder):
    items = lgg_flair_items(folder.parent)

    assert items == lgg_flair_items(folder)
    assert [item["patient"] for item in items] == ["A", "B"]
    assert [(item["slices"], item["location"]) for item in items] == [([], 0), ([1], 6)]
    assert items[1]["image"] == str(folder / "images/B.nii.gz")


def test_a_slice_that_is_missing_and_a_folder_that_is_not_there_are_refused(folder, tmp_path):
    (folder / "slices.csv").write_text(SLICES.replace("B,2,0\n", ""))

    with pytest.raises(
        ValueError, match=r"slices\.csv: must have slices 0 to 2 of B, as cases\.csv counts them, got 2"
    ):
        lgg_flair_items(folder)
    with pytest.raises(FileNotFoundError, match=r"no slices\.csv; give the folder with a folder lgg_flair in it"):
        lgg_flair_items(tmp_path / "nowhere")


def test_the_real_data_has_80_patients_and_1006_slices_with_tumour(data_root):
    items = lgg_flair_items(data_root)

    assert len(items) == len({item["patient"] for item in items}) == 80
    assert sum(len(item["slices"]) for item in items) == 1006
    assert [sum(item["location"] == code for item in items) for code in (2, 6)] == [46, 23]
