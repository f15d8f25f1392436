"""Files that no study should hold: each is refused in its own words, soon, in little memory, and by name."""

import re

import pytest

pytest.importorskip("av")

from scripts.fuzz_readers import Opener
from tests.bad_files import bad_files, nifti, slice_of, words_of


@pytest.mark.filterwarnings("ignore:.*:UserWarning:pydicom")
def test_over_60_kinds_and_150_files_are_refused_in_their_own_words_and_good_ones_are_read(tmp_path):
    made = bad_files(tmp_path / "bad")
    good = [nifti(tmp_path / "good.nii.gz"), slice_of(tmp_path / "good")]
    wrong = []

    with Opener() as opener:
        assert opener.open(good[0], 30.0).kind == "read"
        for kind, files in made.items():
            for outcome in map(opener.open, files):
                if outcome.kind != "refused" or not re.search(words_of(kind), outcome.words):
                    wrong.append((kind, outcome))
        assert [opener.open(file).kind for file in good] == ["read", "read"]

    assert wrong == []
    assert len(made) >= 60
    assert sum(map(len, made.values())) >= 150
