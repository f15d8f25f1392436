"""What libraries say while they read: silenced where it is no news, or may name a patient."""

from __future__ import annotations

import logging
import warnings


def silence_libraries(*, include_phi: bool = False) -> None:
    """Silence what libraries say that is no news; without ``include_phi``, what may name a patient too."""
    # MONAI says at every LoadImage that this optional reader is not installed
    warnings.filterwarnings("ignore", message=".*NvImgCodecPydicomReader")
    logging.getLogger("monai.data.nvimgcodec_pydicom_plugin").setLevel(logging.ERROR)
    if not include_phi:
        # its warnings quote the values that it dislikes
        warnings.filterwarnings("ignore", module=r"pydicom\.")
        logging.getLogger("pydicom").setLevel(logging.CRITICAL)
        # these may quote addresses, which hold UIDs, or values of headers
        for name in ("urllib3", "dicomweb_client", "nibabel.global"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
