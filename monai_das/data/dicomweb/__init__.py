"""Studies on DICOMweb servers: headers first, thumbnails that the server draws, and only the chosen slices."""

from monai_das.data.dicomweb.images import served_images
from monai_das.data.dicomweb.login import dicomweb_session
from monai_das.data.dicomweb.service import DICOMwebService, is_address, without_login
from monai_das.data.dicomweb.source import DICOMwebSource

__all__ = ["DICOMwebService", "DICOMwebSource", "dicomweb_session", "is_address", "served_images", "without_login"]
