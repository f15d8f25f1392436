import numpy as np
import pytest
from PIL import Image, ImageColor, ImageDraw

from monai_das.reports import write_montage
from monai_das.reports.colours import LIGHT

ORANGE = ImageColor.getrgb(LIGHT["selected"])


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


@pytest.fixture
def words_on(tmp_path, monkeypatch, pixels_of):
    """The words on the picture of a result, all in the order they were put there."""

    def written(result, **source):
        found = []
        text = ImageDraw.ImageDraw.text

        def spy(draw, place, words, *arguments, **settings):
            found.append(words)
            return text(draw, place, words, *arguments, **settings)

        monkeypatch.setattr(ImageDraw.ImageDraw, "text", spy)
        write_montage(result, pixels_of(result, **source), tmp_path / "montage.png")
        return found

    return written


def test_prediction_slices_and_scores_are_written(result, words_on):
    words = words_on(result)

    assert {"case", "normal", "90.0%", "10.0%", "image 37 (index 3)", "image 33 (index 7)", "1, -2, 18 mm"} <= set(
        words
    )
    assert {"image 40 (index 0)", "image 29 (index 11)"} <= set(words)
    assert f"score {result.scores[3]:.3g}" in words
    assert {"R", "L", "A", "P"} <= set(words)
    footer = words[-1]
    # a long name is cut at its end
    assert footer.startswith("not a medical device   |   2 of 12 slices seen   |   window: percentiles 1 to 99, ")
    assert footer.endswith("   |   A model 1.2.3, weights abababababab")


def test_a_clip_speaks_of_frames_and_times(result_with, words_on):
    words = words_on(result_with(clip=True, colour=True), colour=True)

    assert {"frame 4 (index 3)", "frame 8 (index 7)", "120 ms", "frames in time"} <= set(words)
    assert any("2 of 12 frames seen   |   window: as it is, 0 to 255" in each for each in words)
    assert "R" not in words


def test_a_clip_without_times_shows_none(result_with, words_on):
    result = result_with(clip=True)
    for each in result.selected:
        object.__setattr__(each.ref, "time_ms", None)

    assert not any(each.endswith(" ms") for each in words_on(result))


def test_long_and_odd_names_are_cut_and_taken_literally(result_with, words_on):
    words = words_on(result_with(case_id="$" + "x" * 80, classes=7))

    assert "$" + "x" * 58 + "\u2026" in words
    assert sum(each.endswith("%") for each in words) == 5


@pytest.mark.parametrize("selected_indices", [(0,), tuple(range(12))])
def test_the_picture_grows_with_the_slices_and_orange_marks_them(result_with, pixels_of, selected_indices, tmp_path):
    result = result_with(selected_indices=selected_indices)

    write_montage(result, pixels_of(result), tmp_path / "montage.png")

    picture = pixels(tmp_path / "montage.png")
    assert picture.shape[1] == 1200
    lower_half = picture[picture.shape[0] // 2 :]
    orange = (np.abs(lower_half - ORANGE).max(axis=2) < 8).any(axis=0).sum()
    assert orange == pytest.approx(len(selected_indices) / 12 * 1038, rel=0.1)


def test_a_tile_is_the_slice_in_its_true_shape(result, pixels_of, tmp_path):
    write_montage(result, pixels_of(result, size=(60, 30)), tmp_path / "montage.png")

    picture = pixels(tmp_path / "montage.png")
    # a tile of 261 pixels a side, black above and below a slice twice as wide as high
    tile = picture[131 : 131 + 261, 54 : 54 + 261, 0]
    assert tile[:60].max() == tile[-60:].max() == 0
    assert (tile[66:-66].std(axis=0) > 20).all()


def test_equal_scores_are_drawn(result_with, pixels_of, tmp_path):
    result = result_with(scores=(0.0,) * 12)

    write_montage(result, pixels_of(result), tmp_path / "montage.png")

    assert pixels(tmp_path / "montage.png").std() > 0
    assert [path.name for path in tmp_path.iterdir()] == ["montage.png"]
