"""Studies with a token in everything that may name a patient: whole ones, and one for every way to fail."""

import gzip
import os
import struct

import av
import nibabel
import numpy as np
from pydicom import Dataset, dcmread
from pydicom.datadict import DicomDictionary
from pydicom.encaps import encapsulate

from monai_das.datasets import write_dicom_series

PLANT = "Zq7plant"
BIRTH = "19510203"
NUMBERS = ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "NumberOfFrames", "RescaleSlope")
# what says how pixels are stored, or in which letters texts are written
STRUCTURE = ("PhotometricInterpretation", "SpecificCharacterSet", "LossyImageCompression", "ImageType", "Modality")
VALUES = {
    **dict.fromkeys(("LO", "LT", "PN", "SH", "ST", "UC", "UT"), PLANT),
    **dict.fromkeys(("AE", "CS"), PLANT.upper()),
    "AS": "077Y",
    "DA": BIRTH,
    "DT": f"{BIRTH}010203",
    "UR": f"http://{PLANT}",
}
KEYWORDS = [
    (entry[4], VALUES[entry[0]])
    for tag, entry in DicomDictionary.items()
    if entry[0] in VALUES and entry[4] and tag >> 16 > 7 and entry[4] not in STRUCTURE
]
# which make small headers, for many files
FEW = [pair for pair in KEYWORDS if pair[0].startswith(("Patient", "Series", "Study", "Protocol", "Institution"))]
CONTAINER_TEXTS = ("title", "artist", "author", "album", "comment", "description", "copyright", "synopsis", "encoder")
HEADER_TEXTS = ((148, "80s"), (228, "24s"), (328, "16s"))  # descrip, aux_file, intent_name


def plant(path, keywords):
    """Put the token into the tags ``keywords`` of the file ``path``, private and nested ones, and the file meta."""
    tags = dcmread(path)
    for keyword, value in keywords:
        setattr(tags, keyword, value)
    tags.ImageType = ["ORIGINAL", "PRIMARY", PLANT.upper()]
    for holder in (tags, inner := Dataset()):
        block = holder.private_block(0x0011, PLANT, create=True)
        block.add_new(0x01, "LO", f"{PLANT} private")
        block.add_new(0x02, "UN", f"{PLANT} unknown".encode())
    inner.PatientName = PLANT
    inner.RequestAttributesSequence = [Dataset()]
    inner.RequestAttributesSequence[0].ReasonForTheRequestedProcedure = PLANT
    tags.RequestAttributesSequence = [inner]
    tags.file_meta.SourceApplicationEntityTitle = PLANT
    tags.file_meta.ImplementationVersionName = PLANT
    tags.save_as(path)
    return path


def series(folder, depth=3, keywords=FEW):
    """Write a series with the token in every header and name; return its files."""
    write_dicom_series(np.random.default_rng(0).integers(0, 200, (16, 16, depth)).astype(np.uint8), folder)
    files = sorted(folder.iterdir())
    return [plant(file.rename(file.with_name(f"{PLANT}{number}.dcm")), keywords) for number, file in enumerate(files)]


def edited(file, **tags):
    found = dcmread(file)
    for keyword, value in tags.items():
        setattr(found, keyword, value)
    found.save_as(file)


def replaced(file, keyword, text):
    """Write ``text`` where the tag's value was, with no regard for its kind."""
    found = dcmread(file)
    found[keyword].VR = "LO"
    setattr(found, keyword, text)
    found.save_as(file)


def nifti(path):
    image = nibabel.Nifti1Image(np.random.default_rng(1).integers(0, 200, (16, 16, 4)).astype(np.uint8), np.eye(4))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", PLANT.encode()))
    content = bytearray(image.to_bytes())
    for place, kind in HEADER_TEXTS:
        struct.pack_into(kind, content, place, PLANT.encode())
    path.write_bytes(bytes(content))
    return path


