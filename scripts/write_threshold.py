"""Fix the decision threshold of each bundle on cases that its training did not see, and write it into its metadata.

Usage, then ``scripts/write_contract.py`` for the weights: python scripts/write_threshold.py [BUNDLE ...]
    python scripts/write_threshold.py zoo/brain_flair --folds WEIGHTS ...

The threshold is the one with the best balanced accuracy on the validation part (``validation_cases`` in ``train.json``;
needs MONAI_DAS_DATA), never on the test part. zoo/lung_ultrasound was trained on all patients: there it is the best for
the held-out fifths of all trainings by its recipe in ``results/runs.jsonl``. zoo/brain_flair was, too:
there it is the best for the sets that the trainings of the folds hold out, whose weights ``--folds`` names.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import torch
from monai.bundle import ConfigParser

from benchmarks.engine.results_file import predictions
from benchmarks.studies.brain_flair import held_out_sets
from monai_das.inference import load_bundle_model
from monai_das.metrics import best_threshold, classification_measures

ROOT = Path(__file__).parents[1]
FOLDED = ROOT / "zoo" / "lung_ultrasound"
RECIPE = {"data": "covid_blues", "method": "das", "k": 8}
Table = tuple[np.ndarray, np.ndarray]


def on_validation(bundle: Path) -> Table:
    """Return probabilities ``(N, K)`` and labels ``(N,)`` of the validation part, by the weights of ``bundle``."""
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "train.json"))
    parser.read_meta(str(bundle / "configs" / "metadata.json"))
    cases, preprocess = (parser.get_parsed_content(name) for name in ("validation_cases", "validate#preprocessing"))
    network = load_bundle_model(bundle, torch.device("cpu")).network
    with torch.inference_mode():
        logits = [network(torch.as_tensor(preprocess(dict(case))["image"])[None])[0] for case in cases]
    table = torch.stack(logits).double().softmax(dim=1).numpy()
    return table, np.array([int(case["label"]) for case in cases])


def on_folds() -> Table:
    """Return the same of the held-out folds of all trainings by the recipe of ``zoo/lung_ultrasound``."""
    lines = [json.loads(line) for line in (ROOT / "results" / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
    alike = [line for line in lines if all(line.get(name) == value for name, value in RECIPE.items())]
    tables = [predictions(line) for line in alike if line["settings"].get("target", "severity>=2") == "severity>=2"]
    print(f"{len(tables)} trainings, each with one of five folds of patients held out")
    probabilities, labels = zip(*tables, strict=True)
    return np.concatenate(probabilities), np.concatenate(labels)


def main() -> None:
    """Write the threshold of every bundle."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="*", type=Path, default=[ROOT / "bundle", FOLDED])
    parser.add_argument("--folds", nargs="+", type=Path, metavar="WEIGHTS", help="of zoo/brain_flair, fold by fold")
    arguments = parser.parse_args()
    for bundle in arguments.bundles:
        if arguments.folds:
            probabilities, labels = held_out_sets(os.environ["MONAI_DAS_DATA"], arguments.folds, bundle)
        else:
            probabilities, labels = on_folds() if bundle.resolve() == FOLDED.resolve() else on_validation(bundle)
        threshold = best_threshold(probabilities, labels)
        file = bundle / "configs" / "metadata.json"
        text = file.read_text(encoding="utf-8")
        old = json.dumps(json.loads(text)["contract"]["threshold"])
        file.write_text(text.replace(f'"threshold": {old}', f'"threshold": {json.dumps(threshold)}'), encoding="utf-8")
        for rule in (None, threshold):
            found = classification_measures(probabilities, labels, rule)
            words = "the most probable class" if rule is None else f"a threshold of {rule}"
            print(f"{bundle.name}: {len(labels)} cases, AUC {found['auc']:.4f}; balanced accuracy "
                  f"{found['balanced_accuracy']:.4f}, accuracy {found['accuracy']:.4f} by {words}")  # fmt: skip


if __name__ == "__main__":
    main()
