"""``configs/data/covid_blues.json``: the bundle's training on ultrasound clips, patients apart."""

import csv
import json
import re

import pytest
import torch

pytest.importorskip("av")

from tests.bundle.bundle_runs import ROOT, workflow
from tests.data.video_clips import write_blues

OVERLAY = ROOT / "configs" / "data" / "covid_blues.json"
SMALL = {"size": 32, "depth": 6, "num_slices": 3, "batch_size": 4, "epochs": 1}


@pytest.fixture(scope="module")
def blues(tmp_path_factory):
    return write_blues(tmp_path_factory.mktemp("data"))


@pytest.fixture
def settings(bundle, blues, tmp_path):
    given = {"bundle_root": str(bundle), "dataset_dir": str(blues), "output_dir": str(tmp_path / "out"), "num_folds": 3}
    return SMALL | given


def patients(cases):
    return {re.search(r"patient_\d+", case["image"])[0] for case in cases}


def test_an_epoch_is_trained_and_the_held_out_fold_looked_at_once(bundle, settings, tmp_path):
    run = workflow(bundle, ["train.json", OVERLAY], settings)
    run.initialize()
    trainer, evaluator = (run.parser.get_parsed_content(name) for name in ("train#trainer", "validate#evaluator"))
    run.run()
    run.finalize()

    network = run.parser.get_parsed_content("network_def")
    assert trainer.state.epoch == evaluator.state.epoch == 1
    assert {"val_auc", "val_empty_slices"} <= set(evaluator.state.metrics)
    assert (network.sampler.encoder.features.between, network.sampler.num_slices, network.thumbnail_size) == (
        True,
        3,
        32,
    )
    torch.load(tmp_path / "out" / "model.pt", weights_only=True)


def test_a_batch_is_padded_at_its_end_and_says_how_long_its_clips_are(bundle, settings):
    parser = workflow(bundle, ["train.json", OVERLAY], settings | {"flip_prob": 0.0, "affine_prob": 0.0}).parser

    batch = next(iter(parser.get_parsed_content("train#dataloader")))

    assert batch["image"].shape == (4, 1, 32, 32, 6)
    assert batch["lengths"].dtype == torch.int64
    assert 4 <= int(batch["lengths"].min()) < int(batch["lengths"].max()) == 6
    for image, length in zip(batch["image"], batch["lengths"], strict=True):
        assert float(image[..., length:].abs().sum()) == 0.0
        assert float(image[..., :length].amax()) > 0.9


def test_the_network_hears_the_lengths(bundle, settings):
    parser = workflow(bundle, ["train.json", OVERLAY], settings).parser
    network, trainer = (parser.get_parsed_content(name) for name in ("network", "train#trainer"))
    batch = next(iter(parser.get_parsed_content("train#dataloader")))

    _, _, args, kwargs = trainer.prepare_batch(batch, device="cpu", non_blocking=False)

    assert args == ()
    assert torch.equal(kwargs["lengths"], batch["lengths"])
    selection = network.eval().score(network.thumbnails(batch["image"]), **kwargs)
    assert bool((selection.indices < batch["lengths"][:, None]).all())


def test_no_patient_is_on_both_sides_and_every_clip_is_held_out_once(bundle, settings):
    held = []
    for fold in range(3):
        parser = workflow(bundle, ["train.json", OVERLAY], settings | {"fold": fold}).parser
        cases = parser.get_parsed_content("clips")
        assert patients(cases["training"]).isdisjoint(patients(cases["validation"]))
        held += [case["image"] for case in cases["validation"]]

    assert len(held) == len(set(held)) == 18


def test_the_trained_weights_are_evaluated_on_the_held_out_fold(bundle, settings, tmp_path):
    (tmp_path / "out").mkdir()
    parser = workflow(bundle, ["train.json", OVERLAY], settings).parser
    torch.save(parser.get_parsed_content("network_def").state_dict(), tmp_path / "model.pt")
    files = ["train.json", "evaluate.json", OVERLAY]

    run = workflow(bundle, files, settings | {"ckpt": str(tmp_path / "model.pt")}, "eval")
    run.initialize()
    run.run()
    run.finalize()

    with (tmp_path / "out" / "predictions.csv").open(encoding="utf-8") as file:
        names = [line[0] for line in csv.reader(file)]
    assert names == [case["image"].rpartition("/")[2] for case in parser.get_parsed_content("clips")["validation"]]


def test_the_overlay_thins_clips_to_its_depth():
    overlay = json.loads(OVERLAY.read_text(encoding="utf-8"))

    assert overlay["train#deterministic_transforms"][0]["max_slices"] == "@depth"
    assert (overlay["depth"], overlay["num_slices"], overlay["size"]) == (32, 8, 112)
