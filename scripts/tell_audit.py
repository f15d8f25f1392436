"""Say in words what pip-audit found, and of how many packages it found nothing out: `tell_audit.py AUDIT.json`."""

import argparse
import json
from pathlib import Path


def main(audit: Path) -> None:
    """Print one line that sums up, then a line for each weakness and for each package that was not looked up."""
    packages = json.loads(audit.read_text(encoding="utf-8"))["dependencies"]
    skipped = [package for package in packages if "skip_reason" in package]
    weak = [(package, weakness) for package in packages for weakness in package.get("vulns", [])]
    looked_up = len(packages) - len(skipped)
    if looked_up == 0:
        print(f"NOT AUDITED: none of {len(packages)} packages is known to the service that was asked")
    else:
        known = f"{len(weak)} known weaknesses" if weak else "no known weakness"
        print(f"{known} in {looked_up} packages; {len(skipped)} more were NOT AUDITED")
    for package, weakness in weak:
        fixed = ", ".join(weakness["fix_versions"]) or "no version"
        print(f"{package['name']} {package['version']}: {weakness['id']}, mended in {fixed}")
    for package in skipped:
        print(f"not audited: {package['skip_reason']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("audit", type=Path)
    main(parser.parse_args().audit)
