from dataclasses import replace

from monai_das.review import majority_verdicts


def of_reader(verdict, number, **changes):
    return replace(verdict, reviewer=f"reader-{number}", **changes)


def test_what_more_than_half_say_is_the_verdict_and_who_said_else_is_listed(verdict):
    third = {"label": 0, "label_name": "normal", "slices_confirmed": (), "slices_rejected": (3,), "slices_added": (9,)}
    given = [of_reader(verdict, 1), of_reader(verdict, 2, slices_added=()), of_reader(verdict, 3, **third)]

    (found,), (of_class, of_slice) = majority_verdicts(given)

    assert (found.label, found.label_name, found.reviewer) == (
        1,
        "hyperplasia",
        "majority of reader-1, reader-2, reader-3",
    )
    # 3 is wanted by two of three, 7 rejected by the two who judged it, 9 wanted by the two who did
    assert (found.slices_confirmed, found.slices_rejected, found.slices_added) == ((3,), (7,), (9,))
    assert (found.quality, found.note) == (None, None)
    assert (of_class.index, of_class.outcome) == (None, "hyperplasia")
    assert of_class.said == {"reader-1": "hyperplasia", "reader-2": "hyperplasia", "reader-3": "normal"}
    assert of_slice.to_dict() == {
        "case_id": verdict.case_id, "index": 3, "outcome": "wanted",
        "said": {"reader-1": "wanted", "reader-2": "wanted", "reader-3": "rejected"},
    }  # fmt: skip


def test_without_a_majority_nothing_is_said_for_the_readers(verdict):
    other = of_reader(verdict, 2, label=0, label_name="normal", slices_confirmed=(), slices_rejected=(3, 7))

    (found,), apart = majority_verdicts([verdict, other])

    assert (found.label, found.label_name) == (None, "unsure")
    assert (found.slices_confirmed, found.slices_rejected) == ((), (7,))
    assert [(each.index, each.outcome) for each in apart] == [(None, None), (3, None)]


def test_the_order_of_readers_does_not_count(verdict):
    given = [of_reader(verdict, n, slices_confirmed=(n,), slices_rejected=(1,)) for n in (2, 3, 4)]

    assert majority_verdicts(given)[0] == majority_verdicts(given[::-1])[0]


def test_cases_and_models_stay_apart_and_a_lone_verdict_as_it_is(verdict):
    given = [verdict, of_reader(verdict, 2, model={"weights_sha256": "cd"}), replace(verdict, case_id="case-2")]

    assert majority_verdicts(given) == (given, [])
