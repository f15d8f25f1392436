import pytest

from monai_das.data import CaseKey
from monai_das.deploy import DeploySettings, load_deploy_libraries, run_deploy_app


def test_a_missing_library_is_named_before_monai_is_imported(tmp_path):
    """These tests run without the SDK; tests/e2e/test_deploy.py takes away every other library in turn."""
    with pytest.raises(ImportError, match=r"^monai-deploy-app-sdk is needed and is not installed; install the extra"):
        load_deploy_libraries()


def test_the_application_asks_for_its_libraries_first(tmp_path):
    with pytest.raises(ImportError, match="pip install 'monai-das\\[deploy\\]'"):
        run_deploy_app([], tmp_path / "rules.json", CaseKey.new, DeploySettings())
