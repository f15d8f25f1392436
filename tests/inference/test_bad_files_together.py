"""One run over files that no study should hold: the good are done, each bad one has its message, and the run ends."""

import json
import os
import re
import struct
import subprocess
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from pydicom import dcmread

from monai_das.cli import main
from monai_das.datasets import write_dicom_series
from tests.bad_files import bad_files, nifti, slice_of, words_of

pytest.importorskip("av")

SECONDS, GIB = 120, 2.0
NESTED = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"


def empty_slices(folder, volume):
    write_dicom_series(volume, folder)
    for file in sorted(folder.iterdir())[-3:]:
        file.write_bytes(b"")


def deep_sequences(folder, volume):
    file = slice_of(folder)
    content = file.read_bytes()
    place = 144 + struct.unpack("<L", content[140:144])[0]
    file.write_bytes(content[:place] + NESTED * 20000 + content[place:])


def deflated_bomb(folder, volume):
    file = slice_of(folder)
    found = dcmread(file)
    found.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    found.save_as(file)
    content = file.read_bytes()
    start = 144 + struct.unpack("<L", content[140:144])[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(zlib.decompress(content[start:], -zlib.MAX_WBITS))
    packed += b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    file.write_bytes(content[:start] + packed)


def text_for_a_number(folder, volume):
    write_dicom_series(volume, folder)
    for file in folder.iterdir():
        content = file.read_bytes()
        assert b"0.0\\0.0" in content or b"0\\0" in content
        file.write_bytes(content.replace(b"0.0\\0.0", b"abc\\0.0").replace(b"\\0\\0", b"\\a\\0"))


def orientation_nan(folder, volume):
    write_dicom_series(volume, folder)
    for file in folder.iterdir():
        found = dcmread(file)
        found["ImageOrientationPatient"].VR = "LO"
        found.ImageOrientationPatient = "nan\\nan\\nan\\nan\\nan\\nan"
        found.save_as(file)


def link_to_itself(folder, volume):
    folder.mkdir()
    (folder / "a.nii.gz").symlink_to("a.nii.gz")


FOLDERS = {
    empty_slices: "may be slices",
    deep_sequences: "nested too deeply",
    deflated_bomb: "its deflated data",
    text_for_a_number: "holds no number",
    orientation_nan: "ImageOrientationPatient",
    link_to_itself: "a link that leads to itself",
}


def peak():
    """Return the most memory of this process since it was last set back, in GiB."""
    (line,) = (row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) / 2**20


@pytest.mark.filterwarnings("ignore:.*:UserWarning:pydicom")
def test_the_good_are_done_and_each_bad_one_has_its_message(random_bundle, tmp_path, volume, capfd):
    root = tmp_path / "Zq7plant"
    bad = {file: words_of(kind) for kind, files in bad_files(root / "bad").items() for file in files}
    for make, words in FOLDERS.items():
        make(root / "folders" / make.__name__, volume)
        bad[root / "folders" / make.__name__] = words
    good = [nifti(root / "good.nii.gz"), slice_of(root / "good").parent]
    inputs = [good[0], *sorted((root / "bad").glob("[0-9]*")), *sorted((root / "folders").iterdir()), good[1]]
    words = ["--bundle", str(random_bundle), "-o", str(tmp_path / "out"), "--map", str(tmp_path / "map.json")]
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, start = peak(), time.monotonic()

    code = main(["predict", *map(str, inputs), *words, "--report", "json"])

    said = "".join(capfd.readouterr())
    assert code == 1
    assert time.monotonic() - start < SECONDS
    assert peak() - before < GIB
    assert "Traceback" not in said
    assert "Zq7plant" not in said
    errors = json.loads((tmp_path / "out" / "errors.json").read_text())
    assert "Zq7plant" not in str(errors)
    assert "/tmp" not in str(errors)
    assert len(list((tmp_path / "out").glob("*/result.json"))) == 2
    places = json.loads((tmp_path / "map.json").read_text())["cases"]
    messages = {Path(places[each["case"]]): each["error"] for each in errors["errors"]}
    unlike = {path: words for path, words in bad.items() if not re.search(words, message_of(path, messages))}
    assert unlike == {}


def message_of(path, messages):
    """Return what is said of the file, or of the folder it is alone in; what is passed over is no case."""
    return messages.get(path) or messages.get(path.parent) or "none"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], capture_output=True)
    if made.returncode != 0:
        pytest.skip("only root may mount a tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full_ends_in_one_line_and_what_is_finished_stays(
    random_bundle, tmp_path, small_disk, volume, capfd
):
    first, second = nifti(tmp_path / "0.nii"), slice_of(tmp_path / "1").parent
    words = ["--bundle", str(random_bundle), "-o", str(small_disk / "out")]
    assert main(["predict", str(first), *words]) == 0
    done = {path: path.read_bytes() for path in small_disk.rglob("*.*") if path.is_file()}
    with suppress(OSError), (small_disk / "rest").open("wb", buffering=0) as stream:
        while stream.write(bytes(4096)):
            pass
    os.truncate(small_disk / "rest", (small_disk / "rest").stat().st_size - (12 << 10))  # room to begin
    capfd.readouterr()

    code = main(["predict", str(first), str(second), *words])

    assert code == 1
    assert (
        capfd.readouterr()
        .err.splitlines()[-1]
        .startswith(
            "monai-das predict: error: --out cannot be written: No space left on device; what is finished in it stays"
        )
    )
    assert {path: path.read_bytes() for path in done} == done
