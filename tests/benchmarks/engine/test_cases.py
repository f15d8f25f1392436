import torch

from benchmarks.engine.cases import batches, cases_of


def item(depth, label=0, **more):
    return {"image": torch.full((1, 4, 4, depth), 1.0), "label": label, **more}


def test_cases_of_one_depth_have_no_lengths():
    cases = cases_of([item(5, 1), item(5, 0)])

    assert cases.images.shape == (2, 1, 4, 4, 5)
    assert cases.labels.tolist() == [1, 0]
    assert cases[2:] == (None, None, None)
    assert cases.patients() is None


def test_shorter_cases_are_padded_at_their_end():
    cases = cases_of([item(5, patient="b"), item(3, patient="a"), item(5, patient="b")])

    assert cases.lengths.tolist() == [5, 3, 5]
    assert cases.images[1, 0, 0, 0].tolist() == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert cases.patients() == [1, 0, 1]


def test_an_item_may_say_how_long_it_is():
    assert cases_of([item(5, lengths=2), item(5)]).lengths.tolist() == [2, 5]


def test_batches_keep_all_that_is_known():
    cases = cases_of([item(2, telling=torch.tensor([True, False])) for _ in range(20)])

    parts = list(batches(cases))

    assert [len(part.labels) for part in parts] == [16, 4]
    assert parts[1].telling.shape == (4, 2)
