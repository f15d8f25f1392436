#!/usr/bin/env bash
# Run what a user runs, on real input: the demonstration twice, the short needle benchmark, the cost table.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/environment.sh
prepare all
bash scripts/demo.sh
bash scripts/demo.sh
report="$(monai-das benchmark needle --short)"
echo "$report"
tail -n 1 <<<"$report" | python -m json.tool >/dev/null
monai-das benchmark cost
echo "end-to-end: all passed"
