# Sourced by the other scripts, in the checkout's root: `. scripts/environment.sh && prepare [EXTRAS]`.

# Find the data, enter the virtual environment (.venv unless one is active) and install what is missing.
prepare() {
    local extras="${1:-}" shared
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
    install_into "$VIRTUAL_ENV" "$extras"
}

# Make the environment of the MONAI Deploy application, with its SDK: it must not share one with anything else.
prepare_deploy() {
    [ -x .venv-deploy/bin/pip ] || "${PYTHON:-python3}" -m venv .venv-deploy
    install_into .venv-deploy deploy
}

# Install the checkout with extras into a virtual environment, unless that was done: install_into FOLDER EXTRAS
install_into() {
    local folder="$1" extras="$2" stamp wanted
    stamp="$folder/.monai-das-${extras:-core}"
    wanted="$PWD $(cat pyproject.toml constraints.txt | cksum)"
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        echo "Installing into $folder ..."
        # torch first: asked for by another package it would come as the newest build with gigabytes of CUDA
        "$folder/bin/python" -m pip install -qq "$(grep '^torch==' constraints.txt)"
        "$folder/bin/python" -m pip install -qq -c constraints.txt -e ".${extras:+[$extras]}"
        echo "$wanted" >"$stamp"
    fi
}

# Install Debian packages that are missing, or say which: debian_packages NAME...
debian_packages() {
    local name missing=()
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q "ok installed" || missing+=("$name")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    echo "Installing ${missing[*]} ..."
    # runlevel 1: the package's own server is not started
    if [ "$(id -u)" != 0 ] || ! apt-get update -qq ||
        ! RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
        echo "These Debian packages are needed: apt-get install ${missing[*]} (as root)" >&2
        return 1
    fi
}

# Unpack a real head CT, which the Debian package invesalius-examples holds, into .cache/head_ct.
head_ct() {
    local folder=.cache/head_ct
    [ -z "$(find "$folder" -name Cranium.inv3 2>/dev/null)" ] || return 0
    mkdir -p "$folder"
    if ! (cd "$folder" && { apt-get download -qq invesalius-examples || { apt-get update -qq && apt-get download -qq invesalius-examples; }; } &&
        dpkg-deb -x invesalius-examples_*.deb .); then
        echo "The Debian package invesalius-examples cannot be had; it holds the head CT that the tests need" >&2
        return 1
    fi
}
