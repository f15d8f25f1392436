"""The MONAI Deploy application, which turns a DICOM study into SR, KOS and JSON in an environment of its own.

Importing this package loads neither MONAI nor the Deploy SDK. :func:`run_deploy_app` loads them after
:func:`load_deploy_libraries` has checked that all of their libraries are installed.
"""

from monai_das.deploy.libraries import load_deploy_libraries
from monai_das.deploy.run import DeploySettings, run_deploy_app

__all__ = ["DeploySettings", "load_deploy_libraries", "run_deploy_app"]
