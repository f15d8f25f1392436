"""What a docstring says of arguments is what the signature has."""

import importlib
import inspect
import pkgutil
import re

import pytest

from monai_das import losses, networks, samplers


def named_arguments(docstring: str) -> list[str]:
    """Names before the colons of the section "Args", at its own indentation."""
    section = re.search(r"^( *)Args:\n((?:\1 +.*\n|\n)*)", inspect.cleandoc(docstring) + "\n", re.MULTILINE)
    if section is None:
        return []
    names = re.findall(r"^    (\w[\w, ]*):", section.group(2), re.MULTILINE)
    return [name.strip() for each in names for name in each.split(",")]


def documented() -> dict[str, object]:
    """Every class and function of the core whose docstring has a section of arguments, and every public sampler."""
    found = {}
    for package in (samplers, networks, losses):
        for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            for name, member in vars(importlib.import_module(info.name)).items():
                if getattr(member, "__module__", "") == info.name and named_arguments(member.__doc__ or ""):
                    found[f"{info.name}.{name}"] = member
    return found


DOCUMENTED = documented()


def test_the_section_is_read_as_it_is_written() -> None:
    docstring = """Choose.

    Args:
        first, second: the budget,
            see: below.
        third: more.

    Returns:
        fourth: nothing.
    """

    assert named_arguments(docstring) == ["first", "second", "third"]
    assert named_arguments("Choose.") == []


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_argument_that_is_described_exists_and_the_other_way_round(name: str) -> None:
    arguments = inspect.signature(DOCUMENTED[name]).parameters

    assert sorted(named_arguments(DOCUMENTED[name].__doc__)) == sorted(arguments)


@pytest.mark.parametrize("name", [each for each in samplers.__all__ if inspect.isclass(getattr(samplers, each))])
def test_every_sampler_describes_its_arguments(name: str) -> None:
    member = getattr(samplers, name)

    assert member is samplers.Selection or f"{member.__module__}.{name}" in DOCUMENTED
