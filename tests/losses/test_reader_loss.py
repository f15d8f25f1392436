import pytest
import torch
from torch import nn

from monai_das.losses import DASLoss, DASReaderLoss
from monai_das.losses.reader_loss import KINDS, slice_verdicts
from monai_das.networks import DASOutput
from monai_das.samplers.selection import lowest, new_selection


def output_of(pred, scores):
    """Return what a network gives in ``train()``, with the given scores ``(B, D)``."""
    return DASOutput(pred, new_selection(scores, scores, scores, scores))


@pytest.fixture
def scores():
    return torch.zeros(2, 4, requires_grad=True)


@pytest.fixture
def pred():
    return torch.randn(2, 2)


LABEL = torch.tensor([0, 1])
NOTHING = torch.zeros(2, 4)


def term(scores, verdicts, **settings):
    return DASReaderLoss(**settings).disagreement(scores, verdicts)


@pytest.mark.parametrize("kind", KINDS)
def test_wanted_slices_are_pulled_up_and_rejected_ones_pushed_down(scores, kind):
    verdicts = torch.tensor([[1, 0, -1, 0], [0, 0, 0, 0]])

    term(scores, verdicts, kind=kind).backward()

    wanted, unlabelled, rejected, _ = (-scores.grad[0]).tolist()
    assert wanted > 0 > rejected
    assert rejected < unlabelled < wanted


@pytest.mark.parametrize("kind", KINDS)
def test_a_rejection_alone_pushes_that_slice_below_the_others(scores, kind):
    term(scores, torch.tensor([[0, 0, -1, 0], [0, 0, 0, 0]]), kind=kind).backward()

    assert (-scores.grad[0]).sign().tolist() == [1.0, 1.0, -1.0, 1.0]


@pytest.mark.parametrize("kind", KINDS)
def test_unlabelled_slices_are_not_pulled_up_where_others_are_wanted(kind):
    # what was chosen in vain scores highest: turning the order round would please the pairs, and lose the wanted slice
    scores = torch.tensor([[2.0, 2.0, -1.0, 1.0]], requires_grad=True)

    term(scores, torch.tensor([[0, -1, 0, 1]]), kind=kind).backward()

    assert (-scores.grad[0]).sign().tolist() == [-1.0, -1.0, -1.0, 1.0]


@pytest.mark.parametrize("kind", KINDS)
def test_cases_without_verdicts_contribute_nothing(scores, kind):
    verdicts = torch.tensor([[1, 0, -1, 0], [0, 0, 0, 0]])

    both = term(scores, verdicts, kind=kind)
    both.backward()

    assert torch.equal(both, term(scores[:1], verdicts[:1], kind=kind))
    assert scores.grad[1].abs().sum() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_without_any_verdict_there_is_the_task_loss_alone(scores, pred, kind):
    loss = DASReaderLoss(kind=kind)(output_of(pred, scores), {"label": LABEL, "verdicts": NOTHING})

    assert loss == DASLoss()(pred, LABEL)


@pytest.mark.parametrize("kind", KINDS)
def test_a_weight_of_zero_leaves_unlabelled_slices_alone(scores, kind):
    term(scores, torch.tensor([[1, 0, -1, 0], [0, 0, 0, 0]]), kind=kind, unlabelled_weight=0.0).backward()

    assert scores.grad[0, [1, 3]].abs().max() < 1e-3
    assert scores.grad[0, 0] < -0.1


@pytest.mark.parametrize("kind", KINDS)
def test_padded_slices_have_no_part(kind):
    short = torch.tensor([[0.5, 1.0, 0.0]])
    padded = torch.tensor([[0.5, 1.0, 0.0, lowest()]])

    assert term(short, torch.tensor([[1, 0, -1]]), kind=kind) == pytest.approx(
        term(padded, torch.tensor([[1, 0, -1, 0]]), kind=kind).item()
    )


def test_one_pair_has_the_loss_of_the_formula():
    value = term(torch.tensor([[2.0, 0.5]]), torch.tensor([[1, -1]]), margin=1.0)

    assert value == pytest.approx(nn.functional.softplus(torch.tensor(-0.5)).item())


def test_shares_are_equal_among_the_wanted_slices():
    scores = torch.tensor([[9.0, 0.0, 9.0, 0.0]]) * torch.tensor([[1.0], [-1.0]])
    verdicts = torch.tensor([[1, -1, 1, -1], [0, 0, 0, 0]])

    right, wrong = (term(each[None], verdicts[:1], kind="shares").item() for each in scores)

    assert right == pytest.approx(0.0, abs=1e-3)
    assert wrong == pytest.approx(9.0, abs=1e-3)


def test_where_no_slice_shows_it_the_shares_are_even():
    scores = torch.tensor([[3.0, 0.0, 0.0, 0.0]], requires_grad=True)

    term(scores, torch.full((1, 4), -1), kind="shares").backward()

    assert (-scores.grad[0]).sign().tolist() == [-1.0, 1.0, 1.0, 1.0]


