#!/usr/bin/env bash
# Build the site of the docs into FOLDER (default: site), with every warning an error; nothing is downloaded.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/environment.sh
prepare all
NO_MKDOCS_2_WARNING=1 python -m mkdocs build --quiet --strict --site-dir "$(realpath -m "${1:-site}")"
