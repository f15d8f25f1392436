"""Documents of studies in any Specific Character Set hold the same names in Unicode."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from monai_das.data import open_source
from monai_das.datasets import write_dicom_series
from monai_das.reports import write_key_objects, write_secondary_capture, write_structured_report
from monai_das.reports.referenced_slices import in_unicode

pytest.importorskip("highdicom")

WRITERS = [write_key_objects, write_structured_report, write_secondary_capture]
# the value of the tag, a name, and a text of the study
SETS = {
    "latin": ("ISO_IR 100", "Buc^Jérôme", "Schädel"),
    "cyrillic": ("ISO_IR 144", "Жуков^Анна", "Голова"),
    "japanese": (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう", "頭部"),
    "half_width": ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ", "ﾄｳﾌﾞ"),
    "korean": (["", "ISO 2022 IR 149"], "Hong^Gildong=洪^吉洞=홍^길동", "머리"),
    "chinese": ("GB18030", "Wang^XiaoDong=王^小东", "头部"),
    "unicode": ("ISO_IR 192", "Wang^XiaoDong=王^小東", "κεφάλι"),
    "plain": (None, "Doe^Jane", "head"),
}


@pytest.fixture(params=SETS)
def study(request, tmp_path):
    """A series in one of the sets, its name and its text."""
    charset, name, text = SETS[request.param]
    write_dicom_series(np.random.RandomState(0).randint(0, 255, (24, 20, 6)).astype(np.uint8), tmp_path / "series")
    for file in (tmp_path / "series").iterdir():
        tags = dcmread(file)
        tags.SpecificCharacterSet = charset
        tags.PatientName, tags.StudyDescription, tags.BodyPartExamined = name, text, "HEAD"
        tags.save_as(file)
    return open_source(tmp_path / "series"), name, text


@pytest.mark.parametrize("write", WRITERS)
def test_names_and_texts_stay_right(write, study, result_for, tmp_path):
    source, name, text = study

    write(result_for(source), source, tmp_path / "new.dcm")

    tags = dcmread(tmp_path / "new.dcm")
    assert tags.SpecificCharacterSet == "ISO_IR 192"
    assert (str(tags.PatientName), tags.StudyDescription) == (name, text)
    assert name.encode("utf-8") in (tmp_path / "new.dcm").read_bytes()


def test_our_own_words_may_be_in_any_script(sample_series, result_for, tmp_path):
    result = result_for(sample_series)
    result = replace(result, label_name="正常", probabilities={"正常": 0.9, "肥大": 0.1})

    write_structured_report(result, sample_series, tmp_path / "new.dcm")

    assert "Predicted 正常" in str(dcmread(tmp_path / "new.dcm"))


def test_a_set_of_an_item_goes_too():
    item, tags = Dataset(), Dataset()
    item.SpecificCharacterSet, item.CodeMeaning = "ISO_IR 100", "Schädel"
    tags.SpecificCharacterSet, tags.ProcedureCodeSequence = "ISO_IR 144", Sequence([item])

    found = in_unicode(tags)

    assert found.SpecificCharacterSet == found.ProcedureCodeSequence[0].SpecificCharacterSet == "ISO_IR 192"
    assert tags.SpecificCharacterSet == "ISO_IR 144"
