#!/usr/bin/env bash
# Make what is released of the last commit, in dist/: wheel, sdist, a zip of every bundle, the list of all packages that
# it was tested with (CycloneDX), their audit, and SHA256SUMS.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -n "$(git status --porcelain)" ]; then
    echo "There are uncommitted changes; commit them first, or put them aside by git stash" >&2
    exit 1
fi

# Write dist/sbom.cdx.json and dist/audit.txt, by tools in an environment of their own.
inventory() {
    local tools=.cache/release_tools packages
    packages="$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
    [ -x "$tools/bin/pip" ] || "${PYTHON:-python3}" -m venv "$tools"
    "$tools/bin/pip" install -qq 'cyclonedx-bom>=7,<8' 'pip-audit>=2.10,<3'
    # the checkout is the root by pyproject.toml: as an installed package it would be listed with its path
    "$tools/bin/cyclonedx-py" environment --pyproject pyproject.toml --output-reproducible -o dist/sbom.cdx.json \
        "$(command -v python)"
    # exit code 1 with an answer: weaknesses are known
    "$tools/bin/pip-audit" --path "$packages" --format json --progress-spinner off \
        >"$tools/audit.json" 2>"$tools/said" || true
    if [ -s "$tools/audit.json" ]; then
        python scripts/tell_audit.py "$tools/audit.json" >dist/audit.txt
    else
        echo "NOT AUDITED, as the service could not be asked: $(tail -n 1 "$tools/said")" >dist/audit.txt
    fi
}

. scripts/environment.sh
prepare all
rm -rf dist
mkdir dist
inventory
python scripts/pack_release.py dist
head -n 1 dist/audit.txt >&2