def spoiled(folder):
    """Write one case into ``folder`` for every error of reading that may quote a header or a name."""

    def fresh(name, **more):
        return series(folder / f"{name}_{PLANT}", **more)

    first, *_ = fresh("two_series")
    edited(first, SeriesInstanceUID="1.2.3", SeriesDescription=f"{PLANT}, {PLANT}")
    first, *_ = fresh("series_uid_is_text")
    replaced(first, "SeriesInstanceUID", PLANT)
    first, *_ = fresh("one_image_twice")
    first.with_name(f"{PLANT} copy.dcm").write_bytes(first.read_bytes())
    for number, file in enumerate(fresh("time_points")):
        place = [0.0, 0.0, 0.0] if number < 2 else [0.0, 0.0, 5.0]
        edited(file, ImagePositionPatient=place, ImageType=["ORIGINAL", f"{PLANT.upper()}{number}"])
    first, *_ = fresh("cut_off")
    first.write_bytes(first.read_bytes()[:-90])
    first, *_ = fresh("header_cut_off")
    first.write_bytes(first.read_bytes()[:900])
    first, *_ = fresh("lost_slice")
    first.write_bytes(PLANT.encode())
    first, *_ = fresh("other_size")
    edited(first, Rows=8, PixelData=bytes(128))
    for keyword in NUMBERS:
        first, *_ = fresh(f"text_in_{keyword}")
        edited(first, NumberOfFrames=1, RescaleSlope=1)
        replaced(first, keyword, f"{PLANT}\\{PLANT}")
    for keyword in ("PhotometricInterpretation", "ImageType", "SOPInstanceUID"):
        first, *_ = fresh(f"odd_{keyword}")
        replaced(first, keyword, "MOSAIC\\" + PLANT.upper() if keyword == "ImageType" else PLANT)
    first, *_ = fresh("odd_syntax")
    content = first.read_bytes()
    first.write_bytes(content.replace(b"1.2.840.10008.1.2.1\0", PLANT.encode().ljust(20, b" ")))
    for syntax in ("4.50", "4.90", "5", "4.102"):
        first, *_ = fresh(f"no_picture_{syntax}", depth=1)
        found = dcmread(first)
        found.PixelData = encapsulate([PLANT.encode()])
        found["PixelData"].is_undefined_length = True
        found.file_meta.TransferSyntaxUID = f"1.2.840.10008.1.2.{syntax}"
        found.save_as(first)
    spoiled_files(folder)


def spoiled_files(folder):
    (folder / f"text_{PLANT}.nii.gz").write_text(PLANT)
    (folder / f"packed_{PLANT}.nii.gz").write_bytes(gzip.compress(PLANT.encode()))
    cut = nifti(folder / f"cut_{PLANT}.nii")
    cut.write_bytes(cut.read_bytes()[:-90])
    (folder / f"text_{PLANT}.mp4").write_text(PLANT)
    os.symlink(f"loop_{PLANT}.nii", folder / f"loop_{PLANT}.nii")
    os.rename(nifti(folder / "name.nii"), os.fsencode(folder) + b"/\xfc_" + PLANT.encode() + b".nii")


def large(folder, count=3000):
    """Write ``count`` files of two series, of which only the last say what they are of; return the folder."""
    first, second = series(folder, depth=2)
    for file, uid, word in ((first, "1.2.3.4", "A" * 8), (second, "1.2.3.5", PLANT)):
        edited(file, SeriesInstanceUID=uid, SeriesDescription=word, SOPInstanceUID="1.2.3.40000")
    early, late = first.read_bytes(), second.read_bytes()
    first.unlink()
    second.unlink()
    for number in range(count):
        content = late if number > count - 9 else early
        content = content.replace(b"1.2.3.40000", f"1.2.3.{40001 + number}".encode())
        (folder / f"{PLANT}{number:05}").write_bytes(content)
    return folder


def video(path, codec="mpeg4", frames=8):
    """Write a clip whose container and stream hold the token in all texts that they can."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        container.metadata.update(dict.fromkeys(CONTAINER_TEXTS, PLANT))
        container.metadata["location"] = f"+12.3456+065.4321/{PLANT}"
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.metadata.update(title=PLANT, handler_name=PLANT, language="eng")
        for _ in range(frames):
            frame = av.VideoFrame.from_ndarray(random.integers(0, 256, (48, 64, 3), dtype=np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
