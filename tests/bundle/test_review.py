"""The overlay that learns from readers, on a pulled datalist of files of different depth."""

import json

import numpy as np
import pytest
import torch
from monai.transforms import Compose
from pydicom.data import get_testdata_file

from monai_das.data import read_volume
from monai_das.datasets import write_nifti
from monai_das.losses.reader_loss import slice_verdicts
from monai_das.transforms import make_thumbnails
from tests.bundle.bundle_runs import workflow
from tests.patients import patient


@pytest.fixture
def datalist(tmp_path):
    """Twelve volumes of 10 or 14 slices, half of them with verdicts: a dark box is wanted, a bright one rejected."""
    random, cases = np.random.default_rng(0), []
    for number in range(12):
        volume = random.integers(0, 99, (20, 24, 10 + 4 * (number % 3 == 0))).astype(np.int16)
        volume[5:15, 5:15, [2, 7]], volume[5:15, 5:15, 3] = 0, 99
        write_nifti(volume, tmp_path / f"{number}.nii.gz")
        verdicts = {"slices_confirmed": [2], "slices_rejected": [3], "slices_added": [7]} if number % 2 else {}
        group = patient(number, held_out=number in (4, 9))
        cases.append({"image": f"{number}.nii.gz", "label": int(number % 3 == 0), "group": group, **verdicts})
    path = tmp_path / "pulled.json"
    path.write_text(json.dumps({"training": cases}), encoding="utf-8")
    return path


def test_a_bundle_is_fine_tuned_on_a_pulled_datalist(bundle, small, datalist, tmp_path):
    base = workflow(bundle, ["train.json"], small).parser.get_parsed_content("network_def")
    start = tmp_path / "start.pt"
    torch.save(base.state_dict(), start)
    # a large rate, so that a few steps show
    settings = small | {"datalist": str(datalist), "ckpt": str(start), "epochs": 6, "learning_rate": 0.002}
    made = workflow(bundle, ["train.json", "review.json"], settings)
    made.initialize()
    network = made.parser.get_parsed_content("network_def")
    wanted, rejected = margins(network, made)

    made.run()
    made.finalize()

    after_wanted, after_rejected = margins(network, made)
    assert after_wanted - after_rejected > wanted - rejected
    assert (tmp_path / "out" / "model.pt").is_file()


def test_only_verdicts_reach_the_sampler(bundle, small, datalist, tmp_path):
    base = workflow(bundle, ["train.json"], small).parser.get_parsed_content("network_def")
    torch.save(base.state_dict(), tmp_path / "start.pt")
    settings = small | {"datalist": str(datalist), "ckpt": str(tmp_path / "start.pt")}
    made = workflow(bundle, ["train.json", "review.json"], settings)
    made.initialize()
    network, loss = (made.parser.get_parsed_content(name) for name in ("network_def", "loss"))
    with torch.no_grad():  # a choice that was learnt, away from that of the variance
        network.sampler.head[-1].bias += 1.0
    volume, label = torch.rand(2, 1, 28, 28, 9), torch.tensor([0, 1])
    reached = []

    for verdicts in (torch.zeros(2, 9), torch.eye(2, 9)):
        network.zero_grad()
        loss(network.train()(volume), {"label": label, "verdicts": verdicts}).backward()
        reached.append(any(each.grad is not None and each.grad.any() for each in network.sampler.parameters()))

    assert reached == [False, True]


def test_augmentation_keeps_slices_and_their_verdicts_whole(bundle, small, datalist):
    settings = small | {"datalist": str(datalist), "affine_prob": 1.0}
    made = workflow(bundle, ["train.json", "review.json"], settings)
    augment = Compose(made.parser.get_parsed_content("train#random_transforms")).set_random_state(0)
    # every slice holds its own number, and some a verdict
    image = torch.arange(1.0, 11.0).expand(1, 28, 28, 10).clone()
    said = torch.tensor([0, 0, 1, -1, 0, 0, 0, 1, 0, 0])
    moved = set()

    for _ in range(20):
        case = augment({"image": image, "verdicts": said.float().expand_as(image).clone()})
        numbers = case["image"].amax(dim=(0, 1, 2))
        assert torch.allclose(numbers.sort().values, image[0, 0, 0])
        assert torch.equal(slice_verdicts(case["verdicts"][None])[0], said[numbers.round().long() - 1])
        moved.add(tuple(case["image"].mean(dim=(0, 1, 2)).tolist()))
    assert len(moved) > 10


