"""A bundle with the shipped configs, an unlearned sampler, and random weights that tell volumes apart."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from monai.bundle import ckpt_export

from monai_das.data import WholeSource, read_volume
from monai_das.datasets import write_nifti
from monai_das.inference import Predictor
from tests.inference.bundles import write_random_bundle

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def random_bundle(tmp_path_factory):
    return write_random_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def own_bundle(random_bundle, tmp_path):
    """A copy to spoil."""
    return Path(shutil.copytree(random_bundle, tmp_path / "bundle"))


@pytest.fixture(scope="session")
def predictor(random_bundle):
    return Predictor(random_bundle, num_slices=4)


@pytest.fixture(scope="session")
def volume():
    """``(40, 32, 12)`` uint8: noise whose strength differs from slice to slice, so that no two scores are equal."""
    random = np.random.RandomState(0)
    strength = random.permutation(12) / 12 + 0.1
    noise = random.rand(40, 32, 12) * 200 * strength
    noise[10:20, 5:15] *= 0.3
    return noise.astype(np.uint8)


@pytest.fixture(scope="session")
def nifti(volume, tmp_path_factory):
    path = tmp_path_factory.mktemp("nifti") / "case.nii.gz"
    write_nifti(volume, path, (0.5, 0.5, 2.0))
    return path


class CountingSource(WholeSource):
    """A source that notes which slices are read."""

    def __init__(self, case, name):
        super().__init__(case, name)
        self.read_slices = []

    def read(self, indices):
        self.read_slices += list(indices)
        return super().read(indices)


@pytest.fixture
def counted():
    """Opens a path as a source that notes which slices are read."""
    return lambda path: CountingSource(read_volume(path), str(path))


@pytest.fixture(scope="session")
def scripted(random_bundle):
    """The bundle's ``model.ts``, as ``python -m monai.bundle ckpt_export`` writes it."""
    configs, path = random_bundle / "configs", random_bundle / "models" / "model.ts"
    ckpt_export(
        net_id="network_def",
        filepath=str(path),
        ckpt_file=str(random_bundle / "models" / "model.pt"),
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "inference.json"),
    )
    return path
