"""Where a NIfTI volume lies: its affine in mm, and what to say where the header gives none that can be true."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_das.data.messages import Finding

# millimetres in one unit of the header
MILLIMETRES = {"meter": 1e3, "micron": 1e-3}
LEAST_VOLUME = 1e-12


def placed(image: Any, path: Path) -> tuple[NDArray[np.float64] | None, tuple[Finding, ...]]:
    """Return the affine of nibabel's ``image`` to mm in RAS, None where the header gives none, and what to say of it.

    An sform of zeros or NaN counts for nothing: then the qform is taken, else the sizes of voxels. Metres and
    micrometres become millimetres, as ITK has it.
    """
    import nibabel

    # as the file has it: MONAI's reader mends what it gives
    header: Any = nibabel.load(path).header
    if not hasattr(header, "get_sform"):
        return np.asarray(image.affine, dtype=np.float64), ()
    broken = int(header["sform_code"]) > 0 and not _true(header.get_sform())
    affine: NDArray[np.float64] | None = np.asarray(image.affine, dtype=np.float64)
    if broken or not _true(affine):
        affine = next((one for one in (header.get_qform(), header.get_base_affine()) if _true(one)), None)
    unit = MILLIMETRES.get(header.get_xyzt_units()[0], 1.0)
    return (None if affine is None else np.diag([unit, unit, unit, 1.0]) @ affine), _said(broken, affine)


def _said(broken: bool, affine: NDArray[np.float64] | None) -> tuple[Finding, ...]:
    if affine is None:
        return (Finding("the NIfTI header gives no position: sform, qform and pixdim are zero or NaN"),)
    words = "the sform of the NIfTI header is zero, flat or NaN; the place is taken from its qform or voxel size"
    return (Finding(words),) if broken else ()


def _true(affine: Any) -> bool:
    """Say whether ``affine`` may be that of a volume."""
    return bool(np.isfinite(affine).all()) and abs(float(np.linalg.det(affine[:3, :3]))) > LEAST_VOLUME
