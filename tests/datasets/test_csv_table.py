import pytest

from monai_das.datasets import read_csv_table


@pytest.mark.parametrize(
    ("encoding", "separator"),
    [("utf-8", ","), ("utf-8-sig", ";"), ("utf-16", "\t"), ("cp1252", ";"), ("utf-8", "|")],
)
def test_any_encoding_and_separator_is_read(tmp_path, encoding, separator):
    text = f"Fall{separator}Größe{separator}note\r\n007{separator} groß {separator}\r\n\r\n8{separator}klein\r\n"
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))

    table = read_csv_table(tmp_path / "a.csv")

    assert table.columns == ("Fall", "Größe", "note")
    assert table.column("Größe") == ["groß", "klein"]
    assert table.column("Fall") == ["007", "8"]
    assert (table.separator, table.encoding, table.lines) == (separator, encoding, (2, 4))


def test_separators_inside_quotes_and_line_breaks_in_values_do_not_count(tmp_path):
    (tmp_path / "a.csv").write_text('id,label\n"a,b","two\nlines"\nc,d\n', encoding="utf-8")

    table = read_csv_table(tmp_path / "a.csv")

    assert table.rows == ({"id": "a,b", "label": "two\nlines"}, {"id": "c", "label": "d"})
    assert table.lines == (3, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label\n", "a table needs a line with the names of two or more columns, and rows below it"),
        ("only\n1\n", "a table needs a line with the names of two or more columns"),
        ("id,id\n1,2\n", "has several columns 'id'; rename them"),
        ("id,label\n1,2,3\n", "line 2: 3 values for 2 columns; quote separators"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=message):
        read_csv_table(tmp_path / "a.csv")


def test_a_column_that_is_not_there_names_those_that_are(tmp_path):
    (tmp_path / "a.csv").write_text("id,label\n1,2\n", encoding="utf-8")

    with pytest.raises(ValueError, match="no column 'grade'; its columns are id, label"):
        read_csv_table(tmp_path / "a.csv").column("grade")
