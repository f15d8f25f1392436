"""Write the contract of each bundle's metadata, and what its training cases look like, into its weights.

Run it after a change of ``configs/metadata.json``: python scripts/write_contract.py [BUNDLE ...]. With --cases it reads
the training split (MONAI_DAS_DATA) and describes it anew; without, the weights keep what they hold of it. A
``models/model.ts`` is exported again.
"""

import argparse
import json
from pathlib import Path

from monai.bundle import ConfigParser, ckpt_export

from monai_das.contract import TrainingCases, write_terms

ROOT = Path(__file__).parents[1]
BUNDLES = (ROOT / "bundle", *sorted(ROOT.glob("zoo/*/")))


def training_cases(configs: Path) -> TrainingCases | None:
    """Return what the cases look like that the weights were trained on, by ``train.json`` in ``configs``."""
    parser = ConfigParser()
    parser.read_config(str(configs / "train.json"))
    parser.read_meta(str(configs / "metadata.json"))
    cases, preprocess, size = (
        parser.get_parsed_content(name) for name in ("all_cases", "validate#preprocessing", "size")
    )
    return TrainingCases.of_images((preprocess(dict(case))["image"] for case in cases), size)


def main() -> None:
    """Write the contract into the weights of every bundle."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundles", nargs="*", type=Path, default=BUNDLES)
    parser.add_argument("--cases", action="store_true", help="describe the training cases anew")
    arguments = parser.parse_args()
    for bundle in arguments.bundles:
        configs, models = bundle / "configs", bundle / "models"
        metadata = json.loads((configs / "metadata.json").read_text(encoding="utf-8"))
        write_terms(models / "model.pt", metadata, training_cases(configs) if arguments.cases else None)
        if (models / "model.ts").is_file():
            ckpt_export(
                net_id="network_def",
                filepath=str(models / "model.ts"),
                ckpt_file=str(models / "model.pt"),
                meta_file=str(configs / "metadata.json"),
                config_file=str(configs / "inference.json"),
            )


if __name__ == "__main__":
    main()
