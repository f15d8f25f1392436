#!/usr/bin/env bash
# Install what is missing and run every check and test, or the part of them that is named as for check.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/environment.sh
prepare all,ray
bash scripts/check.sh "$@"
