"""NRRD, MetaImage, Analyze and MGH are read where ITK and nibabel say their voxels lie."""

import nibabel
import numpy as np
import pytest
import SimpleITK

from monai_das.data import find_cases, open_source, read_volume, survey_studies

AFFINE = np.array([[0.0, 0.0, 3.0, 10.0], [1.0, 0.0, 0.0, 20.0], [0.0, 2.0, 0.0, 30.0], [0.0, 0.0, 0.0, 1.0]])
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def write_itk(path, volume, *, compression=False):
    """Write ``volume`` (i, j, k) with ``AFFINE`` by ITK, in the coordinates of DICOM."""
    lps = TO_RAS @ AFFINE
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(volume.T))
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / spacing).flatten().tolist())
    SimpleITK.WriteImage(image, str(path), compression)
    return path


@pytest.mark.parametrize("compression", [False, True])
@pytest.mark.parametrize(
    ("name", "kind"), [("a.nrrd", "nrrd"), ("a.nhdr", "nrrd"), ("a.mha", "metaimage"), ("a.mhd", "metaimage")]
)
def test_what_itk_writes_lies_where_itk_puts_it(tmp_path, volume, name, kind, compression):
    path = write_itk(tmp_path / name, volume, compression=compression)

    ((_, found),) = find_cases([tmp_path])
    source = open_source(found)

    assert (found, source.kind) == (path, kind)
    np.testing.assert_allclose(source.affine, AFFINE)
    np.testing.assert_array_equal(source.read(range(4))[0], volume)
    np.testing.assert_allclose(source.refs[1].position_mm, (TO_RAS @ AFFINE @ [0, 0, 1, 1])[:3])
    assert set(source.files) == {each for each in tmp_path.iterdir() if each.is_file()}


# nibabel leaves an MGH file open until the garbage is collected
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("name", "kind"), [("a.mgz", "mgh"), ("a.mgh", "mgh"), ("a.hdr", "nifti"), ("a.img", "nifti")])
def test_what_nibabel_writes_lies_where_nibabel_puts_it(tmp_path, volume, name, kind):
    made = nibabel.Nifti1Pair if kind == "nifti" else nibabel.MGHImage
    made(volume, AFFINE).to_filename(tmp_path / name)

    source = open_source(tmp_path / name)

    assert source.kind == kind
    np.testing.assert_allclose(source.affine, AFFINE)
    np.testing.assert_array_equal(source.read(range(4))[0], volume)
    np.testing.assert_array_equal(read_volume(tmp_path / name).image[0], volume)
    assert source.warnings == ()
    assert len(find_cases([tmp_path])) == 1
    assert set(source.files) == set(tmp_path.iterdir())


def test_analyze_is_read_as_nibabel_reads_it_and_warned_of(tmp_path, volume):
    nibabel.AnalyzeImage(volume, np.diag([2.0, 3.0, 4.0, 1.0])).to_filename(tmp_path / "a.img")

    ((_, path),) = find_cases([tmp_path])
    source = open_source(path)

    assert (path.name, source.kind) == ("a.hdr", "analyze")
    np.testing.assert_allclose(source.affine, nibabel.load(tmp_path / "a.hdr").affine)
    np.testing.assert_array_equal(source.read(range(4))[0], volume)
    assert source.warnings[0].startswith("Analyze does not say where left and right are")


def test_analyze_with_a_matrix_of_spm_says_where_it_lies(tmp_path, volume):
    nibabel.Spm99AnalyzeImage(volume, AFFINE).to_filename(tmp_path / "a.img")

    source = open_source(tmp_path / "a.hdr")

    np.testing.assert_allclose(source.affine, AFFINE)
    assert source.warnings == ()
    assert survey_studies([tmp_path]).passed_over == ()


