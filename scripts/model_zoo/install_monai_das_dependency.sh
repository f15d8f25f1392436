#!/usr/bin/env bash
# For the Model Zoo's ci/install_scripts: monai-das is on no package index, so its wheel comes from a release.
# MONAI_DAS_WHEEL is a path or an address of the wheel that `bash scripts/release.sh` makes.
set -euo pipefail

pip install "${MONAI_DAS_WHEEL:?set it to the wheel of a monai-das release}"
