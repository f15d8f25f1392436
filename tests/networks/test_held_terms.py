"""Weights hold what they were made for: other values are refused on loading, field by field."""

import copy

import pytest
import torch

from monai_das.networks import DASMeanAggregation, DASSliceClassifier
from monai_das.networks.held_terms import HeldTerms, decoded_terms
from monai_das.samplers import DASTopVarianceSampler

TERMS = {"numbers": {"classes": ["well", "ill"], "intensity": {"scale": "range"}}, "notes": {"version": "1"}}


def network(contract=None):
    backbone = torch.nn.Conv2d(1, 4, 3)
    sampler = DASTopVarianceSampler(num_slices=2)
    return DASSliceClassifier(sampler, backbone, 2, DASMeanAggregation(), 4, thumbnail_size=8, contract=contract)


def test_terms_travel_with_the_weights():
    made, fresh = network(TERMS), network(TERMS)

    fresh.load_state_dict(made.state_dict())

    assert fresh.contract.read() == TERMS


def test_another_value_is_refused_with_both_values_and_nothing_is_taken():
    other = copy.deepcopy(TERMS)
    other["numbers"]["classes"] = ["ill", "well"]
    net = network(TERMS)

    message = r'classes: the weights were made with \["ill", "well"\], the bundle or config says \["well", "ill"\]'
    with pytest.raises(RuntimeError, match=message):
        net.load_state_dict(network(other).state_dict(), strict=False)

    assert net.contract.read() == TERMS


def test_other_notes_are_not_refused():
    other = {**TERMS, "notes": {"version": "2"}}
    net = network(TERMS)

    net.load_state_dict(network(other).state_dict())

    assert net.contract.read() == other


@pytest.mark.parametrize("weights", ["older", "without"])
def test_weights_without_terms_are_refused_by_a_network_with_terms(weights):
    state = network().state_dict()
    if weights == "older":
        del state["contract.text"]

    with pytest.raises(RuntimeError, match=r"the weights hold no contract.*docs/migration\.md"):
        network(TERMS).load_state_dict(state)


def test_a_network_without_terms_takes_older_weights_and_those_of_others():
    older = network().state_dict()
    del older["contract.text"]
    net = network()

    net.load_state_dict(older)
    assert net.contract.read() == {}

    net.load_state_dict(network(TERMS).state_dict())
    assert net.contract.read() == TERMS


def test_terms_survive_half_precision_and_torchscript():
    scripted = torch.jit.script(network(TERMS).eval())

    assert decoded_terms(network(TERMS).half().contract.text) == TERMS
    assert decoded_terms(scripted.contract.text) == TERMS


def test_a_number_sign_that_monai_has_rewritten_is_the_same_name():
    held, own = ({"numbers": {"classes": ["a", name]}} for name in ("grade #2", "grade ::2"))
    terms = HeldTerms(own)

    terms.load_state_dict(HeldTerms(held).state_dict())

    assert terms.read() == held


def test_terms_that_are_too_long_say_so():
    with pytest.raises(ValueError, match="at most 16384 bytes as JSON, got 20021; shorten its texts"):
        HeldTerms({"notes": {"text": "a" * 20000}})


@pytest.mark.parametrize(
    "text", [None, torch.zeros(4), torch.tensor([91, 93], dtype=torch.uint8), torch.ones(9).byte()]
)
def test_what_is_no_terms_reads_as_none(text):
    assert decoded_terms(text) == {}
