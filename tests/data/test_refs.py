import nibabel
import numpy as np
import pytest

from monai_das.data import plane_refs, read_volume
from monai_das.transforms import SliceAxis


@pytest.mark.parametrize(("axis", "shape"), [("acquired", (6, 5, 4)), ("coronal", (6, 4, 5)), ("sagittal", (5, 4, 6))])
def test_plane_refs_lie_where_the_turned_affine_says(series, axis, shape):
    case = read_volume(series)
    image = SliceAxis(axis)(case.image)

    refs = plane_refs(case.refs, image)

    assert image.shape[1:] == shape
    assert len(refs) == shape[2]
    across = np.asarray(image.affine)[:3, 2]
    for place, ref in enumerate(refs):
        ras = np.array(ref.position_mm) * [-1, -1, 1]
        expected = (np.asarray(image.affine) @ [0, 0, place, 1])[:3]
        assert np.isclose(ras @ across, expected @ across)
        assert (ref.sop_instance_uid is not None) == (axis == "acquired")


def test_plane_refs_turn_round_with_the_slices(tmp_path, volume):
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([1.0, 1.0, -1.0, 1.0])), tmp_path / "down.nii")
    case = read_volume(tmp_path / "down.nii")

    refs = plane_refs(case.refs, SliceAxis("acquired")(case.image))

    assert [ref.index for ref in refs] == [3, 2, 1, 0]


def test_plane_refs_need_the_slice_axis(series):
    case = read_volume(series)

    with pytest.raises(ValueError, match=r"no slice_axis; apply monai_das.transforms.SliceAxis first"):
        plane_refs(case.refs, case.image)
