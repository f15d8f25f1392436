"""Terms of the DICOM standard that a contract and its messages may name."""

from __future__ import annotations

from monai_das.data.dicom.acquired import STORAGE

# SOP classes of images by Modality, retired ones too; a secondary capture, a dose report or a mask of CT is none
IMAGE_CLASSES = {
    modality: frozenset(STORAGE + end for end in ends.split())
    for modality, ends in {
        "CR": "1",
        "CT": "2 2.1 2.2",
        "DX": "1.1 1.1.1",
        "MG": "1.2 1.2.1 13.1.3",
        "MR": "4 4.1 4.3 4.4",
        "NM": "5 20",
        "PT": "128 128.1 130",
        "US": "3 3.1 6 6.1 6.2",
        "XA": "12.1 12.1.1 13.1.1",
    }.items()
}
# PS3.3 C.7.3.1.1.1, those that images have
MODALITY_TERMS = """
BI BMD CR CT DG DX ECG ES GM IO IVOCT IVUS MG MR NM OCT OP OPT OT PT PX RF RG RTDOSE RTIMAGE RTSTRUCT SC SEG SM TG US XA
"""
# PS3.16 Annex L, those that are met
BODY_PART_TERMS = """
ABDOMEN ABDOMENPELVIS ADRENAL ADRENALGLAND ANKLE AORTA ARM BLADDER BRAIN BREAST BRONCHUS BUTTOCK CALF CAROTID CHEST
CHESTABDOMEN CHESTABDPELVIS CLAVICLE COLON CSPINE EAR ELBOW ESOPHAGUS EXTREMITY EYE FACE FEMUR FINGER FOOT GALLBLADDER
HAND HEAD HEADNECK HEART HIP HUMERUS JAW KIDNEY KNEE LEG LIVER LSPINE LUNG MAXILLA NECK NECKCHEST NECKCHESTABDOMEN
ORBIT OVARY PANCREAS PELVIS PROSTATE RECTUM RIB SHOULDER SKULL SPINE SPLEEN SSPINE STERNUM STOMACH TESTIS THIGH THORAX
THYROID TOE TRACHEA TSPINE UTERUS WHOLEBODY WRIST
"""
MODALITIES, BODY_PARTS = frozenset(MODALITY_TERMS.split()), frozenset(BODY_PART_TERMS.split())
# PS3.3 C.8.3.1.1, of ScanningSequence, SequenceVariant and MRAcquisitionType
MR_CODES = frozenset(("SE", "IR", "GR", "EP", "RM", "SK", "MTC", "SS", "TRSS", "SP", "MP", "OSP", "NONE", "2D", "3D"))


def image_class_name(uid: str) -> str:
    """Return the name of a SOP class, without a UID that is of nobody's standard."""
    from pydicom.uid import UID

    name = UID(uid).name
    return "of another standard" if name == uid else name
