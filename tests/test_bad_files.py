"""Files that no study should hold: each is refused in its own words, soon, in little memory, and by name."""

import json
import re

import pytest

pytest.importorskip("av")

from monai_das.cli import main
from scripts.fuzz_readers import Opener
from tests.bad_files import bad_files, nifti, slice_of, words_of
from tests.case_folders import results
from tests.inference.conftest import random_bundle  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning:pydicom")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The files by kind, in a folder with one good file."""
    return bad_files(tmp_path_factory.mktemp("studies"))


def test_over_60_kinds_and_150_files_are_refused_in_their_own_words_and_good_ones_are_read(made, tmp_path):
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


def test_one_command_over_all_of_them_does_the_good_ones_and_lists_every_other(
    made,
    random_bundle,  # noqa: F811
    tmp_path,
):
    root = next(iter(made.values()))[0].parents[1]
    good = [root / "good.nii", slice_of(tmp_path / "good"), nifti(tmp_path / "other.nii.gz")]
    inputs = map(str, (root, *good[1:]))

    code = main(["predict", *inputs, "--bundle", str(random_bundle), "-o", str(tmp_path / "out"), "--include-phi"])

    told = json.loads((tmp_path / "out" / "errors.json").read_text())
    lines = [each["error"] for each in told["errors"]]
    passed = {path for each in told["passed_over"] for path in each["paths"]}
    silent = [
        (kind, file)
        for kind, files in made.items()
        for file in files
        if str(file) not in passed
        and not any(f"{file.parent}" in line and re.search(words_of(kind), line) for line in lines)
    ]
    assert (code, silent) == (1, [])
    assert len(results(tmp_path / "out")) == len(good)
