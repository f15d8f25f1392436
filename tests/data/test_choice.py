"""A place names what was chosen in it: the same text for the same choice, and a choice made later counts."""

from pathlib import Path

import pytest

from monai_das.data.choice import chosen_place, split_choice


@pytest.mark.parametrize("study", [Path("/studies/head"), "https://server/studies/1.2"])
def test_what_was_chosen_is_found_again(study):
    assert split_choice(chosen_place(study, {"echo": 2, "time_point": 1})) == (study, {"echo": 2, "time_point": 1})
    assert split_choice(chosen_place(study, None), {"echo": 1}) == (study, {"echo": 1})


def test_the_order_of_a_choice_makes_no_other_place():
    assert chosen_place("a", {"time_point": 1, "echo": 2}) == chosen_place("a", {"echo": 2, "time_point": 1})


def test_what_is_chosen_at_last_counts_before_what_the_place_says():
    place = chosen_place("a", {"time_point": 1, "echo": 2})

    assert split_choice(place, {"time_point": 3}) == ("a", {"time_point": 3, "echo": 2})


def test_a_file_of_such_a_name_is_itself(tmp_path):
    place = chosen_place(tmp_path / "head", {"echo": 2})
    place.touch()

    assert split_choice(place) == (place, None)
