#!/usr/bin/env bash
# Check the checkout with the tools of the active environment: `check.sh` everything but end to end, `check.sh lint` without
# the tests, `check.sh data` only the tests that need data, of which none may skip.
set -euo pipefail
cd "$(dirname "$0")/.."

lint() {
    ruff format --check .
    ruff check .
    mypy
    lint-imports --no-logo
}

tests() {
    OMP_NUM_THREADS=1 python -m pytest -n 2 --dist worksteal -rfEs --durations 10 "$@"
}

case "${1:-all}" in
    all)
        lint
        tests -m "not e2e" --cov
        ;;
    lint) lint ;;
    data) MONAI_DAS_NO_SKIPS=1 tests -m "data and not e2e" ;;
    *)
        echo "usage: ${0##*/} [lint|data]" >&2
        exit 2
        ;;
esac
