"""Manifests, and what is planned of them."""

import pytest

from monai_das.cohort import plan_cohort, read_manifest
from monai_das.cohort.plan import MOST_BYTES, MOST_CASES
from monai_das.contract import Contract
from tests.cohort.archive import write_manifest

CT, MR, RAW = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.66"
CONTRACT = Contract(("no", "yes"), modality=("CT",), slices=(16, 512))


def row(number, **known):
    return {"case_id": f"c{number}", "location": f"{number}.nii", **known}


def planned(tmp_path, rows, **options):
    return plan_cohort(read_manifest(write_manifest(tmp_path / "manifest.csv", rows)), CONTRACT, **options)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_manifest_is_read_with_what_it_knows(tmp_path, suffix):
    import pyarrow.csv
    import pyarrow.parquet

    path = write_manifest(tmp_path / "manifest.csv", [row(7, bytes=5, colour="red"), row(8, bytes="", colour="")])
    if suffix == "parquet":
        pyarrow.parquet.write_table(pyarrow.csv.read_csv(path), path.with_suffix(".parquet"))

    found = read_manifest(path.with_suffix(f".{suffix}")).to_pylist()

    assert found[0] == {
        "case_id": "c7", "location": str(tmp_path / "7.nii"), "series_uid": None, "modality": None,
        "sop_class": None, "transfer_syntax": None, "instances": None, "bytes": 5,
    }  # fmt: skip
    assert found[1]["bytes"] is None


def test_an_address_stays_an_address(tmp_path):
    address = "https://host/dicom-web/studies/1/series/2"
    path = write_manifest(tmp_path / "manifest.csv", [{"case_id": "001", "location": address}])
    assert read_manifest(path).to_pylist()[0]["location"] == address
    assert read_manifest(path).to_pylist()[0]["case_id"] == "001"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"case_id": "a"}], "a manifest has the columns case_id and location; there is no location"),
        ([row(1), {"case_id": " ", "location": "x"}], "row 2 has no case_id; fill it in, or remove the row"),
        ([{"case_id": "a", "location": ""}], "row 1 has no location"),
        ([row(1), row(2), row(1)], "rows 1 and 3 have the same case_id; a case is listed once"),
        ([row(1), {"case_id": "b", "location": "1.nii"}], "rows 1 and 2 have the same location"),
        ([row(1, bytes="many")], "cannot be read as a manifest"),
    ],
)
def test_a_manifest_with_a_fault_is_refused(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        read_manifest(write_manifest(tmp_path / "manifest.csv", rows))


def test_a_manifest_without_a_row_is_refused(tmp_path):
    (tmp_path / "manifest.csv").write_text("case_id,location\n")
    with pytest.raises(ValueError, match="the manifest has no row; list at least one case"):
        read_manifest(tmp_path / "manifest.csv")


def test_a_manifest_with_other_types_is_refused(tmp_path):
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({"case_id": ["a"], "location": ["b"], "bytes": ["many"]})
    pyarrow.parquet.write_table(table, tmp_path / "m.parquet")
    with pytest.raises(ValueError, match="column bytes must hold int64 values"):
        read_manifest(tmp_path / "m.parquet")


def test_there_must_be_a_manifest(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such manifest; give a Parquet or CSV file"):
        read_manifest(tmp_path / "none.csv")


def test_the_contract_leaves_out_what_the_manifest_shows(tmp_path):
    rows = [
        row(1, modality="CT", sop_class=CT, instances=20),
        row(2, modality="MR", sop_class=MR, instances=20),
        row(3, modality="CT", sop_class=RAW, instances=1),
        row(4, modality="CT", sop_class=CT, instances=3),
        row(5, modality="", sop_class="", instances=""),
    ]
    plan = planned(tmp_path, rows)

    assert [case["case_id"] for block in plan.blocks for case in plan.cases(block)] == ["c1", "c5"]
    assert plan.refused["c2"].startswith("Modality (0008,0060) is MR, CT is accepted")
    assert "no image of CT" in plan.refused["c3"]
    assert plan.refused["c4"] == "fewer instances than the 16 slices that are accepted"
    assert "fewer instances than" in plan.table()
    assert not planned(tmp_path, rows, accept_any_input=True).refused


def test_shards_share_all_blocks_by_bytes(tmp_path):
    sizes = [MOST_BYTES, 3 * MOST_BYTES, MOST_BYTES // 2, *[MOST_BYTES // 64] * 200]
    plan = planned(tmp_path, [row(number, bytes=size) for number, size in enumerate(sizes)])

    shards = [plan.shard(number, 3) for number in range(3)]

    assert sorted(block for each in shards for block in each) == sorted(plan.blocks, key=lambda block: block.start)
    assert [case["case_id"] for block in plan.blocks for case in plan.cases(block)] == [f"c{n}" for n in range(203)]
    loads = [sum(block.size for block in each) for each in shards]
    assert max(loads) == 3 * MOST_BYTES
    assert sum(loads) == plan.size


def test_refused_rows_are_shared_too(tmp_path):
    plan = planned(tmp_path, [row(number, modality="MR") for number in range(5)])
    found = [name for number in range(2) for name, _ in plan.refused_in(number, 2)]
    assert sorted(found) == [f"c{number}" for number in range(5)]
    assert plan.blocks == ()


def test_bytes_that_are_not_known_count_as_the_mean(tmp_path):
    plan = planned(tmp_path, [row(1, bytes=100), row(2, bytes=""), row(3, bytes=300)])
    assert [block.size for block in plan.blocks] == [100, 200, 300]


@pytest.mark.parametrize(("cases", "blocks"), [(16, 16), (100, 100), (300, 75), (5000, 625)])
def test_a_small_cohort_has_work_for_all_workers_and_all_shards(tmp_path, cases, blocks):
    plan = planned(tmp_path, [row(number) for number in range(cases)])

    assert len(plan.blocks) == blocks
    assert max(block.stop - block.start for block in plan.blocks) <= MOST_CASES
    mine = [sum(block.stop - block.start for block in plan.shard(number, 2)) for number in range(2)]
    assert abs(mine[0] - mine[1]) <= MOST_CASES
