"""SimpleITK, which shares no code with our readers, in our layout."""

import numpy as np
import pytest

SimpleITK = pytest.importorskip("SimpleITK")


def by_itk(files):
    """Return pixels ``(C, columns, rows, D)``, with D the time points too of four dimensions, and the affine in RAS."""
    image = SimpleITK.ReadImage([str(file) for file in files] if isinstance(files, list) else str(files))
    values = SimpleITK.GetArrayFromImage(image)
    if image.GetDimension() == 4:
        return values.transpose(3, 2, 1, 0), in_ras(image)
    values = values.reshape(*values.shape[:3], -1).transpose(3, 2, 1, 0)
    return values, in_ras(image)


def in_ras(image):
    """Return the affine ``(4, 4)`` from voxels to mm in RAS; ITK's own is in LPS."""
    size = image.GetDimension()
    affine = np.eye(4)
    direction = np.array(image.GetDirection()).reshape(size, size)[:3, :3]
    affine[:3, :3] = direction * image.GetSpacing()[:3]
    affine[:3, 3] = image.GetOrigin()[:3]
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
