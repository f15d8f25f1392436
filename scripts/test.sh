#!/usr/bin/env bash
# Install what is missing and run every check and test.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/environment.sh
prepare all
bash scripts/check.sh
