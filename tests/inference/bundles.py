"""Bundles that tests make."""

import json
import shutil
from pathlib import Path

import torch
from monai.bundle import ConfigParser

from tests.contract.contracts import accept_all

ROOT = Path(__file__).parents[2]


def configured_bundle(folder, **network):
    """Copy the shipped configs, made to accept all, set parts of their network, and return it with random weights."""
    shutil.copytree(ROOT / "bundle" / "configs", folder / "configs")
    accept_all(folder)
    config = folder / "configs" / "inference.json"
    settings = json.loads(config.read_text())
    settings["network_def"] |= network
    config.write_text(json.dumps(settings))
    parser = ConfigParser()
    parser.read_config(str(config))
    parser.read_meta(str(folder / "configs" / "metadata.json"))
    torch.manual_seed(0)
    return parser.get_parsed_content("network_def")


def with_weights(folder, network):
    """Save the weights of ``network`` into the bundle ``folder``, and return the folder."""
    (folder / "models").mkdir()
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    return folder


def write_random_bundle(folder):
    """Write a bundle with the shipped configs, an unlearned sampler, and random weights that tell volumes apart."""
    sampler = {"_target_": "monai_das.samplers.DASTopVarianceSampler", "num_slices": "@num_slices"}
    network = configured_bundle(folder, sampler=sampler)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.rand(2, 1, 64, 64, 16))
    return with_weights(folder, network)