def test_widened_shares_reach_the_neighbours_and_no_padding():
    scores = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0, lowest()]], requires_grad=True)
    verdicts = torch.tensor([[-1, -1, -1, 1, -1, 0]])

    term(scores, verdicts, kind="shares", widen=0.8).backward()

    pulled = -scores.grad[0]
    assert pulled[3] > pulled[4] == pulled[2] > 0.0 > pulled[1] > pulled[0]
    assert pulled[5] == 0.0


def test_at_a_temperature_scores_become_so_much_sharper_than_shares(scores):
    verdicts = torch.tensor([[1, 1, -1, -1], [-1, 1, 1, -1]])

    warm = term(2.0 * scores, verdicts, kind="shares", temperature=2.0)

    torch.testing.assert_close(warm, term(scores, verdicts, kind="shares"))


def test_binary_verdicts_make_each_score_the_logit_of_its_own_slice():
    scores = torch.tensor([[2.0, -1.0, 5.0, 0.5]])
    verdicts = torch.tensor([[1, -1, 0, 1]])

    value = term(scores, verdicts, kind="binary", temperature=2.0)

    chances = torch.sigmoid(scores[0] / 2.0)
    told = chances[0].log() + (1.0 - chances[1]).log() + 0.5 * (1.0 - chances[2]).log() + chances[3].log()
    wanted = -told / 3.5
    torch.testing.assert_close(value, wanted)


def test_binary_verdicts_of_slices_that_are_all_rejected_teach_too(scores):
    term(scores, torch.full((2, 4), -1), kind="binary").backward()
    assert (scores.grad > 0.0).all()


def test_widened_binary_verdicts_ask_less_of_the_neighbours_of_a_wanted_slice():
    scores = torch.tensor([[0.0, 0.0, 0.0, 0.0, lowest()]], requires_grad=True)

    term(scores, torch.tensor([[-1, -1, 1, -1, 0]]), kind="binary", widen=1.0).backward()

    pulled = -4.0 * scores.grad[0]
    wanted = torch.exp(torch.tensor([-2.0, -0.5, 0.0, -0.5])) - 0.5
    torch.testing.assert_close(pulled, torch.cat((wanted, torch.zeros(1))))


def test_without_a_label_the_slices_teach_alone(scores, pred):
    logits, selection = output_of(pred, scores)
    penalised = DASOutput(logits, selection._replace(penalty=torch.tensor([1.0, 3.0])))
    verdicts = torch.tensor([[1, 0, -1, 0], [0, 1, 0, 0]])
    loss = DASReaderLoss(penalty_weight=0.5)

    assert loss(penalised, {"verdicts": verdicts}).item() == pytest.approx(1.0 + term(scores, verdicts).item())
    assert loss(pred, {"verdicts": verdicts}) == 0.0


def test_training_adds_the_weighted_term_and_validation_none(scores, pred):
    target = {"label": LABEL, "verdicts": torch.tensor([[1, 0, -1, 0], [0, 1, 0, 0]])}
    loss = DASReaderLoss(verdict_weight=3.0)

    task = DASLoss()(pred, LABEL)
    in_training = loss(output_of(pred, scores), target)
    in_validation = loss(pred, target)

    assert in_training.item() == pytest.approx((task + 3.0 * term(scores, target["verdicts"])).item())
    assert in_validation == task


def test_a_plain_target_gives_the_task_loss(scores, pred):
    output = output_of(pred, scores)

    assert DASReaderLoss()(output, LABEL) == DASReaderLoss()(output, {"label": LABEL}) == DASLoss()(pred, LABEL)


def test_the_task_loss_can_be_any_other_and_the_penalty_has_its_weight(scores, pred):
    task = nn.CrossEntropyLoss(label_smoothing=0.1)
    logits, selection = output_of(pred, scores)
    penalised = DASOutput(logits, selection._replace(penalty=torch.tensor([1.0, 3.0])))

    loss = DASReaderLoss(task, penalty_weight=0.5)(penalised, {"label": LABEL, "verdicts": NOTHING})

    torch.testing.assert_close(loss, task(pred, LABEL) + 1.0)


def test_a_map_that_was_augmented_is_read_by_its_mean():
    verdicts = torch.zeros(1, 1, 4, 4, 3)
    verdicts[..., 0] = 1.0
    verdicts[:, :, :1, :, 0] = 0.0
    verdicts[:, :, :3, :, 2] = -1.0

    assert slice_verdicts(verdicts).tolist() == [[1, 0, -1]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "hinge"}, r"kind must be one of .*, got 'hinge'"),
        ({"verdict_weight": -1.0}, r"weights must not be negative, got verdict_weight=-1.0"),
        ({"widen": -1.0}, r"widen must not be negative, got -1.0; it is in slices"),
        ({"temperature": 0.0}, r"temperature must be above 0, got 0.0"),
        ({"unlabelled_weight": -0.5}, r"weights must not be negative, got .* unlabelled_weight=-0.5"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        DASReaderLoss(**settings)


def test_verdicts_of_another_depth_are_refused(scores):
    with pytest.raises(ValueError, match=r"\(2, 4\) as B and D, got \(2, 5\); do not drop slices"):
        term(scores, torch.zeros(2, 5))
