"""Write the first AdrenalMNIST3D test volumes of each class as NIfTI, and one as a DICOM series too, into a folder."""

import argparse
import json
import os
import socket
from pathlib import Path

from monai_das.datasets import make_sample_volumes, medmnist3d_datalist, write_dicom_series, write_nifti

LABELS = ("normal", "hyperplasia")
PER_CLASS = 3
SEED = 1  # of volumes that are drawn; some of other seeds are unlike the training cases, which the model says


def main(folder: Path) -> None:
    """Write the cases; their true labels are printed."""
    cases, origin = find_volumes()
    print(f"Source: {origin}")
    classes = [[i for i, case in enumerate(cases) if case["label"] == label] for label in (0, 1)]
    numbers = [number for members in classes for number in members[:PER_CLASS]]
    for number in numbers:
        path = folder / f"volume_{number:03d}.nii.gz"
        write_nifti(cases[number]["image"][0], path)
        print(f"{path}: truly {LABELS[cases[number]['label']]}")
    series = folder / f"volume_{numbers[0]:03d}_dicom"
    write_dicom_series(cases[numbers[0]]["image"][0], series)
    print(f"{series}: the same volume as {numbers[0]:03d}, as a DICOM series")
    truths = {f"volume_{number:03d}": LABELS[cases[number]["label"]] for number in numbers}
    truths[series.name] = LABELS[cases[numbers[0]]["label"]]
    (folder.parent / "cases.json").write_text(json.dumps(truths), encoding="utf-8")


def find_volumes() -> tuple[list[dict], str]:
    """Return cases and where they come from: a local copy, the official download, or drawn where both fail."""
    socket.setdefaulttimeout(20)  # without a network the download must fail, not hang
    root = os.environ.get("MONAI_DAS_DATA", os.path.expanduser("~/.cache/monai_das"))
    try:
        cases = medmnist3d_datalist(root, "adrenalmnist3d", "test")
    except OSError as error:
        why = f"the test split is out of reach ({error})"
        model = (
            "drawn from a shape model of each class, fitted to the AdrenalMNIST3D training split (CC BY 4.0), "
            f"seed {SEED}"
        )
        return make_sample_volumes(2 * PER_CLASS, seed=SEED), f"{model}, as {why}"
    return cases, f"the AdrenalMNIST3D test split (MedMNIST v2, CC BY 4.0), under {root}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    main(parser.parse_args().folder)
