"""MONAI Deploy application: python scripts/deploy_app -i DICOM_DIR -o OUT -m bundle/models/model.ts."""

import argparse
import sys
from pathlib import Path

from monai_das.cli.case_key_option import add_case_key, case_key_of
from monai_das.cli.choose_option import add_choose, chosen_of
from monai_das.cli.runtime_option import add_runtime, kept_graphs
from monai_das.deploy import DeploySettings, run_deploy_app


def main() -> int:
    """Run the application with the rules beside this file; its own errors are one line each."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_case_key(parser)
    parser.add_argument("--accept-any-input", action="store_true")
    add_choose(parser)
    add_runtime(parser)
    own, arguments = parser.parse_known_args()
    settings = DeploySettings(chosen_of(own), own.series, own.accept_any_input, own.runtime, kept_graphs())
    rules = Path(__file__).with_name("rules.json")
    try:
        return run_deploy_app(arguments, rules, lambda: case_key_of(own), settings)
    except (ImportError, OSError, ValueError) as error:
        print(f"deploy_app: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
