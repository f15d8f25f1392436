"""The overlay that learns from readers, on a pulled datalist of files of different depth."""

import json

import numpy as np
import pytest
import torch

from monai_das.data import write_nifti
from tests.bundle.bundle_runs import ROOT, workflow


@pytest.fixture
def datalist(tmp_path):
    """Twelve volumes of 10 or 14 slices, half of them with verdicts: a dark box is wanted, a bright one rejected."""
    random, cases = np.random.default_rng(0), []
    for number in range(12):
        volume = random.integers(0, 99, (20, 24, 10 + 4 * (number % 3 == 0))).astype(np.int16)
        volume[5:15, 5:15, [2, 7]], volume[5:15, 5:15, 3] = 0, 99
        write_nifti(volume, tmp_path / f"{number}.nii.gz")
        verdicts = {"slices_confirmed": [2], "slices_rejected": [3], "slices_added": [7]} if number % 2 else {}
        cases.append({"image": f"{number}.nii.gz", "label": int(number % 3 == 0), **verdicts})
    path = tmp_path / "pulled.json"
    path.write_text(json.dumps({"training": cases}), encoding="utf-8")
    return path


def test_a_bundle_is_fine_tuned_on_a_pulled_datalist(bundle, small, datalist, tmp_path):
    base = workflow(bundle, ["train.json"], small).parser.get_parsed_content("network_def")
    start = tmp_path / "start.pt"
    torch.save(base.state_dict(), start)
    # a large rate, so that a few steps show
    settings = small | {"datalist": str(datalist), "ckpt": str(start), "epochs": 6, "learning_rate": 0.002}
    # a rotation spreads the verdict of a slice over its neighbours, which `margins` would not find again
    settings["affine_prob"] = 0.0
    made = workflow(bundle, ["train.json", ROOT / "configs/review.json"], settings)
    made.initialize()
    network = made.parser.get_parsed_content("network_def")
    wanted, rejected = margins(network, made)

    made.run()
    made.finalize()

    after_wanted, after_rejected = margins(network, made)
    assert after_wanted - after_rejected > wanted - rejected
    assert (tmp_path / "out" / "model.pt").is_file()


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
    made = workflow(bundle, ["train.json", ROOT / "configs/review.json"], settings)
    made.initialize()

    for name in ("network", "averaged_network"):
        loaded = made.parser.get_parsed_content(name).state_dict()
        assert all(torch.equal(loaded[key], value) for key, value in base.state_dict().items())
    made.finalize()
