import pytest
import torch

from monai_das.transforms import DASRandFlipShift
from monai_das.transforms.flip_shift import shifted


def test_cases_move_and_flip_without_new_values():
    images = torch.rand(6, 1, 5, 5, 5)

    changed = DASRandFlipShift(flip_prob=0.5, shift=1)(images)

    assert changed.shape == images.shape
    assert not torch.equal(changed, images)
    assert set(changed.flatten().tolist()) <= set(images.flatten().tolist())


def test_without_chance_and_shift_nothing_changes_and_the_input_never_does():
    images = torch.rand(6, 1, 5, 5, 5)
    before = images.clone()

    assert torch.equal(DASRandFlipShift(flip_prob=0.0)(images), images)
    DASRandFlipShift(flip_prob=1.0, shift=2)(images)
    assert torch.equal(images, before)


def test_a_sure_flip_turns_every_axis():
    images = torch.rand(2, 1, 4, 5, 6)

    assert torch.equal(DASRandFlipShift(flip_prob=1.0)(images), images.flip(2, 3, 4))


@pytest.mark.parametrize(
    ("by", "expected"),
    [(1, [1.0, 1.0, 2.0]), (-1, [2.0, 3.0, 1.0]), (0, [1.0, 2.0, 3.0]), (3, [1.0] * 3), (-5, [1.0] * 3)],
)
def test_the_smallest_value_comes_in_at_the_border(by, expected):
    assert shifted(torch.tensor([[[[1.0, 2.0, 3.0]]]]), [0, 0, by]).flatten().tolist() == expected


def test_shifts_reach_as_far_as_they_may_and_no_further():
    images = torch.zeros(400, 1, 3, 3, 9)
    images[..., 4] = 1.0

    places = DASRandFlipShift(flip_prob=0.0, shift=2)(images).amax(dim=(1, 2, 3)).argmax(dim=1)

    assert set(places.tolist()) == {2, 3, 4, 5, 6}


def test_each_case_has_draws_of_its_own_and_a_seed_repeats_them():
    images, augment = torch.rand(1, 1, 5, 5, 5).expand(16, -1, -1, -1, -1), DASRandFlipShift(0.5, 1)

    torch.manual_seed(1)
    one = augment(images)
    torch.manual_seed(1)
    two = augment(images)

    assert torch.equal(one, two)
    assert len({tuple(case.flatten().tolist()) for case in one}) > 8


def test_integers_stay_integers():
    assert DASRandFlipShift(shift=1)(torch.randint(-1000, 1000, (2, 1, 5, 5, 5))).dtype == torch.int64


def test_padding_stays_where_it_is():
    lengths = torch.tensor([2, 5, 1, 4])
    images = torch.rand(4, 1, 6, 6, 5) + 1.0
    for image, length in zip(images, lengths, strict=True):
        image[..., length:] = 0.0

    changed = DASRandFlipShift(flip_prob=0.5, shift=1)(images, lengths)

    assert not torch.equal(changed, images)
    for image, length in zip(changed, lengths, strict=True):
        assert float(image[..., length:].sum()) == 0.0
        assert float(image[..., :length].min()) >= 1.0


def test_clips_stay_upright_and_lose_no_frame():
    rows = torch.arange(6.0)[None, None, None, :, None].expand(4, 1, 6, 6, 5)
    frames = torch.arange(5.0).expand(16, 1, 6, 6, 5)

    upright = DASRandFlipShift(flip_prob=1.0, clips=True)(rows)
    whole = DASRandFlipShift(flip_prob=0.0, shift=2, clips=True)(frames, torch.full((16,), 5))

    assert torch.equal(upright, rows)
    assert [sorted(set(case[0].amax(dim=(0, 1)).tolist())) for case in whole] == [[0.0, 1.0, 2.0, 3.0, 4.0]] * 16


def test_the_real_slices_of_a_padded_volume_are_flipped_among_themselves():
    images = torch.arange(5.0).expand(1, 1, 6, 6, 5).clone()

    flipped = DASRandFlipShift(flip_prob=1.0)(images, torch.tensor([3]))

    assert flipped[0, 0, 0, 0].tolist() == [2.0, 1.0, 0.0, 3.0, 4.0]


@pytest.mark.parametrize(("flip_prob", "shift"), [(-0.1, 0), (1.1, 0), (0.5, -1)])
def test_chances_and_shifts_out_of_range_are_refused(flip_prob, shift):
    with pytest.raises(ValueError, match=rf"got flip_prob={flip_prob} and shift={shift}"):
        DASRandFlipShift(flip_prob, shift)
