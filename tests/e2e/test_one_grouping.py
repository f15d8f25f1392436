"""One study, laid out flat and nested, gives the same two cases from disk, from Orthanc and in Deploy."""

import json

import pytest
from pydicom import dcmread

pytest.importorskip("dicomweb_client")

from monai_das.cli import main
from monai_das.data import dicomweb_cases, find_cases, open_source, survey_studies
from tests.data.pacs_export import flattened, write_export
from tests.e2e.deploy_runs import ENVIRONMENT, LOADER, ROOT, run_deploy


@pytest.fixture
def layouts(tmp_path):
    """The study in folders for each series, and in one."""
    (tmp_path / "nested").mkdir()
    write_export(tmp_path / "nested", side=32)
    return tmp_path / "nested", flattened(tmp_path / "nested", tmp_path / "flat")


def slices_of(studies):
    """The SOPInstanceUIDs of every case, in order."""
    return [[ref.sop_instance_uid for ref in open_source(study).refs] for study in studies]


def cases_of(folder):
    """The ids of all cases of a run: those that were done, and those that the bundle's contract refuses."""
    refused = json.loads((folder / "errors.json").read_text(encoding="utf-8"))["errors"]
    return {path.parent.name for path in folder.glob("*/result.json")} | {each["case"] for each in refused}


@pytest.mark.parametrize("flat", [False, True])
def test_orthanc_has_the_two_cases_of_the_files(orthanc, layouts, flat):
    nested, folder = layouts
    paths = [folder] if flat else sorted(nested.iterdir())
    orthanc.upload(*paths)
    study = f"{orthanc.dicomweb}/studies/{dcmread(next(folder.iterdir())).StudyInstanceUID}"

    served = dicomweb_cases(study)

    assert len(served) == 2
    assert slices_of(served) == slices_of(path for _, path in find_cases([nested]))
    passed = {each.format: each.count for each in survey_studies([study]).passed_over}
    assert passed == {each.format: each.count for each in survey_studies([nested]).passed_over}


@pytest.mark.parametrize("flat", [False, True])
def test_deploy_has_the_two_cases_of_the_command_line(tmp_path, layouts, flat):
    if not (ENVIRONMENT / "bin" / "python").exists() or not LOADER.exists():
        pytest.skip("no .venv-deploy; scripts/test_e2e.sh makes it")
    run = run_deploy(layouts[flat], tmp_path / "deployed")

    main(["predict", str(layouts[1 - flat]), "--bundle", str(ROOT / "bundle"), "-o", str(tmp_path / "predicted")])
    assert cases_of(run.folder) == cases_of(tmp_path / "predicted"), run.log
    assert len(cases_of(run.folder)) == 2
    passed = json.loads((run.folder / "errors.json").read_text())["passed_over"]
    assert sum(each["count"] for each in passed) == 6
