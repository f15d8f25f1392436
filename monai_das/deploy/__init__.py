"""The MONAI Deploy application: a DICOM study in, SR, KOS and JSON out. Runs in an environment of its own.

Importing this package loads neither MONAI nor the Deploy SDK: :func:`run_deploy_app` does, after
:func:`load_deploy_libraries` has seen that all of it is there.
"""

from monai_das.deploy.libraries import load_deploy_libraries
from monai_das.deploy.run import run_deploy_app

__all__ = ["load_deploy_libraries", "run_deploy_app"]
