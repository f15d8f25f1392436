from pathlib import Path

import pytest

from monai_das.review import exported_verdicts, verdict_agreement, with_images
from monai_das.review.labelling import I_LOOKED


def verdicts(tasks, **settings):
    """The verdicts in ``tasks``, in which nothing is wrong."""
    told, problems = exported_verdicts(tasks, **settings)
    assert problems == []
    return [each.verdict for each in told]


def test_two_readers_answers_as_label_studio_exports_them(export):
    first, second, unsure = verdicts(export)

    assert (first.reviewer, first.label, first.label_name) == ("reader-1", 0, "normal")
    assert first.slices_rejected == (29,)
    assert (second.reviewer, second.label, second.quality, second.note) == ("reader-2", 1, 4, "thin gland")
    assert (second.slices_confirmed, second.slices_rejected, second.slices_added) == ((30,), (28, 29), (36, 40))
    assert (unsure.label, unsure.label_name) == (None, "unsure")
    found = verdict_agreement([first, second, unsure])
    assert (found.class_kappa.value, found.kind) == (0.0, "cohen")
    assert found.slice_kappa.value == 1.0  # both rejected 29, the one slice that both judged


def test_a_slice_that_the_page_had_preset_and_the_reader_left_is_not_confirmed(export):
    (first, *_) = verdicts(export)

    assert first.slices_confirmed == ()


def test_frames_count_from_one_there_and_from_zero_here(clip_export):
    (verdict,) = verdicts(clip_export)

    assert (verdict.slices_confirmed, verdict.slices_added) == ((28, 29), (9,))
    assert verdict.slices_rejected == (30, 31)


def test_marks_of_the_model_are_no_verdicts_whether_they_stay_or_go(clip_export):
    rows = clip_export[0]["predictions"][0]["result"]
    assert {row["value"]["timelinelabels"][0] for row in rows[1:]} == {"selected by the model"}

    for kept in (rows, rows[:4], rows[:1]):
        (verdict,) = verdicts([answered(clip_export[0], kept)])
        assert (verdict.slices_confirmed, verdict.slices_rejected, verdict.slices_added) == ((), (), ())


def test_a_frame_with_two_verdicts_has_none(clip_export):
    ranges = [{"start": 29, "end": 30}]
    both = [row("key_frames", ranges=ranges, timelinelabels=[word]) for word in ("artefact", "informative")]

    ((_, verdict, _),), problems = exported_verdicts([answered(clip_export[0], [NORMAL, *both])])

    assert [each.what for each in problems] == [
        f"index {index} is called artefact and informative; neither counts" for index in (28, 29)
    ]
    assert (verdict.slices_rejected, verdict.slices_confirmed) == ((), ())


def test_a_skipped_answer_is_none_and_no_fault(export):
    task = export[0]
    skipped = [{**each, "was_cancelled": True} for each in task["annotations"]]

    assert exported_verdicts([{**task, "annotations": skipped}]) == ([], [])


def row(name, item_index=None, **value):
    return {"from_name": name, "item_index": item_index, "value": value}


NORMAL = row("class", choices=["normal"])


def answered(task, *results, **fields):
    """``task`` with an answer for each of ``results``, through the API."""
    answer = {**task["annotations"][0], "lead_time": None, **fields}
    return {**task, "annotations": [{**answer, "result": list(result)} for result in results]}


@pytest.mark.parametrize(
    ("result", "what"),
    [
        ([], "no class was given; the answer is left out"),
        (
            [row("class", choices=["goitre"])],
            "the answer has the class 'goitre', the task normal, hyperplasia; the answer is left out",
        ),
        (
            [row("class", choices=["normal"]), row("class", choices=["hyperplasia"])],
            "the answer has the classes hyperplasia and normal, a case has one; the answer is left out",
        ),
        (
            [NORMAL, row("verdict", 99, choices=["artefact"])],
            "picture 100 has a verdict, the task shows 8; the answer is left out",
        ),
        ([NORMAL, {"from_name": "note"}], "the answer cannot be read (KeyError('value')); the answer is left out"),
    ],
)
def test_an_answer_that_fits_not_its_task_is_left_out_and_the_others_count(export, result, what):
    told, problems = exported_verdicts([answered(export[0], result), *export], project=3)

    assert len(told) == 3
    (problem,) = problems
    assert (problem.place, problem.case_id, problem.reviewer) == ("project 3, task 7", "volume_000", "reader-1")
    assert problem.what == what
    assert str(problem) == f"project 3, task 7 (volume_000, reader-1): {what}"


