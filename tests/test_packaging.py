"""pyproject.toml, constraints.txt and the code tell the same story."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import monai_das

ROOT = Path(__file__).parents[1]
REQUIREMENTS = [Requirement(line) for line in metadata.requires("monai-das") or [] if not line.startswith("monai-das[")]
PINS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)
# used without an import of ours: by `python -m monai.bundle`, by MONAI's readers and its TensorBoard handlers
THROUGH_MONAI = {"fire", "itk", "nibabel", "tensorboard"}
IMPORT_NAMES = {"pillow": "PIL", "pytorch-ignite": "ignite"}


def test_version_is_stated_once():
    assert metadata.version("monai-das") == monai_das.__version__
    assert f"## [{monai_das.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda requirement: requirement.name)
def test_each_direct_requirement_has_a_pin_within_its_range(requirement):
    assert PINS[requirement.name] in requirement.specifier


def test_no_pin_is_left_over():
    assert set(PINS) == {requirement.name for requirement in REQUIREMENTS}


def nodes_that_run(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under ``if TYPE_CHECKING:``."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield from nodes_that_run(child)


def imported_modules() -> set[str]:
    """Top-level modules of other parties that the package imports, anywhere."""
    imported = set()
    for path in (ROOT / "monai_das").rglob("*.py"):
        for node in nodes_that_run(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
    return imported - set(sys.stdlib_module_names) - {"monai_das"}


def test_core_requirements_are_what_the_package_uses():
    core = {IMPORT_NAMES.get(each.name, each.name) for each in REQUIREMENTS if not each.marker}

    assert imported_modules() | THROUGH_MONAI == core


def test_setup_py_only_adds_the_bundle():
    calls = [node for node in ast.walk(ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")))
             if isinstance(node, ast.Call) and ast.unparse(node.func) == "setup"]  # fmt: skip

    assert [(call.args, [each.arg for each in call.keywords]) for call in calls] == [([], ["cmdclass"])]


def test_console_script_exists():
    (script,) = metadata.entry_points(group="console_scripts", name="monai-das")

    assert callable(script.load())


def test_no_url_is_hidden_among_the_pins():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")

    assert all(re.fullmatch(r"#.*|[\w.-]+==[\w.]+|", line) for line in text.splitlines())
