from pathlib import Path

import pytest

from monai_das.review import exported_verdicts, verdict_agreement, with_images


def test_two_readers_answers_as_label_studio_exports_them(export):
    first, second, unsure = exported_verdicts(export)

    assert (first.reviewer, first.label, first.label_name) == ("reader-1", 0, "normal")
    assert first.slices_rejected == (29,)
    assert first.slices_confirmed == (28, 30, 31, 32, 33, 34, 35)
    assert (second.reviewer, second.label, second.quality, second.note) == ("reader-2", 1, 4, "thin gland")
    assert (second.slices_confirmed, second.slices_rejected, second.slices_added) == ((30,), (28, 29), (36, 40))
    assert (unsure.label, unsure.label_name) == (None, "unsure")
    found = verdict_agreement([first, second, unsure])
    assert (found.class_kappa, found.kind) == (0.0, "cohen")
    assert found.slice_kappa == pytest.approx(0.4)


def test_frames_count_from_one_there_and_from_zero_here(clip_export):
    (verdict,) = exported_verdicts(clip_export)

    assert (verdict.slices_confirmed, verdict.slices_added) == ((28, 29), (9,))
    assert verdict.slices_rejected == (30, 31, 32, 33, 34, 35)


def test_a_readers_latest_answer_counts_and_a_skipped_one_does_not(export):
    task = export[0]
    page = next(each for each in task["annotations"] if each["completed_by"] == 1)
    skipped = {**page, "completed_by": {"id": 3}, "was_cancelled": True}
    later = {**page, "updated_at": "2999-01-01T00:00:00Z", "result": []}

    found = exported_verdicts([{**task, "annotations": [later, page, skipped]}])

    assert [(each.reviewer, each.label_name) for each in found] == [("reader-1", "hyperplasia")]


def row(name, item_index=None, **value):
    return {"from_name": name, "item_index": item_index, "value": value}


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            [row("class", choices=["goitre"])],
            r"task 7 \(volume_000\): the answer has the class 'goitre', the task normal",
        ),
        ([row("added", text=["12, 64"])], "'64' is wished for, slices are numbered 0 to 63"),
        ([row("verdict", 0, choices=["artefact"]), row("added", text="28")], "slice 28 is rejected and wished for"),
        ([row("verdict", 99, choices=["artefact"])], "list index out of range"),
    ],
)
def test_an_answer_that_fits_not_its_task_is_named(export, result, message):
    task = export[0]

    with pytest.raises(ValueError, match=message):
        exported_verdicts([{**task, "annotations": [{**task["annotations"][0], "result": result}]}])


def test_a_frame_beyond_the_clip_is_refused(clip_export):
    (task,) = clip_export
    result = [row("key_frames", ranges=[{"start": 65, "end": 65}])]

    with pytest.raises(ValueError, match="frame 65 is marked, the clip has 64"):
        exported_verdicts([{**task, "annotations": [{**task["annotations"][0], "result": result}]}])


def test_a_task_of_others_is_refused():
    with pytest.raises(ValueError, match="task 3: not made by monai-das review push, its data lack case"):
        exported_verdicts([{"id": 3, "data": {"image": "a.png"}}])


def test_verdicts_get_the_paths_of_their_cases(export):
    found = with_images(exported_verdicts(export), {"volume_000": Path("a.nii"), "volume_002": Path("b.nii")})

    assert [Path(each.image).name for each in found] == ["a.nii", "a.nii", "b.nii"]
