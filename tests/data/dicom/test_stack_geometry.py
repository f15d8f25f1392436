import numpy as np
import pytest
from pydicom import dcmread

from monai_das.data import dicom_geometry, read_volume, stack_geometry
from monai_das.datasets import write_dicom_series

UP = np.array([0.0, 0.0, 2.0])


def at(heights):
    return [(5.0, 6.0, height) for height in heights]


@pytest.fixture
def place(series, edit):
    """Move the slices of the series, from the lowest to the highest, to these positions; return the folder."""

    def move(positions):
        files = sorted(series.iterdir(), key=lambda file: float(dcmread(file).ImagePositionPatient[2]))
        for file, position in zip(files, positions, strict=True):
            edit(file, ImagePositionPatient=list(position))
        return series

    return move


def test_a_regular_series_has_no_problems(series):
    geometry = dicom_geometry(series)

    assert geometry.spacing_mm == pytest.approx(4.0)
    assert geometry.steps_mm == pytest.approx((4.0, 4.0, 4.0))
    assert geometry.problems == ()
    geometry.require_regular("series")


def test_missing_slices_are_counted_where_they_are_missing():
    geometry = stack_geometry(at([0, 2, 4, 10, 12, 16]), UP)

    assert geometry.missing == ((2, 2), (4, 1))
    assert geometry.problems == ("3 slices missing (2 after slice 2, 1 after slice 4)",)


def test_a_gap_is_an_error_only_where_geometry_is_needed(place):
    folder = place(at([0, 4, 8, 16]))

    assert read_volume(folder).image.shape[-1] == 4
    with pytest.raises(ValueError, match=r"^s: 1 slices missing \(1 after slice 2\); resample the series to a regular"):
        dicom_geometry(folder).require_regular("s")


def test_uneven_spacing_is_told_in_numbers(place):
    geometry = dicom_geometry(place(at([0, 4, 9.5, 13.5])))

    assert geometry.uneven == (1,)
    with pytest.raises(ValueError, match=r"uneven spacing, 4 to 5.5 mm with a median of 4 mm, first after slice 1"):
        geometry.require_regular("series")


def test_gantry_tilt_is_measured_and_kept_in_the_affine(place):
    shift = 4.0 * np.tan(np.radians(15.0))
    folder = place([(0.0, shift * index, 4.0 * index) for index in range(4)])

    geometry = dicom_geometry(folder)

    assert geometry.tilt_degrees == pytest.approx(15.0)
    assert geometry.spacing_mm == pytest.approx(4.0)
    with pytest.raises(ValueError, match=r"gantry tilt of 15.00 degrees; resample"):
        geometry.require_regular("series")
    assert np.allclose(np.asarray(read_volume(folder).image.affine)[:3, 2], [0.0, -shift, 4.0])


def test_one_slice_has_no_steps(series):
    geometry = dicom_geometry(sorted(series.iterdir())[0])

    assert (geometry.steps_mm, geometry.spacing_mm, geometry.problems) == ((), None, ())


def test_a_clip_has_no_geometry(make_clip):
    assert dicom_geometry(make_clip()) is None


def test_anisotropic_pixels_keep_columns_and_rows_apart(tmp_path, volume):
    write_dicom_series(volume, tmp_path, spacing=(0.5, 2.0, 2.5))

    affine = np.asarray(read_volume(tmp_path).image.affine)

    assert [float(np.linalg.norm(affine[:3, axis])) for axis in range(3)] == pytest.approx([0.5, 2.0, 2.5])
    assert list(dcmread(sorted(tmp_path.iterdir())[0]).PixelSpacing) == [2.0, 0.5]


@pytest.mark.parametrize("which", [0, 3, 6])
def test_a_slice_shifted_in_its_plane_is_named(which):
    positions = at(range(0, 14, 2))
    positions[which] = (8.0, 10.0, positions[which][2])

    geometry = stack_geometry(positions, UP)

    assert geometry.shifted == ((which, pytest.approx(5.0)),)
    assert geometry.problems == (f"1 slices shifted in their plane, slice {which} by 5 mm",)


def test_a_slice_shifted_in_a_tilted_stack_is_named_and_the_tilt_is_not_moved_by_it():
    tilted = [(5.0, 0.5 * height, height) for height in range(0, 14, 2)]
    tilted[2] = (5.0, tilted[2][1] + 1.0, tilted[2][2])

    geometry = stack_geometry(tilted, UP)

    assert geometry.shifted == ((2, pytest.approx(1.0)),)
    assert geometry.tilt_degrees == pytest.approx(np.degrees(np.arctan(0.5)))


def test_rounding_in_a_header_is_no_shift():
    positions = [(5.0 + 0.005 * (number % 2), 6.0, 2.0 * number) for number in range(8)]

    assert stack_geometry(positions, UP).problems == ()
