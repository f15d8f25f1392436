"""An archive, its manifest and a bundle in which poison works."""

import shutil
from pathlib import Path

import pytest

from monai_das.data import CaseKey
from tests.cohort.archive import poison_bundle, write_archive
from tests.inference.conftest import random_bundle  # noqa: F401

KEY = CaseKey(b"the key of the tests of cohorts, 32")


@pytest.fixture(scope="session")
def poisoned(random_bundle, tmp_path_factory):  # noqa: F811
    return poison_bundle(Path(shutil.copytree(random_bundle, tmp_path_factory.mktemp("poisoned") / "bundle")))


@pytest.fixture(scope="session")
def healthy(tmp_path_factory):
    """The manifest of eight studies without fault."""
    return write_archive(tmp_path_factory.mktemp("healthy"), 8, ())


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """The manifest of six studies without fault and one of each poison."""
    return write_archive(tmp_path_factory.mktemp("archive"), 6)
