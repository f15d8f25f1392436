import pytest
import torch
from torch import Tensor

from benchmarks import DASTeacher
from monai_das.samplers import DASFullSampler, Selection

HEAD = torch.eye(2, 6)


def whole(batch: int = 3, depth: int = 8) -> Selection:
    return DASFullSampler()(torch.rand(batch, 1, 4, 4, depth))


def steep_teacher(kind: str) -> DASTeacher:
    torch.manual_seed(0)
    teacher = DASTeacher(6, kind=kind)
    torch.nn.init.normal_(teacher.weight.weight, std=3.0)
    return teacher


def lesson(kind: str, features: Tensor) -> Tensor:
    teacher, selection = steep_teacher(kind).eval(), whole()
    fitting = selection._replace(scores=teacher.logits(features).detach())
    return teacher.lesson(features, fitting, HEAD)[0]


def test_scores_that_fit_the_attention_have_nothing_to_learn() -> None:
    torch.testing.assert_close(lesson("attention", torch.randn(3, 8, 6)), torch.zeros(3), atol=1e-5, rtol=0.0)


def test_smooth_attention_is_asked_to_be_like_its_neighbours() -> None:
    features = torch.randn(3, 8, 6)

    rough, smooth = lesson("smooth", features), lesson("smooth", features[:, :1].expand(-1, 8, -1))

    assert (rough > 1e-3).all()
    torch.testing.assert_close(smooth, torch.zeros(3), atol=1e-5, rtol=0.0)


def test_masking_leaves_out_slices_of_the_highest_attention_in_training_alone() -> None:
    teacher, features, selection = steep_teacher("masked"), torch.randn(3, 8, 6), whole()
    plain = teacher.eval().weights(features, selection)

    masked = torch.stack([teacher.train().weights(features, selection) for _ in range(50)])

    left_out = (masked == 0.0).float().mean(dim=0)
    highest = torch.zeros_like(plain).scatter(1, plain.topk(3, dim=1).indices, 1.0).bool()
    assert (plain > 0.0).all()
    assert ((left_out[highest] > 0.3) & (left_out[highest] < 0.9)).all()
    assert (left_out[~highest] == 0.0).all()
    torch.testing.assert_close(masked.sum(dim=2), torch.ones(50, 3))


def test_masking_leaves_something_of_short_cases() -> None:
    selection = DASFullSampler()(torch.rand(2, 1, 4, 4, 8), torch.tensor([2, 1]))

    weights = steep_teacher("masked").train().weights(torch.randn(2, 8, 6), selection)

    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))


def test_an_unknown_kind_names_the_choices() -> None:
    with pytest.raises(ValueError, match="kind must be one of attention, smooth, masked, got 'rough'"):
        DASTeacher(6, kind="rough")
