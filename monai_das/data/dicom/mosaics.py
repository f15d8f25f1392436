"""Pictures in which all slices of a volume are tiled, and series that are only called so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from monai_das.data.dicom.headers import ImageHeader
from monai_das.data.dicom.wanted import MOSAIC_COUNT
from monai_das.data.messages import StudyError

# words in ImageType by which a maker says that the slices are tiled in one picture
MOSAICS = {"MOSAIC": "Siemens", "VFRAME": "UIH"}
XA = re.compile(r"\bXA\d")


def check_no_mosaic(headers: Sequence[ImageHeader]) -> None:
    """Raise ``ValueError`` if one of ``headers``, a series, is a mosaic by ImageType (0008,0008).

    Siemens' software XA keeps the word in series that it has taken apart: there every slice has a place of its own, in
    a file or in the functional groups, and NumberOfImagesInMosaic (0019,100A) is missing or 1.
    """
    for header in headers:
        words = (header.text("ImageType") or "").split("\\")
        maker = next((MOSAICS[word] for word in words if word in MOSAICS), None)
        if maker is not None and not (maker == "Siemens" and _taken_apart(header, headers)):
            raise StudyError(
                header.path,
                f"a {maker} mosaic, all slices in one picture, by ImageType (0008,0008); convert it to NIfTI first",
            )


def _taken_apart(header: ImageHeader, headers: Sequence[ImageHeader]) -> bool:
    found = header.tags.get(MOSAIC_COUNT)
    if found is not None and str(found.value) not in ("", "0", "1", "None"):
        return False
    if header.items("PerFrameFunctionalGroupsSequence"):
        return True
    places = {str(one.text("ImagePositionPatient")) for one in headers}
    return XA.search(header.text("SoftwareVersions") or "") is not None and len(places) > 1
