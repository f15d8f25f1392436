"""Conditions on DICOM attributes hold for the metadata of a DICOMweb server as they do for files."""

import pytest
from pydicom import dcmread

pytest.importorskip("dicomweb_client")

from monai_das.contract import Contract, InputCheck, InputRefusedError
from monai_das.data import open_source
from monai_das.datasets import write_dicom_series
from tests.data.dicomweb_server import address, serving


def test_the_metadata_of_a_server_are_checked(volume, tmp_path):
    write_dicom_series(volume[..., :7], tmp_path / "series")
    for path in (tmp_path / "series").iterdir():
        found = dcmread(path)
        found.EchoTime, found.ScanningSequence = "12.5", ["SE", "IR"]
        found.save_as(path)
    wanted = {"EchoTime": {"at_least": 70}, "ScanningSequence": {"contains": ["IR"]}, "FlipAngle": {"at_least": 90}}
    check = InputCheck(Contract(("a", "b"), dicom_attributes=wanted), None)

    with serving(tmp_path / "series") as server:
        source = open_source(address(server, 1))

    message = r"for this input: EchoTime \(0018,0081\) is 12\.5, 70 or more is accepted\. Give"
    with pytest.raises(InputRefusedError, match=message):
        check.header(source)
    assert check.verdict.unstated == ("FlipAngle",)
