"""The comparison of cheap thumbnails with exact ones, on made-up masks and videos."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("pylibjpeg")
pytest.importorskip("imageio_ffmpeg")
pytest.importorskip("av")

from benchmarks.commands import main
from benchmarks.studies.thumbnails import Agreement, ridge_scores
from monai_das.datasets import make_sample_volumes
from tests.data.video_clips import moving_bars, write_video

BUNDLE = Path(__file__).parents[3] / "bundle"


@pytest.fixture
def root(tmp_path):
    """Two masks in the MedMNIST layout, and five clips of five patients in that of COVID-BLUES."""
    cases = make_sample_volumes(2, 64)
    images = np.stack([case["image"][0] for case in cases]).transpose(0, 3, 1, 2)
    arrays = {"val_images": images, "val_labels": np.array([[case["label"]] for case in cases], np.uint8)}
    for split in ("train", "test"):
        arrays |= {f"{split}_images": images[:1], f"{split}_labels": np.zeros((1, 1), np.uint8)}
    (tmp_path / "adrenal3d").mkdir()
    np.savez(tmp_path / "adrenal3d" / "adrenalmnist3d_64.npz", **arrays)
    videos = tmp_path / "covid_blues" / "lus_videos"
    videos.mkdir(parents=True)
    lines = ["video_file,Severity Score"]
    for patient in range(5):
        write_video(
            videos / f"patient_{patient}_L1.mp4", moving_bars(10, 64, 96)[:, :, :: 1 - 2 * (patient % 2)].copy()
        )
        lines.append(f"patient_{patient}_L1,{1 + patient % 2}.0")
    (tmp_path / "covid_blues" / "severity.csv").write_text("\n".join(lines))
    return tmp_path


def test_the_last_line_has_every_set(root, capsys):
    assert main(["thumbnails", "--data", str(root), "--bundle", str(BUNDLE)]) == 0

    *_, last = capsys.readouterr().out.splitlines()
    found = json.loads(last)
    assert list(found) == [
        "adrenal val, raw",
        "adrenal val, j2k",
        "adrenal val, noise, raw",
        "adrenal val, noise, j2k",
        "covid_blues, DAS",
        "covid_blues, top variance",
    ]
    assert found["adrenal val, raw"]["overlap"] == found["adrenal val, noise, raw"]["overlap"] == 1.0
    assert all(row["overlap"] >= 0.8 for row in found.values())
    assert found["adrenal val, raw"]["auc_change"] == 0.0


@pytest.mark.parametrize("options", [["--data", "/nowhere"], []])
def test_data_that_is_not_there_exits_with_2(options, monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("MONAI_DAS_DATA", raising=False)

    with pytest.raises(SystemExit) as ended:
        main(["thumbnails", *options, "--bundle", str(tmp_path)])

    assert ended.value.code == 2


def test_figures_tell_how_far_the_conclusions_differ():
    found = Agreement(shared=[1.0, 0.5], cheap=[0.1, 0.9, 0.2, 0.3], exact=[0.1, 0.2, 0.8, 0.9], labels=[0, 0, 1, 1])

    assert found.figures() == {"overlap": 0.75, "auc_exact": 1.0, "auc_cheap": 0.5, "auc_change": -0.5}


def test_held_out_patients_are_scored_by_the_others():
    torch.manual_seed(0)
    labels = [number % 2 for number in range(40)]
    exact = torch.randn(40, 3, dtype=torch.float64) + 30 * torch.tensor(labels)[:, None]
    patients = [f"patient_{number // 2}" for number in range(40)]

    cheap_scores, exact_scores = ridge_scores(exact, exact.roll(1, dims=0), labels, patients)

    assert min(score for score, label in zip(exact_scores, labels, strict=True) if label) > 0.5
    assert max(score for score, label in zip(cheap_scores, labels, strict=True) if label) < 0.5
