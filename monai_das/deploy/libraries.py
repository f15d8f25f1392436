"""Load what the MONAI Deploy App SDK needs before ``import monai``."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from monai_das._optional import require

DISTRIBUTIONS = ("monai-deploy-app-sdk", "holoscan-cu13", "pydicom", "highdicom")
ADVICE = "install the extra 'deploy' in an environment of its own: pip install 'monai-das[deploy]'"


def load_deploy_libraries() -> None:
    """Check that the SDK's libraries are installed, and load the CUDA runtime. Call this before importing MONAI.

    The SDK lies in ``monai/deploy``, and ``import monai`` imports it. If a library is missing, MONAI itself fails with
    a message about several versions of MONAI. Holoscan, on which the SDK is built, links to ``libcudart.so.13`` even
    without a GPU. This loads it from the wheel ``nvidia-cuda-runtime``, so that no CUDA toolkit is needed.

    Raises:
        ImportError: a library is missing; the message names it and what to install.
    """
    for name in DISTRIBUTIONS:
        try:
            version(name)
        except PackageNotFoundError as error:
            raise ImportError(f"{name} is needed and is not installed; {ADVICE}", name=name) from error
    finder = require("cuda.pathfinder", extra="deploy")
    try:
        finder.load_nvidia_dynamic_lib("cudart")
    except finder.DynamicLibNotFoundError as error:
        raise ImportError(
            f"libcudart.so.13, the CUDA runtime that Holoscan is linked to, is not found; {ADVICE}", name="cudart"
        ) from error
