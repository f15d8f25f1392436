"""Which DICOM objects are acquired images, and what the others are, in words for people."""

from __future__ import annotations

import re
from functools import cache

from monai_das.data.dicom.headers import ImageHeader, undecoded

LOCALIZER, SEGMENTATION, CAPTURE, SCREEN, REFORMAT, PROJECTION = (
    "localizer",
    "segmentation",
    "secondary capture",
    "screen capture",
    "reformat",
    "projection or rendering",
)
# storage classes with pixels that nobody acquired, by the number after 1.2.840.10008.5.1.4.1.1.
STORAGE = "1.2.840.10008.5.1.4.1.1."
CLASSES = {
    "7": CAPTURE,
    "66": SEGMENTATION,
    "30": "parametric map",
    "481.2": "radiotherapy dose",
    "481.1": "radiotherapy picture",
}
MODALITIES = {"SEG": CLASSES["66"], "RTDOSE": CLASSES["481.2"], **dict.fromkeys(("SR", "KO", "PR", "DOC"), "document")}
HARDCOPY = ("1.2.840.10008.5.1.1.29", "1.2.840.10008.5.1.1.30")
# words in ImageType (0008,0008), by the standard and by makers
TYPE_WORDS = {
    **dict.fromkeys(("LOCALIZER", "SCOUT", "TOPOGRAM", "SCANOGRAM", "SURVIEW"), LOCALIZER),
    **dict.fromkeys(("SCREEN SAVE", "SCREENSAVE", "SCREEN CAPTURE", "DOSE_INFO", "DOSE INFO", "DOSE REPORT"), SCREEN),
}
# Siemens' words for a page of its protocol
PROTOCOL = re.compile(r"CT_SOM\d+ PROT")
# words that tell what was computed of a series; they count in derived images only
DERIVED_WORDS = {
    **dict.fromkeys(("MPR", "CURVED_MPR", "CPR", "REFORMATTED", "REFORMAT", "MPR_THICK"), REFORMAT),
    **dict.fromkeys(
        (
            "MIP",
            "MINIP",
            "MNIP",
            "MAX_IP",
            "MIN_IP",
            "MIP THIN",
            "PROJECTION IMAGE",
            "VRT",
            "VR",
            "VOLUME_RENDER",
            "VOLUME RENDER",
            "SURFACE_RENDER",
            "SSD",
            "3D RENDERING",
            "RENDERED",
        ),
        PROJECTION,
    ),
}
# MR scanners of some makers say it only here
LOCALIZER_NAME = re.compile(r"locali[sz]er|scout|\bsurvey\b|surview|topogram|scanogram|scano\b|\b3[- ]?plane loc", re.I)


def not_acquired(header: ImageHeader) -> str | None:
    """Return what the image is if nobody acquired it, as ``"localizer"``; None for an acquired image.

    It is known by SOPClassUID (Secondary Capture, segmentation, parametric map, dose), by ImageType (localizers,
    screens, and among derived images reformats, projections and renderings), by Modality, and for localizers also by
    SeriesDescription. Other derived images, such as ADC maps or compressed copies, count as acquired.
    """
    found = class_name(header.text("SOPClassUID") or "") or MODALITIES.get(header.text("Modality") or "")
    if found is not None:
        return found
    words = [word.strip().upper() for word in (header.text("ImageType") or "").split("\\")]
    for word in words:
        if word in TYPE_WORDS:
            return TYPE_WORDS[word]
        if PROTOCOL.fullmatch(word):
            return SCREEN
    if "DERIVED" in words[:1] or "SECONDARY" in words[1:2]:
        computed = next((DERIVED_WORDS[word] for word in words[2:] if word in DERIVED_WORDS), None)
        if computed is not None:
            return computed
    if LOCALIZER_NAME.search(undecoded(header, "SeriesDescription")):
        return LOCALIZER
    return None


def class_name(uid: str) -> str | None:
    """Return what a storage class is whose pixels nobody acquired; None for all others."""
    if uid.startswith(HARDCOPY):
        return "hard copy"
    number = uid.removeprefix(STORAGE)
    found = next((kind for kind in CLASSES if uid != number and f"{number}.".startswith(f"{kind}.")), None)
    return None if found is None else CLASSES[found]


@cache
def object_name(uid: str) -> str:
    """Return the standard's own name of the class of an object, without ``Storage``.

    Example:
        >>> object_name("1.2.840.10008.5.1.4.1.1.88.59")
        'Key Object Selection Document'
    """
    from pydicom.uid import UID

    name = UID(uid).name
    return "object of a private class" if name == uid else name.partition(" Storage")[0]
