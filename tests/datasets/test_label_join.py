from pathlib import Path

import pytest

from monai_das.datasets.csv_table import CSVTable, read_csv_table
from monai_das.datasets.label_join import labels_of_folders, labels_of_table


def made(folder, *names):
    """Empty files by their names; joining never opens them."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return [folder / name for name in names]


def table(folder, text) -> CSVTable:
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    return read_csv_table(folder / "labels.csv")


def short(found):
    return {path.name: label for path, label in found.labels.items()}


@pytest.mark.parametrize("form", ["images/{}.nii.gz", "{}.nii.gz", "{}", r".\images\{}.nii.gz"])
def test_rows_name_cases_by_path_name_or_name_without_suffix(tmp_path, form):
    cases = made(tmp_path, "images/007.nii.gz", "images/08.nii.gz", "images/a.b.nii.gz")
    lines = [f"{form.format(name)},{label}" for name, label in (("08", "x"), ("007", "y"), ("a.b", "x"), ("7", "x"))]

    found = labels_of_table(table(tmp_path, "file,grade\n" + "\n".join(lines) + "\n"), tmp_path, cases)

    assert short(found) == {"08.nii.gz": "x", "007.nii.gz": "y", "a.b.nii.gz": "x"}
    assert "column 'file' is the" in found.how
    assert "column 'grade' the label" in found.how
    assert [why for what, why in found.left_out if "'" + form.format("7").replace("\\", "\\\\") + "'" in what]


def test_leading_zeros_and_case_are_never_guessed(tmp_path):
    cases = made(tmp_path, "007.nii.gz", "08.nii.gz", "A.nii.gz", "b.nii.gz")

    found = labels_of_table(table(tmp_path, "id,label\n7,x\n08,y\na,x\nb,x\n"), tmp_path, cases)

    assert short(found) == {"08.nii.gz": "y", "b.nii.gz": "x"}
    assert "some ids of rows and cases differ in leading zeros only: these are NOT joined" in found.remarks
    assert "some ids of rows and cases differ in upper and lower case only: these are NOT joined" in found.remarks
    assert ("007.nii.gz", "no row names it") in found.left_out
    assert ("labels.csv, line 2: id '7'", "no case has this name without suffix") in found.left_out


def test_empty_labels_are_left_out_and_rows_said_twice_counted(tmp_path):
    cases = made(tmp_path, "a.nii", "b.nii", "c.nii")

    found = labels_of_table(table(tmp_path, "id,label\na,1.0\nb,\na,1.0\nc,0\nc,NaN\n"), tmp_path, cases)

    assert short(found) == {"a.nii": "1.0", "c.nii": "0"}
    assert ("labels.csv, line 3: id 'b'", "no label") in found.left_out
    assert "1 rows say again what a row before said" in found.remarks


def test_a_case_with_two_labels_is_an_error(tmp_path):
    cases = made(tmp_path, "a.nii", "b.nii")

    with pytest.raises(ValueError, match="line 4: id 'a' has the label '0', an earlier row '1'; keep one"):
        labels_of_table(table(tmp_path, "id,label\na,1\nb,0\na,0\n"), tmp_path, cases)


def test_an_image_and_its_mask_of_one_name_are_never_mixed_up(tmp_path):
    cases = made(tmp_path, "images/a.nii.gz", "labels/a.nii.gz", "images/b.nii.gz", "labels/b.nii.gz")
    by_name = table(tmp_path, "id,label\na,1\nb,0\n")

    with pytest.raises(ValueError, match=r"id 'a' is the name without suffix of 2 cases: .*images/a.*labels/a"):
        labels_of_table(by_name, tmp_path, cases)

    found = labels_of_table(table(tmp_path, "id,label\nimages/a.nii.gz,1\nimages/b.nii.gz,0\n"), tmp_path, cases)
    assert {path.parent.name for path in found.labels} == {"images"}


def test_ambiguous_columns_are_an_error_that_lists_them(tmp_path):
    cases = made(tmp_path, "images/a.nii", "images/b.nii", "masks/a.nii", "masks/b.nii")
    text = "image,mask,sex,grade\nimages/a.nii,masks/a.nii,f,1\nimages/b.nii,masks/b.nii,m,2\n"
    given = table(tmp_path, text)

    with pytest.raises(
        ValueError, match=r"several columns name cases: image, mask; give --id-column; its columns are i"
    ):
        labels_of_table(given, tmp_path, cases)
    with pytest.raises(ValueError, match=r"several columns could be the label: .*sex, grade; give --label-column; its"):
        labels_of_table(given, tmp_path, cases, "image")
    assert short(labels_of_table(given, tmp_path, cases, "image", "grade")) == {"a.nii": "1", "b.nii": "2"}


def test_columns_that_name_the_same_cases_are_one(tmp_path):
    cases = made(tmp_path, "images/a.nii", "images/b.nii")

    found = labels_of_table(
        table(tmp_path, "id,path,label\na,images/a.nii,1\nb,images/b.nii,0\n"), tmp_path, cases, None, "label"
    )

    assert short(found) == {"a.nii": "1", "b.nii": "0"}


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        (
            "id,label\nx,1\ny,0\n",
            (None, None),
            r"no row names a case: no column holds.*'x', the cases are called a.nii",
        ),
        ("id,label\na,1\nb,0\n", ("label", None), r"no row names a case: column 'label' holds.*'1'"),
        ("id,note\na,1\nb,\n", (None, None), "no column holds a few classes; give --label-column"),
        ("id,label\na,1\nb,0\n", ("case", None), "no column 'case'; its columns are id, label"),
        ("id,label\na,1\nb,0\n", ("id", "grade"), "no column 'grade'; its columns are id, label"),
    ],
)
def test_tables_that_do_not_join_say_why(tmp_path, text, columns, message):
    cases = made(tmp_path, "a.nii", "b.nii")

    with pytest.raises(ValueError, match=message):
        labels_of_table(table(tmp_path, text), tmp_path, cases, *columns)


def test_folders_are_classes_and_what_lies_beside_them_is_listed(tmp_path):
    cases = made(tmp_path, "sick/1/a.nii", "well/a.nii", "stray.nii")
    (tmp_path / "empty").mkdir()

    found = labels_of_folders(tmp_path, cases)

    assert {path.relative_to(tmp_path): label for path, label in found.labels.items()} == {
        Path("sick/1/a.nii"): "sick",
        Path("well/a.nii"): "well",
    }
    assert found.left_out == [("stray.nii", "in no folder of a class"), ("empty/", "no case in this folder")]


def test_one_folder_is_no_choice(tmp_path):
    with pytest.raises(
        ValueError, match="1 folders with cases; give a folder of cases for each of two or more classes"
    ):
        labels_of_folders(tmp_path, made(tmp_path, "sick/a.nii"))
