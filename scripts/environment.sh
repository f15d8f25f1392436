# Sourced by the other scripts, in the checkout's root: `. scripts/environment.sh && prepare [EXTRAS]`.

# Find the data, enter the virtual environment (.venv unless one is active) and install what is missing.
prepare() {
    local extras="${1:-}" shared stamp wanted
    shared="$(cd .. && pwd)/shared"
    if [ -d "$shared/data" ]; then
        export MONAI_DAS_DATA="${MONAI_DAS_DATA:-$shared/data}"
    fi
    if [ -f "$shared/monai/meta_schema_20240725.json" ]; then
        export MONAI_DAS_SCHEMA="${MONAI_DAS_SCHEMA:-$shared/monai/meta_schema_20240725.json}"
    fi

    if [ -z "${VIRTUAL_ENV:-}" ]; then
        [ -x .venv/bin/pip ] || "${PYTHON:-python3}" -m venv .venv
        . .venv/bin/activate
    fi
    stamp="$VIRTUAL_ENV/.monai-das-${extras:-core}"
    wanted="$PWD $(cat pyproject.toml constraints.txt | cksum)"
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        echo "Installing into $VIRTUAL_ENV ..."
        # torch first: asked for by another package it would come as the newest build with gigabytes of CUDA
        python -m pip install -qq "$(grep '^torch==' constraints.txt)"
        python -m pip install -qq -c constraints.txt -e ".${extras:+[$extras]}"
        echo "$wanted" >"$stamp"
    fi
}
