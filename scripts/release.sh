#!/usr/bin/env bash
# Make what is released of the last commit: wheel, sdist, a zip of every bundle, and their SHA256SUMS, in dist/.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -n "$(git status --porcelain)" ]; then
    echo "There are uncommitted changes; commit them first, or put them aside by git stash" >&2
    exit 1
fi
. scripts/environment.sh
prepare
rm -rf dist
python scripts/pack_release.py dist
