"""The conformance statement says what the code writes, no more and no less."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.datadict import dictionary_description, keyword_for_tag
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian

from monai_das.inference import CaseResult
from monai_das.reports import find_reports, write_key_objects, write_secondary_capture, write_structured_report
from monai_das.reports.codes import MEANINGS, SCHEME, SCHEME_UID
from monai_das.reports.document import SERIES_NUMBERS
from monai_das.reports.results_folder import FILES

pytest.importorskip("highdicom")
from highdicom._standard_utils import get_module_attribute_map

PAGE = (Path(__file__).parents[2] / "docs" / "dicom_conformance.md").read_text(encoding="utf-8")
WRITERS = {"kos": write_key_objects, "sr": write_structured_report, "sc": write_secondary_capture}
# as the page says, they are those of the source
COPIED = ("patient", "general-study", "patient-study", "clinical-trial-subject", "clinical-trial-study")


def table(title):
    """The cells of the rows of the table below the heading ``title``."""
    part = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.+\|$", part, re.M)][
        2:
    ]


@pytest.fixture(scope="module")
def written(sources, result_for, tmp_path_factory):
    """All objects of three studies, by report: all that may be said is said."""
    folder = tmp_path_factory.mktemp("written")
    objects = {kind: [] for kind in WRITERS}
    for source in sources.values():
        result: CaseResult = result_for(source, warnings=("a warning",), notices=("a notice",))
        write_structured_report(result, source, folder / "first.dcm")
        other = replace(result, model=replace(result.model, weights_sha256="cd" * 32))
        for kind, write in WRITERS.items():
            earlier = {"predecessors": find_reports([folder / "first.dcm"])} if kind == "sr" else {}
            write(other, source, folder / "new.dcm", **earlier)
            objects[kind].append(dcmread(folder / "new.dcm"))
    return objects


def test_the_attributes_are_those_of_the_page(written):
    modules = get_module_attribute_map()
    copied = {each["keyword"] for name in COPIED for each in modules[name] if not each["path"]}
    code = {
        kind: {element.tag for tags in objects for element in tags if keyword_for_tag(element.tag) not in copied}
        for kind, objects in written.items()
    }

    page = {kind: set() for kind in WRITERS}
    for number, name, kinds, _ in table("Attributes"):
        tag = Tag(number.strip("()").replace(",", ""))
        assert dictionary_description(tag) == name
        for kind in kinds.split():
            page[kind].add(tag)

    assert page == code


def test_the_values_that_the_page_states_are_those_of_every_object(written):
    stated = [(number, kinds.split(), value) for number, _, kinds, value in table("Attributes")]
    fixed = [row for row in stated if re.fullmatch(r"[A-Z]+|\d+|[A-Z\\]+|ISO_IR 192", row[2])]

    assert len(fixed) > 12
    for number, kinds, value in fixed:
        for tags in (each for kind in kinds for each in written[kind] if Tag(number[1:5] + number[6:10]) in each):
            found = tags[Tag(number[1:5] + number[6:10])].value
            assert ("\\".join(found) if value.count("\\") else str(found)) == value, (number, kinds)


def test_the_objects_are_those_of_the_page(written):
    rows = {kind: cells for kind, *cells in table("Objects")}

    assert set(rows) == set(WRITERS)
    for kind, objects in written.items():
        for tags in objects:
            assert rows[kind] == [
                FILES[kind],
                UID(tags.SOPClassUID).name,
                tags.SOPClassUID,
                tags.Modality,
                str(tags.SeriesNumber),
            ]
            assert tags.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert {str(number) for number in SERIES_NUMBERS.values()} == {cells[-1] for cells in rows.values()}


def test_the_codes_are_those_of_the_page(written):
    page = {value: meaning for value, meaning, _ in table("Codes")}

    used = {value for tags in written["sr"] for value in own_codes(tags)}

    assert SCHEME_UID in PAGE
    assert {value: meaning for value, meaning in page.items() if not value.endswith("HASH")} == MEANINGS
    assert used == set(page)


def own_codes(tags):
    """The values of our scheme below ``tags``, without hashes."""
    if tags.get("CodingSchemeDesignator") == SCHEME and "CodeValue" in tags:
        yield re.sub(r"-[0-9a-f]{8}$", "-HASH", tags.CodeValue)
    for element in tags:
        if element.VR == "SQ":
            for item in element.value:
                yield from own_codes(item)
