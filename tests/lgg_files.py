"""Made brains in the layout of ``lgg_flair``: noise, and a bright square in the slices with tumour."""

from pathlib import Path

import numpy as np

from monai_das.datasets import write_nifti

LOCATIONS = (2, 6, 2, 6, 2, 6, 4, 2)


def write_brains(root: Path) -> Path:
    """Write eight patients of 16 or 18 slices below ``root`` and return it.

    Three or four slices from the sixth on hold the square, in the last patient all do.
    """
    cases, slices = ["case,image,slices,location_code"], ["case,slice,tumour_pixels"]
    for number, location in enumerate(LOCATIONS):
        depth = 16 + 2 * (number % 2)
        volume = np.random.default_rng(number).integers(0, 100, (24, 24, depth)).astype(np.float32)
        tumour = range(depth) if number == 7 else range(6, 9 + number % 2)
        for place in tumour:
            volume[4:12, 4:12, place] = 200
        write_nifti(volume, root / f"lgg_flair/images/{number}.nii.gz")
        cases.append(f"P{number},images/{number}.nii.gz,{depth},{location}")
        slices += [f"P{number},{place},{int(place in tumour)}" for place in range(depth)]
    (root / "lgg_flair/cases.csv").write_text("\n".join([*cases, ""]))
    (root / "lgg_flair/slices.csv").write_text("\n".join([*slices, ""]))
    return root
