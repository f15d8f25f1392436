"""``bundle/configs/lazy_inference.json`` on DICOM: the decoders are counted, not what a source says it reads."""

import numpy as np
import pytest
import torch

from monai_das.data.dicom import decode, reduced
from monai_das.data.dicom.source import MOST_DECODED
from monai_das.datasets import compress_dicom_series, write_dicom_series
from tests.bundle.bundle_runs import workflow

for name in ("pylibjpeg", "jpeg_ls"):
    pytest.importorskip(name)

LAZY = "lazy_inference.json"
DEPTH, KEPT = 12, 4


@pytest.fixture
def decoded(monkeypatch):
    """What the codecs were given at full resolution, names or bytes, and the number of halvings of reduced ones."""
    noted = {"full": [], "reduced": []}
    at_full, by_charls, at_reduced = decode._decoded_frame, decode.charls_frame, reduced._pillow

    def note_full(pixels, frame):
        noted["full"].append(pixels.path.name)
        return at_full(pixels, frame)

    def note_jpegls(data, *args, **options):
        noted["full"].append(data)
        return by_charls(data, *args, **options)

    def note_reduced(data, halvings):
        noted["reduced"].append(halvings)
        return at_reduced(data, halvings)

    monkeypatch.setattr(decode, "_decoded_frame", note_full)
    monkeypatch.setattr(decode, "charls_frame", note_jpegls)
    monkeypatch.setattr(reduced, "_pillow", note_reduced)
    return noted


@pytest.fixture
def settings(bundle, tmp_path):
    """A series of 12 slices of 128 x 128 pixels, smooth noise of a strength that differs from slice to slice."""
    random = np.random.default_rng(0)
    coarse = torch.from_numpy(random.normal(0, 300, (DEPTH, 1, 32, 32)))
    smooth = torch.nn.functional.interpolate(coarse, size=(128, 128), mode="bicubic")[:, 0].numpy()
    volume = smooth * (0.2 + random.permutation(DEPTH)[:, None, None] / DEPTH)
    write_dicom_series(volume.transpose(1, 2, 0).astype(np.int16), tmp_path / "input" / "case")
    given = {"bundle_root": str(bundle), "dataset_dir": str(tmp_path / "input"), "num_slices": KEPT}
    return given | {"output_dir": str(tmp_path / "out")}


def run(bundle, files, settings):
    """Run as ``python -m monai.bundle run`` does."""
    flow = workflow(bundle, files, settings, "infer")
    flow.initialize()
    flow.run()
    flow.finalize()


def test_j2k_decodes_the_selected_slices_those_of_the_extremes_and_the_others_only_small(
    bundle, settings, decoded, tmp_path
):
    compress_dicom_series(tmp_path / "input" / "case", "j2k")

    run(bundle, ["inference.json", LAZY], settings)

    assert KEPT <= len(decoded["full"]) <= KEPT + 2 + MOST_DECODED
    assert decoded["reduced"] == [1] * DEPTH


def test_jpegls_has_no_levels_so_that_all_are_decoded_once_and_the_selected_again(bundle, settings, decoded, tmp_path):
    compress_dicom_series(tmp_path / "input" / "case", "jpegls")

    run(bundle, ["inference.json", LAZY], settings)

    assert len(decoded["full"]) == DEPTH + KEPT
    assert len(set(decoded["full"])) == DEPTH
    assert decoded["reduced"] == []
