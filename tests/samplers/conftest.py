"""What the tests of all samplers share: every method, how to make one, and when two selections are equal."""

import inspect
from collections.abc import Callable

import pytest
import torch

from monai_das import samplers
from monai_das.samplers import Sampler, Selection

# Constructor arguments beyond the budget; a method without an entry needs none.
ARGUMENTS: dict[str, dict[str, object]] = {"DASPaperSampler": {"max_slices": 16}, "DASSampler": {"lesson_share": 1.0}}

METHODS = [
    method
    for method in (getattr(samplers, name) for name in samplers.__all__)
    if inspect.isclass(method) and issubclass(method, Sampler) and method is not Sampler
]


@pytest.fixture(params=METHODS, ids=lambda method: method.__name__)
def method(request: pytest.FixtureRequest) -> type[Sampler]:
    return request.param


@pytest.fixture
def make(method: type[Sampler]) -> Callable[..., Sampler]:
    def make_one(num_slices: int | None = 4, fraction: float | None = None) -> Sampler:
        return method(num_slices=num_slices, fraction=fraction, **ARGUMENTS.get(method.__name__, {})).eval()

    return make_one


@pytest.fixture
def assert_equal() -> Callable[[Selection, Selection], None]:
    def compare(one: Selection, other: Selection) -> None:
        for name, mine, others in zip(one._fields, one, other, strict=True):
            torch.testing.assert_close(mine, others, msg=lambda text, name=name: f"{name}: {text}")

    return compare
