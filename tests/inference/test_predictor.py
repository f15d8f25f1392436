from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import torch
from monai.transforms import Compose

from monai_das.data import dicom_slice_refs, read_volume
from monai_das.datasets import write_dicom_series, write_nifti
from monai_das.inference import Predictor

CLIP = Path(pydicom.__file__).parent / "data" / "test_files" / "examples_ybr_color.dcm"


def indices(result):
    return [each.index for each in result.selected]


def test_a_result_is_complete_and_consistent(predictor, nifti):
    result = predictor.predict(nifti)

    assert (result.case_id, result.source_kind, result.total_slices) == ("case.nii.gz", "nifti", 12)
    assert list(result.probabilities) == ["normal", "hyperplasia"]
    assert sum(result.probabilities.values()) == pytest.approx(1.0)
    assert result.probabilities[result.label_name] == max(result.probabilities.values())
    assert list(result.probabilities)[result.label] == result.label_name
    assert indices(result) == sorted(set(indices(result))) == sorted(result.sampling_indices)
    assert [each.score for each in result.selected] == [result.scores[index] for index in indices(result)]
    assert result.timings.total == pytest.approx(sum(vars(result.timings).values()))
    assert len(result.model.weights_sha256) == 64


@pytest.mark.parametrize("shape", [(64, 64, 12), (128, 192, 30)])
def test_prediction_is_that_of_the_whole_network(predictor, shape, tmp_path):
    volume = np.random.RandomState(1).rand(*shape).astype(np.float32) * np.linspace(1, 9, shape[2], dtype=np.float32)
    write_nifti(volume, tmp_path / "case.nii")
    image = Compose(predictor.model.preprocessing)({"image": read_volume(tmp_path / "case.nii").image})["image"]

    with torch.inference_mode():
        expected = predictor.model.network(image[None]).softmax(dim=1)[0]

    result = predictor.predict(tmp_path / "case.nii")
    assert list(result.probabilities.values()) == pytest.approx(expected.tolist(), abs=1e-5)


def test_the_same_volume_as_dicom_gives_the_same_answer(predictor, nifti, volume, tmp_path):
    uids = write_dicom_series(volume, tmp_path / "series", (0.5, 0.5, 2.0))

    series, file = predictor.predict(tmp_path / "series"), predictor.predict(nifti)

    assert list(series.probabilities.values()) == pytest.approx(list(file.probabilities.values()), abs=1e-6)
    assert indices(series) == indices(file)
    assert [each.ref.sop_instance_uid for each in series.selected] == [uids[index] for index in indices(file)]
    assert [each.ref.position_mm[2] for each in series.selected] == [2.0 * index for index in indices(file)]
    assert np.array_equal(series.network_view.slices, file.network_view.slices)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_file_stored_the_other_way_round_gives_the_same_answer_in_its_own_order(predictor, nifti, axes, tmp_path):
    image = nibabel.load(nifti)
    orientation = np.array([[axis, -1 if axis in axes else 1] for axis in range(3)])
    nibabel.save(image.as_reoriented(orientation), tmp_path / "flipped.nii.gz")

    flipped, straight = predictor.predict(tmp_path / "flipped.nii.gz"), predictor.predict(nifti)

    back = slice(None, None, -1 if 2 in axes else 1)
    assert list(flipped.probabilities.values()) == pytest.approx(list(straight.probabilities.values()), abs=1e-6)
    assert indices(flipped) == [11 - index if 2 in axes else index for index in indices(straight)][back]
    assert flipped.scores == pytest.approx(straight.scores[back], abs=1e-6)
    assert np.array_equal(flipped.network_view.slices, straight.network_view.slices[back])
    assert [ref.index for ref in flipped.refs] == list(range(12))
    assert [each.ref.position_mm[2] for each in flipped.selected] == [
        each.ref.position_mm[2] for each in straight.selected
    ][back]