def test_fine_tuning_rotates_and_scales_whatever_the_training_does(bundle, small, datalist):
    settings = small | {"datalist": str(datalist)}
    tuned = workflow(bundle, ["train.json", "review.json"], settings).parser

    affine = tuned.get_parsed_content("train#random_transforms")[3]

    assert affine.rand_affine.rand_affine_grid.rotate_range == (0.0, 0.0, 0.26)
    assert affine.rand_affine.rand_affine_grid.scale_range == (0.1, 0.1, 0.0)
    assert affine.prob == 0.5


def test_images_are_prepared_as_in_inference(bundle, small, datalist):
    settings = small | {"datalist": str(datalist)}
    tuned = workflow(bundle, ["train.json", "review.json"], settings).parser
    inference = workflow(bundle, ["inference.json"], {}, "infer").parser

    ours = ("monai_das.transforms.SliceVerdictsd", "Lambdad")
    steps = [step for step in tuned["train"]["deterministic_transforms"] if step["_target_"] not in ours]

    wanted = [{**step, "_desc_": ""} for step in inference["preprocessing"]["transforms"]]
    assert [{**step, "keys": "image", "_desc_": ""} for step in steps] == wanted


def test_colour_clips_become_luminance(bundle, small, tmp_path):
    clip = get_testdata_file("examples_ybr_color.dcm", download=False)
    cases = [{"image": clip, "label": 1, "slices_confirmed": [29]}, {"image": "another", "label": 0}]
    cases = [{**case, "group": patient(place, held_out=place == 1)} for place, case in enumerate(cases)]
    (tmp_path / "pulled.json").write_text(json.dumps(cases))
    settings = small | {"datalist": str(tmp_path / "pulled.json"), "holdout_every": 2, "flip_prob": 0, "affine_prob": 0}

    made = workflow(bundle, ["train.json", "review.json"], settings)
    (case,) = made.parser.get_parsed_content("train#dataset")

    red, green, blue = read_volume(clip).image.as_tensor().float()
    grey = make_thumbnails((0.299 * red + 0.587 * green + 0.114 * blue)[None, None], 28)
    frames = ((grey - grey.min()) / (grey.max() - grey.min())).mean(dim=(0, 1, 2, 3))
    torch.testing.assert_close(case["image"].mean(dim=(0, 1, 2)), frames, rtol=1e-3, atol=1e-3)
    assert case["verdicts"].mean(dim=(0, 1, 2)).tolist() == [0.0] * 29 + [1.0]


def margins(network, made):
    """Return the mean scores of wanted and rejected slices over the cases for training."""
    network.eval()
    wanted, rejected = [], []
    for case in made.parser.get_parsed_content("train#dataset"):
        with torch.no_grad():
            scores = network.score(network.thumbnails(case["image"][None])).scores[0]
        said = case["verdicts"].mean(dim=(0, 1, 2)).round()
        wanted += scores[said == 1].tolist()
        rejected += scores[said == -1].tolist()
    return np.mean(wanted), np.mean(rejected)


def test_fine_tuning_starts_from_the_given_weights(bundle, small, datalist, tmp_path):
    base = workflow(bundle, ["train.json"], small).parser.get_parsed_content("network_def")
    torch.save(base.state_dict(), tmp_path / "start.pt")

    settings = small | {"datalist": str(datalist), "ckpt": str(tmp_path / "start.pt")}
    made = workflow(bundle, ["train.json", "review.json"], settings)
    made.initialize()

    for name in ("network", "averaged_network"):
        loaded = made.parser.get_parsed_content(name).state_dict()
        assert all(torch.equal(loaded[key], value) for key, value in base.state_dict().items())
    assert made.parser.get_parsed_content("network").detach_choice
    made.finalize()