@pytest.mark.parametrize(
    ("text", "added", "wrong"),
    [
        ("12, 15", (12, 15), 0),
        ("12-15", (12, 13, 14, 15), 0),
        ("12 \u2013 15; 40", (12, 13, 14, 15, 40), 0),
        ("12, 64", (12,), 1),
        ("12, l5, 3o", (12,), 2),
        ("15-12 40", (40,), 1),
        ("60-64", (), 1),
        ("-3", (), 1),
        ("12-", (), 1),
        ("9" * 30, (), 1),
    ],
)
def test_what_is_wished_for_is_numbers_and_ranges_and_a_typo_costs_one_word(export, text, added, wrong):
    ((_, verdict, _),), problems = exported_verdicts([answered(export[0], [NORMAL, row("added", text=[text])])])

    assert (verdict.slices_added, verdict.label_name) == (added, "normal")
    if wrong:
        (problem,) = problems
        words = "1 word is no slice" if wrong == 1 else "2 words are no slices"
        assert problem.what == (
            f"of the slices wished for {words}; slices are numbered 0 to 63, write 3, 12-15; left out"
        )
        assert problem.to_dict()["text"] == text
    assert len(problems) == bool(wrong)


def test_a_slice_that_is_rejected_and_wished_for_has_no_verdict(export):
    result = [NORMAL, row("verdict", 0, choices=["artefact"]), row("added", text="28, 40")]

    ((_, verdict, _),), (problem,) = exported_verdicts([answered(export[0], result)])

    assert problem.what == "slice 28 is rejected and wished for; neither counts"
    assert (verdict.slices_rejected, verdict.slices_added) == ((), (40,))


def test_a_slice_with_two_verdicts_has_none(export):
    result = [NORMAL, row("verdict", 0, choices=["artefact"]), row("verdict", 0, choices=["informative"])]

    ((_, verdict, _),), (problem,) = exported_verdicts([answered(export[0], result)])

    assert problem.what == "slice 28 is called artefact and informative; neither counts"
    assert (verdict.slices_rejected, verdict.slices_confirmed) == ((), ())


def test_an_answer_that_took_no_time_is_left_out(export):
    task = answered(export[0], [NORMAL], lead_time=1.2)

    told, (problem,) = exported_verdicts([task])

    assert told == []
    assert problem.what == "nothing was looked at: submitted after 1.2 s; the answer is left out"
    assert len(verdicts([task], least_seconds=1.0)) == 1


def test_an_answer_of_which_nothing_was_touched_is_left_out(export):
    untouched = [{**each, "origin": "prediction"} for each in export[0]["annotations"][0]["result"]]

    told, (problem,) = exported_verdicts([answered(export[0], untouched, lead_time=60.0)])

    assert told == []
    assert problem.what.startswith("nothing was looked at: the reader touched nothing of what the model had said")


LOOKED = row("looked", choices=[I_LOOKED])


@pytest.mark.parametrize("rows", [[{**NORMAL, "origin": "prediction"}, LOOKED], [NORMAL]])
def test_a_tick_that_says_so_or_a_class_that_the_reader_gave_is_an_answer(export, rows):
    (verdict,) = verdicts([answered(export[0], rows, lead_time=60.0)])

    assert (verdict.label_name, verdict.slices_confirmed, verdict.slices_rejected) == ("normal", (), ())


@pytest.mark.parametrize(("first", "last"), [(65, 65), (0, 3), (9, 8), (60, 10**12)])
def test_frames_beyond_the_clip_are_left_out(clip_export, first, last):
    ranges = [{"start": first, "end": last}, {"start": 29, "end": 29}]
    result = [NORMAL, row("key_frames", ranges=ranges, timelinelabels=["informative"])]

    ((_, verdict, _),), (problem,) = exported_verdicts([answered(clip_export[0], result)])

    assert problem.what == f"frames {first} to {last} are marked, the clip has 64; left out"
    assert (verdict.slices_confirmed, verdict.slices_added) == ((28,), ())


def test_a_task_of_others_is_passed_over():
    told, (problem,) = exported_verdicts([{"id": 3, "data": {"image": "a.png"}}])

    assert told == []
    assert str(problem).startswith("task 3: not made by monai-das review push, its data lack case")


def test_verdicts_get_the_paths_of_their_cases(export):
    found = with_images(verdicts(export), {"volume_000": Path("a.nii"), "volume_002": Path("b.nii")})

    assert [Path(each.image).name for each in found] == ["a.nii", "a.nii", "b.nii"]
