"""Headers are read once, from finding cases to opening them."""

import os
import shutil

import pytest
from monai.transforms import LoadImaged

from monai_das.data import find_cases, find_studies, open_source, read_volume
from monai_das.data.dicom import folder, header_ahead, image_header, image_headers, images_ahead
from monai_das.data.dicom.folder import HeaderShelf
from monai_das.datasets import write_dicom_series
from tests.data.header_reads import counted_header_reads


@pytest.fixture
def reads(monkeypatch):
    return counted_header_reads(monkeypatch)


@pytest.fixture
def tree(tmp_path, volume, make_clip, make_enhanced):
    """Two series, a clip of ultrasound and an enhanced object, and their files."""
    root = tmp_path / "tree"
    for number in (1, 2):
        write_dicom_series(volume, root / f"series{number}")
    for path in (make_clip(), make_enhanced()):
        (root / path.stem).mkdir()
        shutil.move(path, root / path.stem)
    return root


def images_of(root):
    return {path.resolve() for path in root.rglob("*.dcm")}


def test_finding_and_opening_read_each_header_once(tree, reads):
    sources = [open_source(path) for _, path in find_studies([tree])]

    assert sorted(len(source) for source in sources) == [4, 4, 4, 4]
    assert reads == dict.fromkeys(images_of(tree), 1)


def test_a_bundles_data_list_and_its_reader_read_each_header_once(tree, reads):
    load = LoadImaged("image", reader="monai_das.data.DASVolumeReader")

    images = [load({"image": str(path)})["image"] for _, path in find_cases([tree])]

    assert [image.shape[-1] for image in images] == [4, 4, 4, 4]
    assert reads == dict.fromkeys(images_of(tree), 1)


def test_opening_through_links_reads_no_header_again(series, tmp_path, reads):
    (tmp_path / "links").mkdir()
    for file in series.iterdir():
        (tmp_path / "links" / f"link-{file.name}").symlink_to(file)
    find_cases([series])

    source = open_source(tmp_path / "links")

    assert reads == dict.fromkeys(images_of(series), 1)
    (series / "IM00001.dcm").unlink()
    with pytest.raises(ValueError, match=r"link-IM00001.dcm: the pixels of frame 1 cannot be decoded"):
        source.read_all()


def test_finding_twice_and_looking_for_patients_read_no_header_again(series, reads):
    find_cases([series])
    find_cases([series])
    images_ahead(series)

    open_source(series)

    assert reads == dict.fromkeys(images_of(series), 1)


def test_the_header_of_an_object_is_read_whole_once(series, reads):
    source = open_source(series)
    reads.clear()

    assert source.header(1) is source.header(1)
    assert sum(reads.values()) == 1


def test_a_file_that_has_changed_is_read_again(series, edit):
    find_cases([series])
    file = series / "IM00001.dcm"
    edit(file, RescaleSlope=3.0)
    os.utime(file, (1.0, 1.0))

    assert image_headers(file)[0].number("RescaleSlope", 1.0) == 3.0


def test_opening_twice_sees_what_was_changed_between(series, edit):
    find_cases([series])
    before = read_volume(series).image
    for file in series.iterdir():
        edit(file, RescaleIntercept=5.0)

    assert float((read_volume(series).image - before).min()) == 5.0


def test_choosing_by_an_unusual_tag_reads_it(series, edit):
    for number, file in enumerate(sorted(series.iterdir())):
        edit(file, StationName="A" if number < 3 else "B")
    find_cases([series])

    assert len(open_source(series, {"StationName": "A"})) == 3


def test_choosing_by_a_usual_tag_reads_no_header_again(series, reads):
    find_cases([series])

    open_source(series, {"Modality": image_header(series / "IM00001.dcm").text("Modality")})

    assert sum(reads.values()) == len(images_of(series)) + 1


def test_a_full_shelf_keeps_what_was_found_first(series):
    files = sorted(series.iterdir())
    shelf = HeaderShelf(most_bytes=2 * folder.QUICK_BYTES)
    for file in files:
        shelf.put(file.stat(), image_header(file))

    assert [shelf.look(file.stat()) is not None for file in files] == [True, True, False, False]
    assert shelf.take(files[0].stat()) is not None
    assert shelf.take(files[0].stat()) is None
    shelf.put(files[2].stat(), image_header(files[2]))
    assert shelf.look(files[2].stat()) is not None


def test_the_size_of_a_header_read_whole_is_its_length(make_enhanced):
    path = make_enhanced()
    header = image_header(path)

    assert folder._size(header) == max(folder.QUICK_BYTES, header.pixels_at)


def test_what_is_no_image_is_none(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")

    assert header_ahead(tmp_path / "notes.txt") is None
