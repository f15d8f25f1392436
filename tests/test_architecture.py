"""The rules of docs/architecture.md that no linter knows."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import grimp
import pytest
from monai.bundle.config_item import ComponentLocator

import monai_das

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "monai_das"
PACKAGES = sorted(f"monai_das.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py"))
SOURCES = sorted(PACKAGE.rglob("*.py"))
# the Deploy SDK has an environment of its own
NEED_THE_DEPLOY_SDK = ("monai_das.deploy.application", "monai_das.deploy.operators")
CORE = ("samplers", "networks", "transforms", "losses", "handlers", "metrics")
TRAINERS = ("monai_das", "benchmarks", "scripts", "zoo")
# what only an extra installs, and what a first `import monai_das` has no use for
EXTRAS = (
    "highdicom",
    "dicomweb_client",
    "av",
    "label_studio_sdk",
    "fastapi",
    "uvicorn",
    "onnxruntime",
    "onnxscript",
    "openvino",
)
LATER = ("torch", "monai", "numpy", "pydicom", "nibabel", "itk", "matplotlib")

without_cli = [path for path in SOURCES if path.relative_to(PACKAGE).parts[0] not in ("cli.py", "cli")]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tracked_files() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in sorted(set(listed)) if (ROOT / name).is_file()]


def loaded_by(statement: str) -> set[str]:
    """Names of the top-level modules that a fresh process has after ``statement``."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(monai_das.__path__, "monai_das.")
    left_out = (*NEED_THE_DEPLOY_SDK, "monai_das.__main__")
    return [importlib.import_module(module.name) for module in found if module.name not in left_out]


def defined_in(module: ModuleType) -> set[str]:
    """Public classes and functions that ``module`` itself defines: what MONAI finds by its bare name."""
    members = inspect.getmembers(module, lambda member: inspect.isclass(member) or inspect.isfunction(member))
    return {name for name, member in members if member.__module__ == module.__name__ and not name.startswith("_")}


def test_import_is_cheap_and_loads_no_extra():
    assert loaded_by("import monai_das").isdisjoint({*EXTRAS, *LATER})


def test_no_package_loads_an_extra_at_import():
    assert loaded_by(f"import {', '.join(PACKAGES)}").isdisjoint(EXTRAS)


@pytest.mark.parametrize("package", ["monai_das", *PACKAGES])
def test_all_is_what_can_be_imported(package):
    module = importlib.import_module(package)
    public = {
        name
        for name, member in vars(module).items()
        if not name.startswith("_") and not isinstance(member, ModuleType) and name != "annotations"
    }

    assert set(module.__all__) - {"__version__"} == public
    assert len(module.__all__) == len(set(module.__all__))


def test_no_public_name_is_one_of_monais():
    monai_names = ComponentLocator(excludes=["monai_das"])
    ours = set().union(*(defined_in(module) for module in modules()))

    taken = {name: monai_names.get_component_module_name(name) for name in ours}

    assert {name: place for name, place in taken.items() if place} == {}


def packages_around(module: str) -> set[str]:
    """``module`` and the packages that it lies in: importing it runs them all."""
    parts = module.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts) + 1)}


def circle_in(imports: dict[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_no_file_imports_itself_through_others_not_even_in_a_function_or_for_types():
    graph = grimp.build_graph("monai_das", "benchmarks", cache_dir=None)
    imports = {
        module: {
            loaded
            for imported in graph.find_modules_directly_imported_by(module)
            for loaded in packages_around(imported) - (packages_around(module) - {imported})
        }
        for module in graph.modules
    }

    assert "monai_das.data.dicom" in imports["monai_das.data.open"]
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
    assert circle_in(imports) == []


def test_only_the_command_line_imports_our_own_files_inside_functions():
    found = {
        f"{name_of(path)}:{node.lineno}"
        for path in without_cli
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
        if name.split(".")[0] in ("monai_das", "benchmarks")
    }

    assert found == set()


def calls_of(path: Path) -> Iterator[str]:
    """Yield the method of every call in a file, ``optimizer.step`` with the name before it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr
            yield f"{ast.unparse(node.func.value).rpartition('.')[2]}.{node.func.attr}"


def test_nothing_trains_but_the_engine_of_monai():
    calls = {"backward", "zero_grad", "optimizer.step"}
    files = [path for path in tracked_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in TRAINERS]

    assert {name_of(path) for path in files if not calls.isdisjoint(calls_of(path))} == set()


def test_files_stay_short():
    suffixes = {".py", ".sh", ".toml", ".yaml", ".conf"}
    lengths = {
        name_of(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in tracked_files()
        if path.suffix in suffixes or (path.suffix == ".json" and "configs" in path.parts)
    }

    assert {name: length for name, length in lengths.items() if length > 300} == {}


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
    return (function.end_lineno or 0) - first.lineno + 1


def test_functions_stay_short():
    lengths = {
        f"{name_of(path)}:{node.lineno} {node.name}": body_length(node)
        for path in tracked_files()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {name: length for name, length in lengths.items() if length > 40} == {}


@pytest.mark.parametrize("path", without_cli, ids=name_of)
def test_only_the_command_line_prints_and_reads_arguments_or_the_environment(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imports |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert names.isdisjoint({"print", "environ", "getenv"})
    assert attributes.isdisjoint({"environ", "getenv", "argv"})
    assert "argparse" not in imports


@pytest.mark.parametrize("path", [p for p in SOURCES if p.relative_to(PACKAGE).parts[0] in CORE], ids=name_of)
def test_the_core_does_not_know_the_deploy_sdk(path):
    assert "monai.deploy" not in path.read_text(encoding="utf-8")


def test_errors_about_studies_keep_identities_beside_their_words():
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in sorted((PACKAGE / "data").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id.endswith("Error")
        and node.args
        if isinstance(node.args[0], ast.JoinedStr) and isinstance(node.args[0].values[0], ast.FormattedValue)
        if ast.unparse(node.args[0].values[0]).endswith(("path}'", "name}'", "file}'", "folder}'", "root}'"))
    ]

    assert found == [], "raise monai_das.data.messages.StudyError(path, words, files=..., texts=...)"


def test_each_folder_has_its_sentence():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `([\w.]+)/?` \| .+\. \|$", text, flags=re.MULTILINE))
    rooms = {path.relative_to(PACKAGE).parts[0] for path in SOURCES} - {"__init__.py"}
    folders = {path.relative_to(ROOT).parts[0] for path in tracked_files() if path.parent != ROOT}

    assert described == rooms | folders - {".ci"}


def test_each_room_inside_a_room_has_its_sentence():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `(\w+/\w+)/` \| .+\. \|$", text, flags=re.MULTILINE))
    within_rooms = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob("*/*/__init__.py")}
    laboratory = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("benchmarks/*/__init__.py")}

    assert described == within_rooms | laboratory


def test_no_machine_path_and_no_registry_host_is_written_down():
    machine = re.compile(r"(?<![\w.~<-])/(?:work|root|home|Users)/\w")
    host = re.compile(r"https?://\S*(?:py(?:p)i|hosted|npm|conda)\b|(?:extra-)?index-url|find-links")
    found = []
    for path in tracked_files():
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), start=1):
            if machine.search(line) or (host.search(line) and path != Path(__file__)):
                found.append(f"{name_of(path)}:{number}: {line.strip()[:100]}")

    assert found == []
