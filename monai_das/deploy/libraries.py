"""What the MONAI Deploy App SDK needs before ``import monai`` may happen."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from monai_das._optional import require

DISTRIBUTIONS = ("monai-deploy-app-sdk", "holoscan-cu13", "pydicom", "highdicom")
ADVICE = "install the extra 'deploy' in an environment of its own: pip install 'monai-das[deploy]'"


def load_deploy_libraries() -> None:
    """Check that all the SDK needs is installed, and load the CUDA runtime. Call it before anything imports MONAI.

    The SDK lies in ``monai/deploy``, and ``import monai`` imports it: with one library missing, MONAI itself fails
    with a message about several versions of MONAI. Holoscan, below the SDK, is linked to ``libcudart.so.13`` even
    where there is no GPU. It is loaded from the wheel ``nvidia-cuda-runtime``, so that no CUDA toolkit is needed.

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
