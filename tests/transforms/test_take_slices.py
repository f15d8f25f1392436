"""Sets of slices: those that an item names, and random ones, labelled by what they show."""

import numpy as np
import pytest
import torch

from monai_das.transforms import DASRandTakeSlicesd, DASTakeSlicesd

KEYS = ["image", "verdicts"]


def brain(depth=30, shown=range(9, 14)):
    """An item whose slice number is its grey value."""
    verdicts = torch.full((1, 1, 1, depth), -1.0)
    verdicts[..., list(shown)] = 1.0
    image = torch.arange(depth).float().expand(1, 4, 4, depth)
    return {"image": image, "verdicts": verdicts, "slice_count": depth}


def draws(item, number=400, **arguments):
    draw = DASRandTakeSlicesd(KEYS, **arguments).set_random_state(1)
    return [draw(item) for _ in range(number)]


def places(item):
    return item["image"][0, 0, 0].long().tolist()


def test_the_named_slices_are_kept_of_every_key_and_an_item_without_names_stays_whole():
    taken = DASTakeSlicesd(KEYS)({**brain(), "taken": [2, 9, 29]})

    assert places(taken) == [2, 9, 29]
    assert taken["verdicts"].flatten().tolist() == [-1.0, 1.0, -1.0]
    assert taken["slice_count"] == 3
    assert "taken" not in taken
    assert places(DASTakeSlicesd(KEYS)(brain())) == list(range(30))


@pytest.mark.parametrize("named", [[], [3, 2], [4, 4], [-1, 2], [29, 30]], ids=str)
def test_names_of_no_slices_are_refused(named):
    with pytest.raises(ValueError, match="taken must be ascending indices from 0 to 29, got "):
        DASTakeSlicesd(KEYS)({**brain(), "taken": named})


def test_half_of_the_sets_show_nothing_and_a_label_says_so():
    found = draws(brain())

    assert all(item["label"] == bool((item["verdicts"] > 0).any()) for item in found)
    assert 0.42 < np.mean([item["label"] for item in found]) < 0.58
    assert all(item["slice_count"] == item["image"].shape[-1] == item["verdicts"].shape[-1] for item in found)
    assert all(sorted(set(places(item))) == places(item) for item in found)


def test_sets_have_all_sizes_from_the_fewest_slices_on():
    found = draws(brain())

    sizes = {label: {item["slice_count"] for item in found if item["label"] == label} for label in (0, 1)}
    assert sizes[0] == set(range(12, 26))
    assert (min(sizes[1]), max(sizes[1])) == (12, 30)
    runs = [[place for place in places(item) if 9 <= place < 14] for item in found if item["label"] == 1]
    assert {len(run) for run in runs} == {1, 2, 3, 4, 5}
    assert all(run[-1] - run[0] == len(run) - 1 for run in runs)


@pytest.mark.parametrize(("share", "whole"), [(0.0, 0), (1.0, 1)])
def test_a_share_of_the_sets_that_show_it_is_the_whole_case(share, whole):
    found = [item for item in draws(brain(), 60, whole_prob=share) if item["label"] == 1]

    assert np.mean([item["slice_count"] == 30 for item in found]) == pytest.approx(whole, abs=0.1)


@pytest.mark.parametrize(("shown", "label"), [((), 0), (range(8), 1)], ids=["nothing", "everything"])
def test_a_case_of_one_kind_of_slices_gives_sets_of_one_label(shown, label):
    found = draws(brain(8, shown), 40)

    assert {item["label"] for item in found} == {label}
    assert {item["slice_count"] for item in found} <= set(range(1, 9))


def test_equal_seeds_draw_equal_sets():
    assert [places(item) for item in draws(brain(), 5)] == [places(item) for item in draws(brain(), 5)]


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="fewest must be at least 1 and whole_prob in"):
        DASRandTakeSlicesd(KEYS, fewest=0)
    with pytest.raises(ValueError, match=r"keys must have 'verdicts' among them, got .*SliceVerdictsd makes them"):
        DASRandTakeSlicesd("image")