def test_every_index_means_the_slice_that_is_shown(predictor, nifti, volume):
    result = predictor.predict(nifti)

    shown = result.network_view.slices.astype(float)
    for picture, index in zip(shown, indices(result), strict=True):
        upright = volume[::-1, ::-1, index].T.astype(float)
        assert picture.max() == pytest.approx(upright.max() * 255 / volume.max(), abs=30)
        assert picture.mean() == pytest.approx(upright.mean() * 255 / volume.max(), abs=2)


def test_budget_can_be_overridden_and_small_studies_are_kept_whole(random_bundle, nifti, volume, tmp_path):
    write_nifti(volume[:, :, :1], tmp_path / "one.nii.gz")

    predictor = Predictor(random_bundle, num_slices=2)

    assert len(predictor.predict(nifti).selected) == 2
    assert indices(predictor.predict(tmp_path / "one.nii.gz", "one")) == [0]
    assert len(Predictor(random_bundle).predict(nifti).selected) == 12


def test_values_that_are_no_numbers_are_refused(predictor, volume, tmp_path):
    spoilt = volume.astype(np.float32)
    spoilt[0, 0, 0] = np.nan
    write_nifti(spoilt, tmp_path / "nan.nii")

    with pytest.raises(ValueError, match=r"nan\.nii: preprocessing gave NaN or infinite values; replace those"):
        predictor.predict(tmp_path / "nan.nii")


def test_a_colour_clip_becomes_luminance_and_names_its_frames(predictor):
    result = predictor.predict(CLIP)

    uid = str(pydicom.dcmread(CLIP, stop_before_pixels=True).SOPInstanceUID)
    assert (result.source_kind, result.total_slices) == ("dicom_multiframe", 30)
    assert [each.ref.frame for each in result.selected] == [index + 1 for index in indices(result)]
    assert {each.ref.sop_instance_uid for each in result.selected} == {uid}
    assert all(each.ref.time_ms is not None and each.ref.position_mm is None for each in result.selected)
    assert result.network_view.pixel_aspect == pytest.approx(240 / 320, abs=0.01)


def test_a_real_siemens_file_predicts_or_says_what_is_wrong(predictor, data_root):
    folder = data_root / "dicom_nih" / "20180918Si" / "mr_0003"

    with pytest.raises(ValueError, match="Siemens mosaic"):
        predictor.predict(folder)


def test_real_slices_are_named_by_position(predictor, data_root, tmp_path):
    folder = data_root / "dicom_nih" / "20180918GE" / "mr_0004"
    by_position = {}
    for path in sorted(folder.glob("*.dcm")):
        position = tuple(float(x) for x in pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient)
        by_position.setdefault(position, path)
    for path in by_position.values():
        (tmp_path / path.name).symlink_to(path)

    result = predictor.predict(tmp_path)

    refs = dicom_slice_refs(tmp_path)
    assert result.total_slices == len(by_position) == len(refs)
    for each in result.selected:
        header = pydicom.dcmread(by_position[each.ref.position_mm], stop_before_pixels=True)
        assert each.ref == refs[each.index]
        assert each.ref.sop_instance_uid == header.SOPInstanceUID


def test_cuda_where_there_is_none_says_so(random_bundle):
    if torch.cuda.is_available():
        pytest.skip("needs a machine without CUDA")
    with pytest.raises(ValueError, match="device 'cuda': PyTorch finds no CUDA here; use 'cpu'"):
        Predictor(random_bundle, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="CUDA is not there")
def test_cuda_gives_the_same_answer(random_bundle, predictor, nifti):
    result = Predictor(random_bundle, device="cuda", num_slices=4).predict(nifti)

    expected = predictor.predict(nifti)
    assert indices(result) == indices(expected)
    assert list(result.probabilities.values()) == pytest.approx(list(expected.probabilities.values()), abs=1e-3)


def test_no_slice_at_all_is_refused(random_bundle):
    with pytest.raises(ValueError, match="num_slices must be at least 1, got 0"):
        Predictor(random_bundle, num_slices=0)
