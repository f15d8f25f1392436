"""An archive of small studies, some of them poisoned, its manifest, and a bundle in which the poison works.

The poison is real: what a study holds makes a step of the bundle's preprocessing hang, or end the process by a
segmentation fault.
"""

import csv
import gzip
import json
import struct
from pathlib import Path

import numpy as np

from monai_das.datasets import compress_dicom_series, write_dicom_series, write_nifti
from tests.contract.contracts import change_contract, hold_contract

HANG, FAULT = 212, 211
STEP = (
    f"$lambda x: (__import__('time').sleep(1e4) if float(x.max()) == {HANG} else "
    f"__import__('os').kill(__import__('os').getpid(), 11) if float(x.max()) == {FAULT} else None, x)[1]"
)
FEWEST = 6
# what becomes of the poisoned ones
ENDS = {
    "hang": ("timeout", "took longer than --timeout"),
    "fault": ("crashed", "ended its worker again and again"),
    "bomb": ("failed", "memory"),
    "truncated": ("failed", "the NIfTI file cannot be read"),
    "few": ("refused", "3 slices, 6 to 512 are accepted"),
}


def poison_bundle(bundle):
    """Let ``bundle`` hang and crash at the poisoned studies, and accept no fewer than six slices."""
    path = bundle / "configs" / "inference.json"
    config = json.loads(path.read_text())
    steps = config["preprocessing"]["transforms"]
    steps.insert(1, {"_target_": "Lambdad", "keys": "image", "func": STEP})
    path.write_text(json.dumps(config))
    change_contract(bundle, slices=[FEWEST, 512])
    hold_contract(bundle)
    return bundle


def write_archive(folder, healthy, poisons=tuple(ENDS)):
    """Write ``healthy`` studies and one of each of ``poisons``; return the manifest.

    The healthy ones are NIfTI, raw DICOM and JPEG 2000 in turns.
    """
    places = {f"study-{number}": _healthy(folder, number) for number in range(healthy)}
    places |= {name: _poisoned(folder, name) for name in poisons}
    rows = [{"case_id": name, "location": place.name, "bytes": _size(place)} for name, place in sorted(places.items())]
    return write_manifest(folder / "manifest.csv", rows)


def write_manifest(path, rows):
    """Write ``rows`` as CSV to ``path``."""
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _healthy(folder, number):
    plane = (36, 40) if number % 4 == 2 else (12, 14)  # JPEG 2000 takes no smaller one
    values = np.random.default_rng(number).integers(0, 200, (*plane, 8 + number % 3), dtype=np.int16)
    place = folder / (f"study{number}.nii.gz" if number % 2 else f"series{number}")
    if number % 2:
        write_nifti(values, place, (1.0, 1.0, 2.0))
    else:
        write_dicom_series(values, place)
        if number % 4 == 2:
            compress_dicom_series(place, "j2k")
    return place


def _poisoned(folder, name):
    place = folder / f"{name}.nii.gz"
    depth = 3 if name == "few" else 8
    write_nifti(np.full((12, 14, depth), {"hang": HANG, "fault": FAULT}.get(name, 9), np.int16), place, (1.0, 1.0, 2.0))
    if name == "truncated":
        place.write_bytes(place.read_bytes()[:-40])
    if name == "bomb":
        content = bytearray(gzip.decompress(place.read_bytes()))
        content[40:56] = struct.pack("<8h", 3, 30000, 30000, 30000, 1, 1, 1, 1)
        place.write_bytes(gzip.compress(bytes(content)))
    return place


def _size(place):
    return sum(each.stat().st_size for each in Path(place).iterdir()) if place.is_dir() else place.stat().st_size
