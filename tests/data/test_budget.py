"""What a header declares is refused before it is read, listed or inflated."""

import gzip
import struct
import time
import zlib

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from monai_das.data import memory_limit, open_source
from monai_das.data.budget import check_memory, default_limit
from monai_das.data.video.declared import check_video
from monai_das.datasets import write_nifti


def patched(path, place, value):
    content = bytearray(path.read_bytes())
    content[place : place + len(value)] = value
    path.write_bytes(bytes(content))
    return path


def nifti_of(tmp_path, volume, *shape):
    path = tmp_path / "a.nii"
    write_nifti(volume, path)
    return patched(path, 42, struct.pack("<hhh", *shape))


def huge_nifti(tmp_path, volume, **_):
    return nifti_of(tmp_path, volume, 32767, 32767, 32767)


def deep_nifti(tmp_path, volume, **_):
    return nifti_of(tmp_path, volume, 6, 5, 32767)


def no_slices(tmp_path, volume, **_):
    return nifti_of(tmp_path, volume, 6, 5, 0)


def far_voxels(tmp_path, volume, **_):
    return patched(nifti_of(tmp_path, volume, 6, 5, 4), 108, struct.pack("<f", 4e9))


def gzip_bomb(tmp_path, volume, **_):
    file = nifti_of(tmp_path, volume, 2048, 2048, 32767)
    with gzip.open(tmp_path / "a.nii.gz", "wb") as stream:
        stream.write(file.read_bytes()[:352])
        stream.write(bytes(1 << 24))
    return tmp_path / "a.nii.gz"


def gzip_too_short(tmp_path, volume, **_):
    return gzip_bomb(tmp_path, np.zeros((6, 5, 4), np.uint8))


def two_billion_frames(make_clip, edit, **_):
    path = make_clip()
    edit(path, NumberOfFrames=2147483647)
    return path


def five_frames_of_four(make_clip, edit, **_):
    path = make_clip()
    edit(path, NumberOfFrames=50)
    return path


def rle_frames(make_clip, edit, **_):
    path = make_clip()
    found = dcmread(path)
    found.compress(RLELossless)
    found.NumberOfFrames = 5000
    found.save_as(path)
    return path


def huge_picture(series, edit, **_):
    path = min(series.iterdir())
    edit(path, Rows=40000, Columns=40000)
    return path


def deflated_bomb(series, rows=40000, **_):
    path = min(series.iterdir())
    found = dcmread(path)
    found.Rows = found.Columns = rows
    found.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    found.PixelData = b"\0" * 2
    found.save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    start = 144 + struct.unpack("<L", content[140:144])[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(zlib.decompress(content[start:], -zlib.MAX_WBITS))
    packed += b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    path.write_bytes(content[:start] + packed)
    return path


def deflated_bomb_of_small_pictures(series, **_):
    return deflated_bomb(series, rows=5)


BAD = [
    (huge_nifti, "slices of 32767 x 32767 pixels need 32 GiB, more than the limit of 256 MiB"),
    (deep_nifti, "the header tells of (6, 5, 32767) voxels, 1.87 MiB, but the file has 592 bytes; it is cut off"),
    (no_slices, "the NIfTI header tells of (6, 5, 0) voxels, so there are none"),
    (far_voxels, "vox_offset in the NIfTI header is 4e+09; no voxels begin there"),
    (gzip_bomb, "(2048, 2048, 32767) voxels need 768 GiB, more than the limit"),
    (two_billion_frames, "2147483647 frames need 2047 GiB, more than the limit of 256 MiB"),
    (five_frames_of_four, "the header tells of 50 frames (0028,0008), 2.93 KiB, but the file has"),
    (rle_frames, "the header tells of 5000 frames (0028,0008), 39.1 KiB, but the file has"),
    (huge_picture, "slices of 40000 x 40000 pixels need 47.7 GiB, more than the limit"),
    (deflated_bomb, "slices of 40000 x 40000 pixels need 47.7 GiB, more than the limit"),
    (deflated_bomb_of_small_pictures, "its deflated data, 33 MiB and more, would need 264 MiB"),
]


@pytest.mark.parametrize(("make", "words"), BAD)
def test_what_is_declared_too_large_is_refused_at_once(tmp_path, volume, series, make_clip, edit, make, words):
    path = make(tmp_path=tmp_path, volume=volume, series=series, make_clip=make_clip, edit=edit)
    start = time.perf_counter()

    with pytest.raises(ValueError, match="a") as caught, memory_limit(256 << 20):
        open_source(path)

    assert str(caught.value).startswith(f"{path}: {words}")
    assert time.perf_counter() - start < 2


def test_slices_beyond_the_limit_are_refused_when_they_are_read(series):
    source = open_source(series)

    with memory_limit(100):
        with pytest.raises(ValueError, match=r"series: thumbnails of 4 slices need 1 KiB, more than the limit of 100"):
            source.thumbnails(8)
        with pytest.raises(ValueError, match="series: read of 4 slices need 120 bytes"):
            source.read([0])

    assert source.read([0]).shape == (1, 6, 5, 1)


def test_frames_larger_than_8k_are_refused():
    with pytest.raises(ValueError, match=r"a.mp4: frames of 8192 x 8192 pixels are larger than 8K video"):
        check_video(8192, 8192, "a.mp4")


def test_the_limit_is_a_quarter_of_memory_and_above_0():
    check_memory(default_limit(), "case", "voxels")
    with pytest.raises(ValueError, match=r"voxels need .*, more than the limit of"):
        check_memory(default_limit() + 1, "case", "voxels")
    with pytest.raises(ValueError, match="must be at least 1 byte, got 0"), memory_limit(0):
        pass
