"""Attention that knows the sampling design, what it teaches a sampler, and the network that learns from all slices."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from monai_das.losses import DASLoss
from monai_das.networks import DASDesignAggregation, DASSliceClassifier
from monai_das.networks.aggregation import weighted_sum
from monai_das.networks.design_aggregation import every_slice
from monai_das.samplers import DASEvenSampler, DASSampler, Selection


def selection_of(features: Tensor, lengths: Tensor | None = None, k: int = 3) -> Selection:
    thumbnails = torch.rand(features.size(0), 1, 8, 8, features.size(1))
    return DASEvenSampler(num_slices=k).eval()(thumbnails, lengths)


def network(**settings: object) -> DASSliceClassifier:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4, 5))
    sampler = DASSampler(num_slices=2)
    return DASSliceClassifier(sampler, backbone, 3, num_features=5, thumbnail_size=8, dropout_prob=0.0, **settings)


def test_with_design_1_the_chosen_slices_stand_for_all() -> None:
    features = torch.rand(1, 8, 5)
    attention = DASDesignAggregation(5)
    attention.design.data.fill_(1.0)
    nn.init.zeros_(attention.weight.weight)
    inclusion = torch.tensor([[1.0, 0.25, 0.25, 0.25, 0.25, 0.0, 0.0, 0.0]])
    chosen = selection_of(features, k=2)._replace(indices=torch.tensor([[0, 3]]), inclusion=inclusion)

    weights = attention.weights(features[:, [0, 3]], chosen)

    # slice 3 stands for the four of its part
    assert weights.tolist() == [[pytest.approx(0.2), pytest.approx(0.8)]]


def test_without_a_design_it_is_plain_attention() -> None:
    features = torch.rand(2, 3, 5)
    attention = DASDesignAggregation(5)
    selection = selection_of(torch.rand(2, 8, 5))

    plain = attention(features, selection._replace(inclusion=torch.zeros(2, 8)))

    expected = torch.softmax(attention.logits(features), dim=1)
    assert torch.allclose(plain, (features * expected[:, :, None]).sum(dim=1), atol=1e-6)


def test_a_share_is_how_far_an_average_slice_in_its_place_would_move_the_answer() -> None:
    features, lengths = torch.rand(2, 6, 5), torch.tensor([6, 4])
    attention, head = DASDesignAggregation(5), torch.rand(3, 5)
    whole = every_slice(selection_of(features, lengths))

    shares = attention.shares(features, whole, head)

    weights = attention.weights(features, whole)
    for case, real in enumerate(lengths.tolist()):
        answer = weights[case] @ features[case] @ head.T
        moves = []
        for place in range(real):
            other = features[case].clone()
            other[place] = features[case, :real].mean(dim=0)
            move = answer - weights[case] @ other @ head.T
            moves.append((move - move.mean()).norm())
        expected = torch.stack(moves).detach()
        assert torch.allclose(shares[case, :real], expected / expected.sum(), atol=1e-4)
        assert shares[case, real:].sum() == 0.0


def test_slices_that_are_alike_have_equal_shares() -> None:
    features = torch.ones(1, 4, 5)

    shares = DASDesignAggregation(5).shares(features, every_slice(selection_of(features)), torch.rand(1, 5))

    assert shares.tolist() == [[0.25] * 4]


def test_the_network_answers_from_all_slices_and_teaches_scores_and_the_answer_from_few() -> None:
    net = network().train()
    volume, lengths = torch.randn(3, 1, 8, 8, 6), torch.tensor([6, 6, 4])

    torch.manual_seed(1)
    output = net(volume, lengths)
    torch.manual_seed(1)
    chosen = net.score(net.thumbnails(volume), lengths)

    whole = every_slice(chosen)
    images = volume.permute(0, 4, 1, 2, 3).flatten(0, 1)
    features = net.backbone(images).view(3, 6, 5)
    few = features.gather(1, chosen.indices[:, :, None].expand(-1, -1, 5))
    short = net.conclude(few, chosen)
    assert torch.allclose(output.selection.whole, net.head.of_all(net.aggregation(features, whole)), atol=1e-5)
    assert torch.allclose(output.logits, short, atol=1e-5)
    lesson = net.aggregation.shares_lesson(features, whole, net.head.weight)
    missed = functional.kl_div(short.log_softmax(1), output.selection.whole.detach().softmax(1), reduction="none").sum(
        dim=1
    )
    assert torch.allclose(output.selection.penalty, 10.0 * lesson + 0.5 * missed, atol=1e-4)
    target = torch.tensor([0, 1, 2])
    loss = DASLoss()(output, target)
    tasks = functional.cross_entropy(output.selection.whole, target) + 0.5 * functional.cross_entropy(short, target)
    assert torch.allclose(loss, tasks + output.selection.penalty.mean(), atol=1e-4)
    loss.backward()
    assert net.sampler.head[-1].weight.grad.any()
    assert net.aggregation.design.grad is not None


@pytest.mark.parametrize("settings", [{"detach_choice": True}, {"aggregation": DASDesignAggregation(5, 128, 0.0)}])
def test_a_settled_choice_and_attention_that_does_not_teach_see_few_slices_alone(settings: dict[str, object]) -> None:
    net = network(**settings).train()
    seen: list[int] = []
    net.backbone.register_forward_hook(lambda _, images, __: seen.append(len(images[0])))

    net(torch.randn(3, 1, 8, 8, 6))

    assert seen == [6]


def test_scripted_and_exported_it_answers_as_it_does() -> None:
    net = network().eval()
    nn.init.normal_(net.sampler.head[-1].weight)
    volume = torch.randn(2, 1, 8, 8, 7)

    assert torch.allclose(torch.jit.script(net)(volume), net(volume), atol=1e-5)


def test_the_answer_from_few_teaches_its_own_correction_and_leaves_what_teaches_alone() -> None:
    net = network().train()
    features, kept = torch.randn(3, 2, 5, requires_grad=True), selection_of(torch.rand(3, 6, 5), k=2)

    pooled = weighted_sum(features, net.aggregation.weights(features, kept, settled=True))
    functional.cross_entropy(net.head.of_few(pooled), torch.tensor([0, 1, 2])).backward()

    attention = [name for name, each in net.aggregation.named_parameters() if each.grad is not None]
    head = [name for name, each in net.head.named_parameters() if each.grad is not None]
    assert (attention, head) == (["design"], ["correction.weight", "correction.bias"])
    assert features.grad is not None
    assert torch.allclose(pooled, net.aggregation(features, kept), atol=1e-6)


def test_a_lesson_cannot_weigh_less_than_nothing() -> None:
    with pytest.raises(ValueError, match=r"distillation_weight must not be negative, got -1\.0"):
        DASDesignAggregation(6, distillation_weight=-1.0)
