#!/usr/bin/env bash
# Start Label Studio 1.23.2 on this machine only, in an environment of its own: `label_studio.sh FOLDER [PORT]`.
# FOLDER keeps its database. LABEL_STUDIO_USERNAME, _PASSWORD and _USER_TOKEN make the first account.
set -euo pipefail

folder="${1:?folder for the database}"
port="${2:-8080}"
venv="${LABEL_STUDIO_VENV:-$(cd "$(dirname "$0")/.." && pwd)/.venv-label-studio}"
if [ ! -x "$venv/bin/label-studio" ]; then
    echo "Installing Label Studio into $venv ..."
    env -u VIRTUAL_ENV "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/python" -m pip install -qq label-studio==1.23.2
fi

mkdir -p "$folder"
export LABEL_STUDIO_BASE_DATA_DIR="$folder"
# no telemetry
export COLLECT_ANALYTICS=False SENTRY_DSN= FRONTEND_SENTRY_DSN= LATEST_VERSION_CHECK=False
export LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN=true
# without these two it refuses an ML backend on this machine
export SSRF_PROTECTION_ENABLED=false ML_BLOCK_LOCAL_IP=false
unset PYTHONPATH
exec "$venv/bin/label-studio" start --no-browser --internal-host 127.0.0.1 -p "$port" --host "http://127.0.0.1:$port"
