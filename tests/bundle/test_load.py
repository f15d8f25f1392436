"""MONAI alone loads every bundle, by ``monai.bundle.load``."""

import logging
import socket

import monai.bundle
import pytest
import torch

from tests.bundle.bundle_runs import BUNDLES

every_bundle = pytest.mark.parametrize("folder", BUNDLES, ids=lambda folder: folder.name)


@pytest.fixture
def restored_logging():
    """MONAI applies the bundle's logging.conf to this process: its handler would outlive the captured stream."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:], logging.root.level = handlers, level


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")
@every_bundle
def test_monai_alone_loads_the_network_with_its_weights(folder):
    load = {"name": folder.name, "bundle_dir": folder.parent, "workflow_type": "inference"}

    network = monai.bundle.load(**load, net_override={"sampler#num_slices": 2})

    stored = torch.load(folder / "models" / "model.pt", weights_only=True)
    assert all(torch.equal(value, stored[name]) for name, value in network.state_dict().items())
    assert network.sampler.num_slices == 2


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.filterwarnings("ignore:parsing config_file:UserWarning")
@every_bundle
def test_monais_defaults_load_it_where_there_is_no_data_and_no_network(folder, tmp_path, monkeypatch):
    """The default workflow is training: its data and its trainer are made when it runs."""
    monkeypatch.setenv("MONAI_DAS_DATA", str(tmp_path / "none"))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    before = sorted(folder.rglob("*"))

    network = monai.bundle.load(folder.name, bundle_dir=folder.parent)

    stored = torch.load(folder / "models" / "model.pt", weights_only=True)
    assert all(torch.equal(value, stored[name]) for name, value in network.state_dict().items())
    assert sorted(folder.rglob("*")) == before
    assert not (tmp_path / "none").exists()


def refuse(*arguments):
    raise OSError("no network in this test")
