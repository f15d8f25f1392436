import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, ITKReader
from monai.transforms import LoadImage, LoadImaged
from pydicom import dcmread
from pydicom.data import get_testdata_file

from monai_das.data import DASVolumeReader, open_source, plane_refs, read_volume
from monai_das.data.dicom.itk_decode import loaded_itk
from monai_das.datasets import write_nifti
from monai_das.transforms import SliceAxis

NIBABEL_DATA = Path(nibabel.__file__).parent / "tests" / "data"


def first_time_point(data_root, folder):
    """Copy the first 15 files, one volume, of the real GE series."""
    source = data_root / "dicom_nih" / "20180918GE" / "mr_0007"
    for file in sorted(source.glob("*.dcm"))[:15]:
        shutil.copy(file, folder)
    return folder


def test_nifti_and_dicom_of_one_volume_become_one_array(tmp_path, series, volume):
    write_nifti(volume, tmp_path / "volume.nii.gz", spacing=(2.0, 3.0, 4.0))

    nifti, dicom = read_volume(tmp_path / "volume.nii.gz"), read_volume(series)
    turned = [SliceAxis("acquired")(case.image) for case in (nifti, dicom)]

    assert (nifti.kind, dicom.kind) == ("nifti", "dicom_series")
    for image in turned:
        assert image.dtype == torch.float32
        assert np.array_equal(image[0], volume)
        assert torch.equal(image.affine, torch.diag(torch.tensor([2.0, 3.0, 4.0, 1.0], dtype=torch.float64)))


def test_refs_lie_where_the_affine_says(series):
    for case in (read_volume(series), read_volume(NIBABEL_DATA / "anatomical.nii")):
        places = np.stack([[0, 0, index, 1] for index in range(len(case.refs))], axis=1)
        ras = (np.asarray(case.image.affine) @ places)[:3].T

        assert np.allclose([ref.position_mm for ref in case.refs], ras * [-1, -1, 1])
        assert case.image.shape[-1] == len(case.refs)


def test_a_real_series_equals_itks_and_its_refs_follow(data_root, tmp_path):
    loaded_itk()
    reader = ITKReader()
    values, meta = reader.get_data(reader.read(first_time_point(data_root, tmp_path)))

    case = read_volume(tmp_path)

    assert np.array_equal(case.image[0], values)
    assert np.allclose(case.image.affine, meta["affine"], atol=1e-4)
    by_uid = {str(tags.SOPInstanceUID): tags for tags in map(dcmread, tmp_path.iterdir())}
    for ref in case.refs:
        tags = by_uid[ref.sop_instance_uid]
        assert np.array_equal(case.image[0, :, :, ref.index].T, tags.pixel_array)
        assert ref.position_mm == tuple(tags.ImagePositionPatient)


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm"])
def test_real_slices_equal_pydicoms_rescaled_values(name):
    tags = dcmread(get_testdata_file(name))
    values = tags.pixel_array * float(tags.get("RescaleSlope", 1)) + float(tags.get("RescaleIntercept", 0))

    case = read_volume(get_testdata_file(name))

    assert case.image.shape == (1, *values.T.shape, 1)
    assert np.array_equal(case.image[0, :, :, 0].T, values)


def test_a_real_colour_clip_has_three_channels():
    frames = dcmread(get_testdata_file("examples_ybr_color.dcm")).pixel_array

    case = read_volume(get_testdata_file("examples_ybr_color.dcm"))

    assert case.image.shape == (3, 320, 240, 30)
    assert case.kind == "dicom_multiframe"
    assert not case.has_anatomy
    assert torch.equal(case.image.affine, torch.eye(4, dtype=torch.float64))
    assert np.array_equal(case.image, frames.transpose(3, 2, 1, 0))


def test_a_clip_keeps_its_frames_in_time(make_clip):
    path = make_clip(FrameTime=40)

    case = read_volume(path)

    assert np.array_equal(case.image[0], dcmread(path).pixel_array.transpose(2, 1, 0))
    assert torch.equal(SliceAxis("acquired")(case.image).as_tensor(), case.image.as_tensor())


def test_enhanced_frames_are_put_in_order_with_their_affine(make_enhanced):
    path = make_enhanced()

    case = read_volume(path)

    pixels = dcmread(path).pixel_array
    assert np.array_equal(case.image[0], (pixels * 2.0 - 10.0)[[1, 3, 2, 0]].transpose(2, 1, 0))
    assert np.allclose(case.image.affine, [[-2.5, 0, 0, 7], [0, -1.5, 0, 8], [0, 0, 3, 0], [0, 0, 0, 1]])
    assert case.has_anatomy


def test_meta_holds_no_patient_data(make_clip):
    meta = read_volume(make_clip(PatientName="Doe^Jane")).image.meta

    assert "Doe" not in str(meta)


def test_a_single_time_point_in_four_dimensions_is_a_volume(tmp_path, volume):
    write_nifti(volume, tmp_path / "a.nii")
    nibabel.save(nibabel.Nifti1Image(volume[..., None], np.eye(4)), tmp_path / "b.nii")

    assert torch.equal(
        read_volume(tmp_path / "a.nii").image.as_tensor(), read_volume(tmp_path / "b.nii").image.as_tensor()
    )


