#!/usr/bin/env bash
# The main job on real input: the trained bundle by `monai.bundle run` and by `monai-das predict`, on studies and a clip.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/environment.sh
prepare

out=demo_output
rm -rf "$out"
echo "== Cases =="
python scripts/make_demo_cases.py "$out/cases"

echo
echo "== python -m monai.bundle run =="
log="$out/bundle_run.log"
if ! python -m monai.bundle run --config_file bundle/configs/inference.json --bundle_root bundle \
    --dataset_dir "$PWD/$out/cases" --output_dir "$PWD/$out/bundle_run" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
echo "case,normal,hyperplasia"
sed 's|^.*/cases/||' "$out/bundle_run/predictions.csv"

echo
echo "== monai-das predict (the cases are public, so --include-phi may show their names) =="
monai-das predict "$out/cases" --bundle bundle -o "$out/predict" --include-phi

echo
echo "== monai-das predict --bundle zoo/lung_ultrasound: 8 frames of an echo clip =="
echo "The model was made for lung ultrasound, not for hearts: its answer means nothing here. It shows how a clip is read."
clip="$(python -c 'from pydicom.data import get_testdata_file as f; print(f("examples_ybr_color.dcm", download=False))')"
monai-das predict "$clip" --bundle zoo/lung_ultrasound --accept-any-input -o "$out/predict_clip" --report json,png,html --include-phi

echo
echo "Pictures of the chosen slices, and what is seen:"
python scripts/tell_demo.py "$PWD/$out"
