"""MONAI Deploy application: python scripts/deploy_app -i DICOM_DIR -o OUT -m bundle/models/model.ts."""

import sys
from pathlib import Path

from monai_das.deploy import run_deploy_app


def main() -> int:
    """Run the application with the rules beside this file; its own errors are one line each."""
    try:
        return run_deploy_app(sys.argv[1:], Path(__file__).with_name("rules.json"))
    except (ImportError, OSError, ValueError) as error:
        print(f"deploy_app: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