def test_monai_loads_a_batch_through_the_reader(series, tmp_path, volume):
    write_nifti(volume, tmp_path / "volume.nii", spacing=(2.0, 3.0, 4.0))
    load = LoadImaged("image", reader="monai_das.data.DASVolumeReader", ensure_channel_first=True)
    loader = DataLoader(Dataset([{"image": series}, {"image": tmp_path / "volume.nii"}], load), batch_size=2)

    batch = next(iter(loader))

    assert batch["image"].shape == (2, 1, 6, 5, 4)
    assert torch.equal(batch["image"].affine[0], read_volume(series).image.affine)
    assert batch["image"].meta["filename_or_obj"] == [str(series), str(tmp_path / "volume.nii")]


def test_monai_shows_the_readers_own_error(series, edit):
    edit(sorted(series.iterdir())[0], SeriesInstanceUID="1.2.3")

    with pytest.raises(ValueError, match="2 series in one folder"):
        LoadImage(reader=DASVolumeReader)(series)


def test_the_reader_takes_one_path(series):
    assert DASVolumeReader().verify_suffix(series)
    with pytest.raises(ValueError, match="one path per image, got 2"):
        LoadImage(reader=DASVolumeReader())([series, series])


@pytest.mark.parametrize(("axis", "shape"), [("acquired", (6, 5, 4)), ("coronal", (6, 4, 5)), ("sagittal", (5, 4, 6))])
def test_plane_refs_lie_where_the_turned_affine_says(series, axis, shape):
    case = read_volume(series)
    image = SliceAxis(axis)(case.image)

    refs = plane_refs(case.refs, image)

    assert image.shape[1:] == shape
    assert len(refs) == shape[2]
    across = np.asarray(image.affine)[:3, 2]
    for place, ref in enumerate(refs):
        ras = np.array(ref.position_mm) * [-1, -1, 1]
        expected = (np.asarray(image.affine) @ [0, 0, place, 1])[:3]
        assert np.isclose(ras @ across, expected @ across)
        assert (ref.sop_instance_uid is not None) == (axis == "acquired")


def test_plane_refs_turn_round_with_the_slices(tmp_path, volume):
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([1.0, 1.0, -1.0, 1.0])), tmp_path / "down.nii")
    case = read_volume(tmp_path / "down.nii")

    refs = plane_refs(case.refs, SliceAxis("acquired")(case.image))

    assert [ref.index for ref in refs] == [3, 2, 1, 0]


def test_plane_refs_need_the_slice_axis(series):
    case = read_volume(series)

    with pytest.raises(ValueError, match=r"no slice_axis; apply monai_das.transforms.SliceAxis first"):
        plane_refs(case.refs, case.image)


def test_four_dimensional_nifti_is_refused():
    with pytest.raises(ValueError, match=r"example4d.nii.gz: a NIfTI file of shape \(128, 96, 24, 2\)"):
        read_volume(NIBABEL_DATA / "example4d.nii.gz")


@pytest.mark.parametrize(
    ("kind", "name"), [(np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]), "RGB"), (np.dtype("complex64"), "complex")]
)
def test_nifti_that_holds_no_real_numbers_is_refused(tmp_path, kind, name):
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4), kind), np.eye(4)), tmp_path / "odd.nii.gz")

    with pytest.raises(ValueError, match=rf"odd.nii.gz: a NIfTI file with colours .* \({name}\); give one real number"):
        read_volume(tmp_path / "odd.nii.gz")


@pytest.mark.parametrize("name", ["cut.nii", "cut.nii.gz"])
def test_a_nifti_cut_off_is_named(tmp_path, name):
    write_nifti(np.random.default_rng(0).integers(0, 99, (20, 20, 20), dtype=np.int16), tmp_path / name)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:5000])

    with pytest.raises(ValueError, match=rf"{name}: the NIfTI file cannot be read .*; copy it again"):
        read_volume(tmp_path / name)


def test_text_named_as_nifti_is_named(tmp_path):
    (tmp_path / "text.nii").write_text("no image")

    with pytest.raises(ValueError, match=r"text.nii: the NIfTI file cannot be read"):
        read_volume(tmp_path / "text.nii")


def test_a_missing_nifti_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none.nii: no such file"):
        read_volume(tmp_path / "none.nii")


@pytest.mark.parametrize("number", [1, 3])
def test_pixels_cut_off_are_named_with_their_file(series, number):
    file = series / f"IM0000{number}.dcm"
    file.write_bytes(file.read_bytes()[:-20])

    with pytest.raises(
        ValueError, match=rf"IM0000{number}.dcm: the pixels of frame 1 cannot be decoded .* copy it again"
    ):
        read_volume(series)


def test_colour_of_16_bits_equals_pydicoms():
    path = get_testdata_file("SC_rgb_rle_16bit_2frame.dcm")

    np.testing.assert_array_equal(read_volume(path).image, dcmread(path).pixel_array.transpose(3, 2, 1, 0))


def test_monai_loads_a_video_through_the_reader(tmp_path):
    pytest.importorskip("av")
    from tests.data.video_clips import moving_bars, write_video

    path = write_video(tmp_path / "clip.mp4", moving_bars(6))

    image = LoadImage(reader=DASVolumeReader, ensure_channel_first=True)(path)

    assert image.shape == (3, 64, 48, 6)
    assert torch.equal(image.as_tensor(), open_source(path).read_all().as_tensor())