@pytest.mark.parametrize("name", ["a.nrrd", "a.mgz"])
def test_a_time_point_of_four_dimensions_is_chosen(tmp_path, name):
    values = np.arange(3 * 4 * 5 * 2, dtype=np.int16).reshape(3, 4, 5, 2)
    if name == "a.mgz":
        nibabel.MGHImage(values, AFFINE).to_filename(tmp_path / name)
    else:
        SimpleITK.WriteImage(
            SimpleITK.GetImageFromArray(np.ascontiguousarray(values.T), isVector=False), str(tmp_path / name)
        )

    source = open_source(tmp_path / name, {"time_point": 1})

    np.testing.assert_array_equal(source.read(range(5))[0], values[..., 1])
    with pytest.raises(ValueError, match=r"of shape \(3, 4, 5, 2\), that is several time points.* \(--time-point\)"):
        open_source(tmp_path / name)


NRRD = b"NRRD0004\ntype: %s\ndimension: 3\nsizes: %s\nencoding: raw\nendian: little\n%s\n"
META = b"ObjectType = Image\nNDims = 3\nDimSize = %s\nElementType = MET_SHORT\nElementDataFile = %s\n"
BROKEN = [
    ("a.nrrd", NRRD % (b"short", b"4 4 4", b""), "a library failed on it"),
    ("a.nrrd", NRRD % (b"short", b"40000 40000 40000", b""), "more than the limit"),
    ("a.nrrd", b"garbage", "no NRRD or MetaImage file, or a damaged one"),
    ("a.nrrd", b"", "no NRRD or MetaImage file, or a damaged one"),
    ("a.nrrd", NRRD % (b"short", b"4 x 4", b""), "a library failed on it"),
    ("a.mha", META % (b"4 4 99", b"LOCAL"), "voxels, 3.09 KiB, but the file has"),
    ("a.mhd", META % (b"4 4 9", b"gone.raw"), "the file with its voxels, which the header names, is missing"),
    ("a.mha", META % (b"4 0 9", b"LOCAL"), "voxels, so there are none|a library failed on it"),
    ("a.mha", META.replace(b"NDims = 3", b"NDims = 1") % (b"4", b"LOCAL"), "a volume of 1 axes, 2 to 4 are read"),
    ("a.mha", META.replace(b"NDims = 3", b"NDims = 5") % (b"4 4 9 1 1", b"LOCAL"), "a volume of 5 axes, 2 to 4"),
    ("a.mgz", b"\x1f\x8b\x08garbage", "the .* file cannot be read"),
]


@pytest.mark.parametrize("number", ["int8", "uint32", "int32", "uint64", "int64", "float32", "float64"])
def test_all_numbers_are_read(tmp_path, volume, number):
    path = write_itk(tmp_path / "a.nrrd", volume.astype(number))

    np.testing.assert_array_equal(read_volume(path).image[0], volume.astype(number).astype(np.float32))


@pytest.mark.parametrize(("name", "content", "words"), BROKEN)
def test_a_broken_file_says_what_is_wrong(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)

    ((_, path),) = find_cases([tmp_path])
    with pytest.raises(ValueError, match=words):
        open_source(path)


def test_colours_and_vectors_are_refused(tmp_path):
    SimpleITK.WriteImage(
        SimpleITK.GetImageFromArray(np.zeros((3, 4, 5, 3), np.uint8), isVector=True), str(tmp_path / "a.nrrd")
    )

    with pytest.raises(ValueError, match="3 numbers for each voxel, so colours or vectors; give one real number per"):
        open_source(tmp_path / "a.nrrd")


def test_a_header_that_is_a_text_is_no_volume(tmp_path):
    (tmp_path / "scene.hdr").write_text("ENVI\nsamples = 3")

    (passed,) = survey_studies([tmp_path]).passed_over

    assert (passed.format, passed.count) == ("text", 1)


def test_only_time_points_can_be_chosen(tmp_path, volume):
    with pytest.raises(ValueError, match="NRRD has no EchoNumbers to choose by; only time_point"):
        open_source(write_itk(tmp_path / "a.nrrd", volume), {"EchoNumbers": 1})
