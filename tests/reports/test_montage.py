import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from monai_das.reports import write_montage

ORANGE = (240, 138, 29)


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def words_on(result, path, monkeypatch):
    """Return the words on the picture, all in the order they were put there."""
    found = []
    save = Figure.savefig

    def spy(figure, *args, **kwargs):
        found.extend(text.get_text() for text in figure.findobj(mpl.text.Text))
        return save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", spy)
    write_montage(result, path)
    return found


def test_prediction_slices_and_scores_are_written(result, tmp_path, monkeypatch):
    words = words_on(result, tmp_path / "montage.png", monkeypatch)

    assert {"case", "normal", "90.0%", "10.0%", "slice 3", "slice 7", "1, -2, 18 mm"} <= set(words)
    assert f"score {result.scores[3]:.3g}" in words
    assert "2 of 12 slices seen   |   A model 1.2.3, weights abababababab   |   not a medical device" in words


def test_a_clip_speaks_of_frames_and_times(result_with, tmp_path, monkeypatch):
    words = words_on(result_with(clip=True, colour=True), tmp_path / "montage.png", monkeypatch)

    assert {"frame 4", "frame 8", "120 ms", "frame"} <= set(words)
    assert any("2 of 12 frames seen" in each for each in words)


def test_a_clip_without_times_shows_none(result_with, tmp_path, monkeypatch):
    result = result_with(clip=True)
    for each in result.selected:
        object.__setattr__(each.ref, "time_ms", None)

    words = words_on(result, tmp_path / "montage.png", monkeypatch)

    assert not any(each.endswith(" ms") for each in words)


def test_long_and_odd_names_are_cut_and_taken_literally(result_with, tmp_path, monkeypatch):
    result = result_with(case_id="$" + "x" * 80, classes=7)

    words = words_on(result, tmp_path / "montage.png", monkeypatch)

    assert "$" + "x" * 58 + "\u2026" in words
    assert sum(each.endswith("%") for each in words) == 5


@pytest.mark.parametrize("selected_indices", [(0,), tuple(range(12))])
def test_the_picture_grows_with_the_slices_and_orange_marks_them(result_with, selected_indices, tmp_path):
    write_montage(result_with(selected_indices=selected_indices), tmp_path / "montage.png", dpi=60)

    picture = pixels(tmp_path / "montage.png")
    assert picture.shape[1] == 600
    lower_half = picture[picture.shape[0] // 2 :]
    orange = (np.abs(lower_half - ORANGE).max(axis=2) < 8).any(axis=0).sum()
    assert orange == pytest.approx(len(selected_indices) / 12 * 519, rel=0.15)


def test_equal_scores_are_drawn(result_with, tmp_path):
    result = result_with(scores=(0.0,) * 12)

    write_montage(result, tmp_path / "montage.png", dpi=40)

    assert pixels(tmp_path / "montage.png").std() > 0


def test_nothing_global_is_touched(result, tmp_path):
    before = dict(mpl.rcParams)

    write_montage(result, tmp_path / "montage.png", dpi=40)

    assert dict(mpl.rcParams) == before
    assert [path.name for path in tmp_path.iterdir()] == ["montage.png"]
