#!/usr/bin/env bash
# Check the checkout with the tools of the active environment; `check.sh lint` leaves the tests out.
set -euo pipefail
cd "$(dirname "$0")/.."

ruff format --check .
ruff check .
mypy
lint-imports --no-logo
if [ "${1:-}" != lint ]; then
    OMP_NUM_THREADS=1 python -m pytest -m "not e2e" -n 2 --dist loadfile --cov -rs --durations 10
fi
