"""Studies in other scripts and their reports on a real server: names stay right, and one copy is kept."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from monai_das.datasets import write_dicom_series
from tests.e2e.deploy_runs import ROOT

# a name in two or three groups, and the value of Specific Character Set
NAMES = {
    "ISO_IR 100": "Buc^Jérôme",
    "ISO_IR 144": "Жуков^Анна",
    "ISO_IR 13": "ﾔﾏﾀﾞ^ﾀﾛｳ",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
    "GB18030": "Wang^XiaoDong=王^小东",
}
# Orthanc 1.10 takes the sign between values for a yen sign there: its metadata have no positions
NOT_FROM_A_SERVER = NAMES["ISO_IR 13"]
KINDS = ("key_objects.dcm", "report.dcm", "montage.dcm")


def monai_das(*words):
    command = [Path(sys.executable).with_name("monai-das"), *map(str, words)]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=settings, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def studies(tmp_path):
    """A folder with a small series in each of the sets, and the name of each by StudyInstanceUID."""
    names = {}
    for number, (charset, name) in enumerate(NAMES.items()):
        volume = np.random.RandomState(number).randint(0, 255, (40, 36, 20)).astype(np.uint8)
        write_dicom_series(volume, tmp_path / "studies" / str(number))
        for file in (tmp_path / "studies" / str(number)).iterdir():
            tags = dcmread(file)
            tags.SpecificCharacterSet, tags.PatientName = charset.split("\\"), name
            tags.PatientID = f"P{number}"
            tags.save_as(file)
        names[tags.StudyInstanceUID] = name
    return tmp_path / "studies", names


def test_names_stay_right_and_an_archive_keeps_one_copy(orthanc, studies, tmp_path):
    folder, names = studies
    orthanc.upload(*folder.iterdir())
    options = ("--bundle", ROOT / "bundle", "--accept-any-input", "--report", "json,kos,sr,sc,fhir")
    served = {uid: name for uid, name in names.items() if name != NOT_FROM_A_SERVER}
    addresses = [f"{orthanc.dicomweb}/studies/{uid}" for uid in served]

    # from disk twice and from the server: the drawings may choose other slices, but these are other results then
    for out in ("one", "two"):
        monai_das("predict", folder, *options, "-o", tmp_path / out)
        monai_das("send", tmp_path / out, "--to", orthanc.dicomweb, "--again")
    monai_das("predict", *addresses, *options, "-o", tmp_path / "web")

    for out, expected in (("one", names), ("web", served)):
        written = [dcmread(case / kind) for case in (tmp_path / out).glob("case-*") for kind in KINDS]
        assert {(tags.StudyInstanceUID, str(tags.PatientName)) for tags in written} == set(expected.items())
        assert {tags.SpecificCharacterSet for tags in written} == {"ISO_IR 192"}
    assert len(orthanc.get("/dicom-web/instances")) == sum(1 for _ in folder.rglob("*.dcm")) + len(names) * len(KINDS)
