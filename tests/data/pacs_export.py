"""One study as a PACS exports it: two CT series, and beside them what nobody is to classify."""

import shutil
from itertools import count

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    KeyObjectSelectionDocumentStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    generate_uid,
)

from monai_das.datasets import write_dicom_series

AXIAL = ["ORIGINAL", "PRIMARY", "AXIAL"]
SCOUT = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
# number, description, slices and tags of every series of images; the CT series are the first two
SERIES = (
    (2, "abdomen 5 mm", 6, {"SOPClassUID": CTImageStorage, "ImageType": AXIAL}),
    (3, "abdomen 1 mm", 9, {"SOPClassUID": CTImageStorage, "ImageType": AXIAL}),
    (1, "overview", 2, {"SOPClassUID": CTImageStorage, "ImageType": SCOUT}),
    (900, "dose", 1, {"SOPClassUID": SecondaryCaptureImageStorage, "Modality": "OT"}),
    (901, "kidneys", 1, {"SOPClassUID": SegmentationStorage, "Modality": "SEG", "ImageType": ["DERIVED", "PRIMARY"]}),
)


def write_export(folder, *, patient="P1", side=8):
    """Write the study into ``folder``, a folder for each series; return the UIDs of the CT series."""
    study, uids = generate_uid(), []
    for number, description, depth, tags in SERIES:
        series = folder / f"{number:03d}_{description}"
        values = np.random.default_rng(number).integers(0, 900, (side, side, depth)).astype(np.int16)
        write_dicom_series(values, series, spacing=(1.0, 1.0, 5.0))
        common = {"Modality": "CT", "SeriesNumber": number, "SeriesDescription": description, **tags}
        for path in series.iterdir():
            found = dcmread(path)
            for keyword, value in {**common, "StudyInstanceUID": study, "PatientID": patient}.items():
                setattr(found, keyword, value)
            found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID
            found.save_as(path)
        uids.append(str(found.SeriesInstanceUID))
    report = dcmread(get_testdata_file("reportsi.dcm"))
    report.StudyInstanceUID, report.PatientID, report.SOPInstanceUID = study, patient, generate_uid()
    (folder / "902_SR").mkdir()
    report.save_as(folder / "902_SR" / "SR0")
    _write_key_objects(folder / "903_KO", study, patient)
    return uids[:2]


def _write_key_objects(folder, study, patient):
    found = Dataset()
    found.SOPClassUID, found.SOPInstanceUID, found.Modality = KeyObjectSelectionDocumentStorage, generate_uid(), "KO"
    found.StudyInstanceUID, found.SeriesInstanceUID, found.PatientID = study, generate_uid(), patient
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    folder.mkdir()
    found.save_as(folder / "KO0", enforce_file_format=True)


def flattened(nested, flat):
    """Copy all files of ``nested`` into the folder ``flat`` under names that tell nothing, mixed; return ``flat``."""
    flat.mkdir(exist_ok=True)
    numbers = count(len(list(flat.iterdir())))
    files = sorted((path for path in nested.rglob("*") if path.is_file()), key=lambda path: (path.name, path))
    for path in files:
        shutil.copy(path, flat / f"IM{next(numbers):06d}")
    return flat
