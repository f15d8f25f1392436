"""Slices are drawn from the source: in its window, in their true shape, upright, with letters and names."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from monai_das.data import KeptSource, VolumeCase, WholeSource, open_source
from monai_das.data.refs import affine_refs
from monai_das.data.source import as_image
from monai_das.datasets import write_dicom_series, write_nifti
from monai_das.inference import DASModelInfo
from monai_das.reports.drawing import CaseDrawing
from monai_das.reports.window import CT_PRESETS, Window, windows


@pytest.fixture
def case(result_for):
    """A drawing of these slices of a source."""
    return lambda source, selected=(0,), **changes: CaseDrawing(result_for(source, selected, **changes), source)


def series(folder, volume, **tags):
    """A source of a DICOM series with these tags; InstanceNumber runs against the slices."""
    write_dicom_series(volume, folder, tags.pop("spacing", (1.0, 1.0, 1.0)))
    for path in folder.iterdir():
        image = dcmread(path)
        image.InstanceNumber = 50 - round(float(image.ImagePositionPatient[2]))
        for keyword, value in tags.items():
            setattr(image, keyword, value)
        image.save_as(path)
    return open_source(folder)


def ramp(shape=(16, 16, 3), low=-1000, high=1000):
    return np.linspace(low, high, int(np.prod(shape))).reshape(shape).astype(np.int16)


def picture_of(drawing, index=0, side=None):
    """A slice as it is drawn, without letters."""
    return np.asarray(drawing.picture(*drawing.source.large([index]), side or max(drawing.size)))


def test_pixels_twice_as_high_as_wide_are_drawn_twice_as_high(tmp_path, case):
    drawing = case(series(tmp_path, ramp((20, 30, 2)), spacing=(0.5, 1.0, 2.0)))

    assert drawing.hanging.pixel_aspect == 2.0
    assert drawing.size == (20, 60)
    assert picture_of(drawing).shape == (60, 20)
    assert picture_of(drawing, side=30).shape == (30, 10)
    assert next(drawing.previews(256)).size == (10, 30)


def test_a_clip_takes_the_shape_of_its_pixels_from_the_header(tmp_path, case):
    image = dcmread(get_testdata_file("examples_ybr_color.dcm"))
    image.PixelAspectRatio = [3, 2]
    image.save_as(tmp_path / "clip.dcm")

    drawing = case(open_source(tmp_path / "clip.dcm"))

    assert drawing.size == (320, 360)


@pytest.mark.parametrize(
    ("tags", "first"),
    [
        ({"Modality": "CT", "WindowCenter": 40, "WindowWidth": 400}, Window("header", -160.0, 239.0)),
        ({"Modality": "CT", "BodyPartExamined": "HEAD"}, Window("brain", 0.0, 80.0)),
        ({"Modality": "CT", "BodyPartExamined": "CHEST"}, Window("lung", -1350.0, 150.0)),
        ({"Modality": "CT", "BodyPartExamined": "LSPINE"}, Window("bone", -500.0, 1300.0)),
        ({"Modality": "CT", "BodyPartExamined": "ABDOMEN"}, Window("soft tissue", -150.0, 250.0)),
        ({"Modality": "CT"}, Window("soft tissue", -150.0, 250.0)),
        ({"Modality": "MR", "WindowCenter": 10, "WindowWidth": 21}, Window("header", -0.5, 19.5)),
        ({"Modality": "US"}, Window("as it is", 0.0, 65535.0)),
    ],
)
def test_the_window_is_the_headers_or_that_of_the_kind_of_image(tmp_path, case, tags, first):
    drawing = case(series(tmp_path, ramp(), **tags))

    assert drawing.windows[0] == first
    shown = picture_of(drawing, 1)
    expected = np.clip((next(drawing.values([1])) - first.low) / (first.high - first.low), 0, 1) * 255
    assert np.abs(shown - expected).max() <= 0.5


@pytest.mark.parametrize(
    ("low", "made_for", "first"),
    [
        (-1000, ("CT", "HEAD"), "brain"),
        (-1000, ("CT", ""), "soft tissue"),
        (-1000, ("", "HEAD"), "percentiles 1 to 99"),
        (0, ("CT", "HEAD"), "percentiles 1 to 99"),
    ],
)
def test_nifti_is_shown_as_the_ct_that_the_model_was_made_for(tmp_path, case, low, made_for, first):
    write_nifti(ramp(low=low), tmp_path / "case.nii")
    model = DASModelInfo("A model", "1.2.3", "ab" * 32, modality=made_for[0], body_part=made_for[1])

    drawing = case(open_source(tmp_path / "case.nii"), model=model)

    assert drawing.windows[0].name == first


def test_a_table_of_the_header_is_drawn_and_its_curve_goes_with_the_window(tmp_path, case):
    drawing = case(series(tmp_path, ramp(), WindowCenter=0, WindowWidth=500, VOILUTFunction="SIGMOID"))

    (window, *others) = drawing.windows
    values = next(drawing.values([1]))
    assert (window.low, window.high) == (-250, 250)
    assert np.abs(picture_of(drawing, 1) - 255 / (1 + np.exp(-4 * values / 500))).max() < 2
    assert (len(window.shades), [each.shades for each in others]) == (769, [[]] * len(others))


def test_mr_without_a_window_is_shown_between_percentiles(tmp_path, case):
    drawing = case(series(tmp_path, ramp(low=0), Modality="MR"), (0, 1, 2))

    assert drawing.windows[0].name == "percentiles 1 to 99"
    assert (drawing.windows[0].low, drawing.windows[0].high) == pytest.approx((10, 990), abs=2)
    assert [each.name for each in drawing.windows[1:]] == ["all values"]


def test_ct_offers_its_presets_beside_the_headers_window(tmp_path, case):
    drawing = case(series(tmp_path, ramp(), Modality="CT", WindowCenter=0, WindowWidth=100))

    assert drawing.windows[0].name == "header"
    assert set(CT_PRESETS) < {each.name for each in drawing.windows}


@pytest.mark.parametrize("centre", [-5000, 5000])
def test_a_window_outside_the_data_is_not_the_first(tmp_path, case, centre):
    drawing = case(series(tmp_path, ramp(), Modality="MR", WindowCenter=centre, WindowWidth=100))

    assert [each.name for each in drawing.windows] == ["percentiles 1 to 99", "header", "all values"]
    assert np.ptp(picture_of(drawing)) > 200


def test_windows_that_differ_from_slice_to_slice_give_their_median(tmp_path, case):
    source = series(tmp_path, ramp(), Modality="MR", WindowWidth=101)
    for path, centre in zip(sorted(tmp_path.iterdir()), (100, 120, 900), strict=True):
        image = dcmread(path)
        image.WindowCenter = centre
        image.save_as(path)

    drawing = case(open_source(tmp_path), (0, 1, 2))

    assert len(source) == 3
    assert drawing.windows[0] == Window("header", 69.5, 169.5)


def test_a_mask_of_which_less_than_a_hundredth_is_set_is_shown(tmp_path, case):
    mask = np.zeros((20, 20, 2), np.uint8)
    mask[3, 4] = 1
    write_nifti(mask, tmp_path / "mask.nii")

    assert picture_of(case(open_source(tmp_path / "mask.nii"))).max() == 255


def test_a_constant_volume_is_black(tmp_path, case):
    write_nifti(np.full((8, 8, 2), 7, np.uint8), tmp_path / "constant.nii")

    assert picture_of(case(open_source(tmp_path / "constant.nii"))).max() == 0


def test_monochrome1_is_shown_as_viewers_show_it(tmp_path, case):
    plane = np.repeat(np.arange(16, dtype=np.uint16)[:, None, None] * 10, 16, 1)
    drawing = case(series(tmp_path, plane, PhotometricInterpretation="MONOCHROME1", WindowCenter=75.5, WindowWidth=151))

    shown = picture_of(drawing)

    # low stored values are white; the first axis runs from the patient's right, on the left
    stored = dcmread(next(tmp_path.iterdir())).pixel_array
    assert (shown[0, 0], shown[0, -1]) == ((255, 0) if stored[0, 0] < stored[0, -1] else (0, 255))
    assert np.corrcoef(shown.ravel(), stored.ravel())[0, 1] == pytest.approx(-1)


def test_signed_values_and_slopes_are_shown_in_their_units(tmp_path, case):
    stored = np.linspace(-2000, 2000, 512).reshape(16, 16, 2).astype(np.int16)
    drawing = case(
        series(tmp_path, stored, Modality="CT", RescaleSlope=0.5, RescaleIntercept=-24, BodyPartExamined="BRAIN")
    )

    assert float(next(drawing.values([0])).min()) == pytest.approx(0.5 * stored[..., 0].min() - 24)
    assert drawing.windows[0] == Window("brain", 0.0, 80.0)


def test_colours_are_shown_as_they_are(echo, case):
    drawing = case(echo, (3, 9))

    (colours,) = drawing.pictures([9], 320)
    # what `read` gives, columns first
    assert np.array_equal(np.asarray(colours), echo.read([9])[..., 0].permute(2, 1, 0).numpy().astype(np.uint8))
    assert [str(each) for each in drawing.windows] == ["as it is, 0 to 255"]
    assert drawing.hanging.letters == ()
    assert next(drawing.previews(64)).size == (64, 48)


def test_one_slice_and_all_slices_chosen(tmp_path, case):
    one = case(series(tmp_path / "one", ramp((16, 16, 1))))
    whole = case(series(tmp_path / "all", ramp((16, 16, 5))), range(5))

    assert one.side_view().size == (1, 64)
    assert len(list(whole.pictures(range(5), 16))) == 5
    assert whole.side_view().size == (5, 64)


def test_names_and_letters_are_written_white_with_a_black_edge(tmp_path, case):
    drawing = case(series(tmp_path, np.full((200, 200, 2), 100, np.int16), WindowCenter=100, WindowWidth=200))

    plain, marked = picture_of(drawing), np.asarray(*drawing.pictures([0], 200, named=True))

    assert set(np.unique(plain)) == {128}
    changed = np.argwhere(marked != plain)
    assert {0, 255} <= set(np.unique(marked))
    # name in the corner, a letter in the middle of every edge
    for low, high in (((0, 0), (25, 140)), ((85, 0), (115, 25)), ((85, 175), (115, 200)), ((175, 85), (200, 115))):
        assert ((changed >= low) & (changed < high)).all(1).any()


def test_slices_are_called_as_a_viewer_calls_them(tmp_path, case):
    drawing = case(series(tmp_path, ramp()), (2,))

    assert [ref.name for ref in drawing.result.refs] == [
        "image 50 (index 0)",
        "image 49 (index 1)",
        "image 48 (index 2)",
    ]


@pytest.mark.parametrize("number", [1, None])
def test_a_number_that_is_shared_or_missing_is_not_told(tmp_path, number):
    source = series(tmp_path, ramp())
    for path in tmp_path.iterdir():
        image = dcmread(path)
        image.InstanceNumber = number
        image.save_as(path)

    assert source.refs[0].instance_number == 50
    assert [ref.name for ref in open_source(tmp_path).refs] == ["index 0", "index 1", "index 2"]


def test_slices_along_another_axis_are_drawn_from_that_side(case):
    values = np.random.RandomState(0).randint(0, 255, (1, 6, 8, 10)).astype(np.float32)
    affine = np.diag([1.0, 2.0, 4.0, 1.0])
    source = WholeSource(VolumeCase(as_image(values, affine, "x"), affine_refs(affine, 10), "nifti", True), "x")
    coronal = WholeSource(
        VolumeCase(as_image(values.transpose(0, 1, 3, 2), affine, "x"), affine_refs(affine, 8), "nifti", True), "x"
    )

    drawing = CaseDrawing(replace(case(coronal, (1, 5)).result, axis=1), KeptSource(source))

    # head on top, the patient's right on the left
    assert drawing.hanging.letters == ("R", "L", "S", "I")
    assert np.array_equal(next(drawing.values([5])), values[0, ::-1, 5, ::-1].T)
    assert drawing.size == (6, 40)


def test_what_a_kept_source_read_is_not_read_again(tmp_path, case, monkeypatch):
    source = KeptSource(series(tmp_path, ramp((16, 16, 6))), previews=True)
    source.thumbnails(28)
    source.read([1, 4])
    monkeypatch.setattr(type(source.source), "read", lambda *_: pytest.fail("read again"))
    monkeypatch.setattr(type(source.source), "several_thumbnails", lambda *_: pytest.fail("read again"))

    drawing = case(source, (1, 4))

    assert len(list(drawing.pictures([1, 4], 16))) == 2
    assert len(list(drawing.previews(16))) == 6
    drawing.side_view()


def test_windows_of_equal_ends_are_offered_once(tmp_path):
    write_nifti(np.eye(16, dtype=np.uint8)[..., None] * 200, tmp_path / "case.nii")
    source = open_source(tmp_path / "case.nii")

    found = windows(source, [0], source.read([0]).numpy())

    assert [str(each) for each in found] == ["percentiles 1 to 99, 0 to 200"]
