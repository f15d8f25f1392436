import sys

import pytest

from monai_das import _optional


def test_an_installed_module_is_returned():
    assert _optional.require("json.decoder", extra="export") is sys.modules["json.decoder"]


@pytest.mark.parametrize("name", ["monai_das_absent", "monai_das_absent.inner"])
def test_missing_module_names_the_extra_and_the_command(name):
    with pytest.raises(ImportError, match=r"install the extra 'dicom': pip install 'monai-das\[dicom\]'") as caught:
        _optional.require(name, extra="dicom")

    assert caught.value.name == name


def test_an_error_inside_an_installed_module_is_its_own(tmp_path, monkeypatch):
    (tmp_path / "broken_inside.py").write_text("import monai_das_absent")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModuleNotFoundError, match="No module named 'monai_das_absent'"):
        _optional.require("broken_inside", extra="dicom")
