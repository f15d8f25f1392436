"""An sform that cannot be true is warned of, and the place comes from the qform, the voxel size, or is not known."""

import struct

import nibabel
import numpy as np
import pytest
import torch

from monai_das.data import open_source
from tests.data.independent_reader import by_itk

AFFINE = np.diag([2.0, 3.0, 4.0, 1.0])
SFORM, PIXDIM, UNITS, QUATERNION = (280, "<12f"), (80, "<3f"), (123, "<B"), (256, "<3f")
NAN = float("nan")
BROKEN = "the sform of the NIfTI header is zero, flat or NaN; the place is taken from its qform or voxel size"


@pytest.fixture(params=["a.nii", "a.nii.gz"])
def make(tmp_path, request):
    """Write a volume with these places of its header changed, sform and qform coded or not; return the file."""

    def write(*changes, sform=1, qform=1):
        image = nibabel.Nifti1Image(np.arange(120, dtype=np.int16).reshape(5, 6, 4), AFFINE)
        image.set_sform(AFFINE, sform)
        image.set_qform(AFFINE, qform)
        content = bytearray(image.to_bytes())
        for (place, kind), values in changes:
            struct.pack_into(kind, content, place, *values)
        path = tmp_path / request.param
        with nibabel.openers.Opener(path, "wb") as stream:
            stream.write(bytes(content))
        return path

    return write


@pytest.mark.parametrize("values", [[0.0] * 12, [NAN] * 12, [NAN] + [1.0] * 11, [0.0] * 8 + [0, 0, 4, 0]])
def test_a_broken_sform_is_warned_of_and_the_qform_counts(make, values):
    source = open_source(make((SFORM, values)))

    assert source.warnings == (BROKEN,)
    assert np.allclose(source.affine, AFFINE)
    assert source.refs[2].position_mm == (0.0, 0.0, 8.0)


def test_without_qform_the_size_of_voxels_counts(make):
    source = open_source(make((SFORM, [0.0] * 12), (QUATERNION, [NAN] * 3), qform=0))

    assert source.warnings == (BROKEN,)
    assert np.allclose(np.abs(np.diag(source.affine)), [2.0, 3.0, 4.0, 1.0])


def test_where_nothing_says_it_the_place_is_not_known(make):
    nothing = [(SFORM, [0.0] * 12), (PIXDIM, [NAN] * 3)]

    source = open_source(make(*nothing, qform=0))

    assert source.affine is None
    assert source.warnings == ("the NIfTI header gives no position: sform, qform and pixdim are zero or NaN",)
    assert source.refs[3].position_mm is None
    assert torch.equal(source.read([0])[0, ..., 0], torch.arange(0, 120, 4).reshape(5, 6).float())


@pytest.mark.parametrize(("unit", "millimetres"), [(0, 1.0), (1, 1000.0), (2, 1.0), (3, 0.001)])
def test_metres_and_micrometres_become_millimetres_as_itk_has_it(make, unit, millimetres):
    path = make((UNITS, [unit]))

    source = open_source(path)

    assert np.allclose(source.affine, np.diag([*[millimetres] * 3, 1]) @ AFFINE)
    assert np.allclose(source.affine, by_itk(path)[1])
    assert source.warnings == ()


def test_a_true_sform_is_not_warned_of(make):
    source = open_source(make())

    assert source.warnings == ()
    assert np.allclose(source.affine, AFFINE)
