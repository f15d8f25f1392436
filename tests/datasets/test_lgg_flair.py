"""The datalist of brain MR with known tumour slices."""

import numpy as np
import pytest

from monai_das.datasets import lgg_flair_datalist, lgg_flair_items, lgg_flair_sets
from monai_das.datasets.lgg_flair import drawn_sets
from tests.lgg_files import write_brains

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
    assert [(item["depth"], item["label"], item["group"]) for item in items] == [(2, 0, "A"), (3, 1, "B")]
    assert items[1]["image"] == str(folder / "images/B.nii.gz")


def test_a_slice_that_is_missing_and_a_folder_that_is_not_there_are_refused(folder, tmp_path):
    (folder / "slices.csv").write_text(SLICES.replace("B,2,0\n", ""))

    with pytest.raises(
        ValueError, match=r"slices\.csv: must have slices 0 to 2 of B, as cases\.csv counts them, got 2"
    ):
        lgg_flair_items(folder)
    with pytest.raises(FileNotFoundError, match=r"no slices\.csv; give the folder with a folder lgg_flair in it"):
        lgg_flair_items(tmp_path / "nowhere")


def test_the_draw_is_fixed_and_takes_no_slice_twice():
    tumour = np.zeros(20, bool)
    tumour[9:14] = True

    first, again = (list(drawn_sets(tumour, np.random.default_rng(3))) for _ in range(2))

    assert first == again
    assert all(len(set(places)) == 12 and places == sorted(places) for _, places in first)
    assert list(drawn_sets(np.zeros(20, bool), np.random.default_rng(3))) == []


def test_the_label_of_a_set_says_whether_it_takes_a_tumour_slice(tmp_path):
    sets = lgg_flair_sets(write_brains(tmp_path))

    assert len(sets) == len({item["name"] for item in sets}) == 7 * 6
    assert all(item["label"] == bool({*item["taken"]} & {*item["slices"]}) for item in sets)
    assert sets == lgg_flair_sets(tmp_path)


def test_every_patient_is_held_out_once_and_trained_on_in_no_such_fold(tmp_path):
    folds = [lgg_flair_datalist(write_brains(tmp_path), fold=fold, num_folds=3) for fold in range(3)]

    held = [{item["patient"] for item in fold["validation"]} for fold in folds]
    seen = [{item["patient"] for item in fold["training"]} for fold in folds]
    assert all(held)
    assert not any(one & other for one, other in zip(held, seen, strict=True))
    # the last patient has no slice without tumour, so no set
    assert sorted(name for fold in held for name in fold) == [f"P{number}" for number in range(7)]
    assert all(sum(name in fold for fold in seen) == 2 for name in [f"P{number}" for number in range(8)])
    with pytest.raises(ValueError, match="fold must be in 0 to num_folds - 1 and num_folds at least 2, got 3 of 3"):
        lgg_flair_datalist(tmp_path, fold=3, num_folds=3)


def test_the_real_data_has_80_patients_and_1006_slices_with_tumour(data_root):
    items = lgg_flair_items(data_root)

    assert len(items) == len({item["patient"] for item in items}) == 80
    assert sum(len(item["slices"]) for item in items) == 1006
    assert len(lgg_flair_sets(data_root)) == 462
    assert [sum(item["location"] == code for item in items) for code in (2, 6)] == [46, 23]
