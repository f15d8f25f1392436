"""What ``scripts/release.sh`` packs: the product without laboratory and tests, and bundles that MONAI unpacks."""

import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile

import pytest
from monai.bundle import download, verify_metadata

import monai_das
from scripts import tell_audit
from tests.bundle.bundle_runs import BUNDLES, ROOT, SCHEMA_MD5, config

TRACKED = ["git", "ls-files", "--", "bundle"]


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release") / "dist"
    subprocess.run([sys.executable, "scripts/pack_release.py", folder], cwd=ROOT, check=True, timeout=300)
    return folder


@pytest.fixture(params=BUNDLES, ids=lambda path: path.name)
def zipped(dist, request):
    """Folder of a bundle, its name in the zoo, and its zip."""
    name = f"{'adrenal_ct' if request.param.name == 'bundle' else request.param.name}_classification"
    version = config("metadata.json", request.param)["version"]
    return request.param, name, dist / f"{name}_v{version}.zip"


def test_there_are_one_wheel_one_sdist_a_zip_per_bundle_and_their_sums(dist):
    names = sorted(path.name for path in dist.iterdir())
    version = monai_das.__version__
    lines = (dist / "SHA256SUMS").read_text(encoding="utf-8").splitlines()

    assert len(names) == len(BUNDLES) + 3
    assert {f"monai_das-{version}-py3-none-any.whl", f"monai_das-{version}.tar.gz", "SHA256SUMS"} < set(names)
    assert lines == [
        f"{hashlib.sha256((dist / name).read_bytes()).hexdigest()}  {name}" for name in names if name != "SHA256SUMS"
    ]


def test_the_wheel_holds_the_whole_package_the_bundle_and_nothing_else(dist):
    (wheel,) = dist.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    names = [name for name in archive.namelist() if not name.startswith("monai_das-")]
    package = ROOT / "monai_das"
    sources = {path.relative_to(ROOT).as_posix() for path in package.rglob("*") if path.suffix not in ("", ".pyc")}
    bundle = subprocess.run(TRACKED, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    copies = {f"monai_das/_{name}": (ROOT / name).read_bytes() for name in bundle}

    assert set(names) == sources | set(copies)
    assert {name: archive.read(name) for name in copies} == copies


def test_the_sdist_holds_no_laboratory_and_no_tests(dist):
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        folders = {name.split("/")[1] for name in archive.getnames() if name.count("/") > 1}

    assert folders == {"monai_das", "monai_das.egg-info", "bundle"}


def test_a_zip_stands_on_its_own(zipped):
    _, name, path = zipped
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        texts = {each: archive.read(each) for each in names if not each.endswith((".pt", ".ts", ".safetensors"))}

    needed = {"LICENSE", "configs/metadata.json", "configs/inference.json", "docs/README.md", "models/model.pt"}
    assert {f"{name}/{file}" for file in needed} <= set(names)
    assert [each for each in names if not each.startswith(f"{name}/") or ".." in each] == []
    assert [each for each, content in texts.items() if b"../" in content] == []


@pytest.mark.filterwarnings("ignore:No hash value provided")  # MONAI asks for none where a URL is given
def test_monai_unpacks_a_zip_where_it_looks_for_the_bundle(zipped, tmp_path):
    folder, name, path = zipped

    download(name=name, url=path.as_uri(), bundle_dir=tmp_path)

    for file in ("configs/metadata.json", "models/model.pt"):
        assert (tmp_path / name / file).read_bytes() == (folder / file).read_bytes()


def test_the_metadata_in_a_zip_fit_the_official_schema(zipped, official_schema, tmp_path):
    _, name, path = zipped
    zipfile.ZipFile(path).extractall(tmp_path)

    metadata = tmp_path / name / "configs" / "metadata.json"
    verify_metadata(meta_file=str(metadata), filepath=str(official_schema), hash_val=SCHEMA_MD5)


def told(audit, tmp_path, capsys):
    """What scripts/tell_audit.py says of these dependencies."""
    (tmp_path / "audit.json").write_text(json.dumps({"dependencies": audit, "fixes": []}), encoding="utf-8")
    tell_audit.main(tmp_path / "audit.json")
    return capsys.readouterr().out.splitlines()


WEAK = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1", "2.0"], "aliases": []}]}
GOOD = {"name": "good", "version": "3.0", "vulns": []}
UNKNOWN = {"name": "new", "skip_reason": "Dependency not found on PyPI and could not be audited: new (0.1)"}


def test_an_audit_that_looked_nothing_up_does_not_pass_for_a_good_one(tmp_path, capsys):
    lines = told([UNKNOWN, UNKNOWN], tmp_path, capsys)

    assert lines[0] == "NOT AUDITED: none of 2 packages is known to the service that was asked"
    assert lines[1:] == [f"not audited: {UNKNOWN['skip_reason']}"] * 2


@pytest.mark.parametrize(
    ("audit", "first"),
    [
        ([GOOD, UNKNOWN], "no known weakness in 1 packages; 1 more were NOT AUDITED"),
        ([WEAK, GOOD], "1 known weaknesses in 2 packages; 0 more were NOT AUDITED"),
        ([WEAK, WEAK, UNKNOWN], "2 known weaknesses in 2 packages; 1 more were NOT AUDITED"),
    ],
)
def test_the_first_line_of_an_audit_sums_up(tmp_path, capsys, audit, first):
    assert told(audit, tmp_path, capsys)[0] == first


def test_an_audit_names_each_weakness_and_the_version_without_it(tmp_path, capsys):
    lines = told([WEAK, GOOD], tmp_path, capsys)

    assert lines[1:] == ["old 1.0: PYSEC-1, mended in 1.1, 2.0"]
