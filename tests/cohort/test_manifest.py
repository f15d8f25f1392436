import re

import pytest

from monai_das.cohort import read_manifest

pytest.importorskip("pyarrow")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_manifest_of_any_spreadsheet_is_read(tmp_path, separator, encoding):
    file = tmp_path / "manifest.csv"
    lines = [("case_id", "location", "bytes"), ("007", "Köln, links/é.nii" if separator != "," else "Köln/é.nii", "12")]
    file.write_bytes("\r\n".join(map(separator.join, lines)).encode(encoding))

    found = read_manifest(file).to_pylist()[0]

    assert (found["case_id"], found["bytes"]) == ("007", 12)
    assert found["location"] == str(tmp_path / lines[1][1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,path\na,b.nii\n", "there is no case_id and no location, but id, path"),
        ("case_id,location,location\na,b.nii,c.nii\n", "has several columns location; keep one"),
        ("case_id,location\na,b.nii\nb,./b.nii\n", "rows 1 and 2 have the same location"),
        ("case_id,location\na,b.nii\nb,x/../b.nii\n", "rows 1 and 2 have the same location"),
        ("", "cannot be read as a manifest"),
    ],
)
def test_a_manifest_that_can_be_taken_in_two_ways_is_refused(tmp_path, text, message):
    (tmp_path / "manifest.csv").write_text(text)

    with pytest.raises(ValueError, match=re.escape(message)):
        read_manifest(tmp_path / "manifest.csv")
