"""Say in one sentence what each picture of scripts/demo.sh shows: `tell_demo.py OUT`, its output folder."""

import argparse
import json
from pathlib import Path

TRUTHS = ("normal", "hyperplasia")


def main(out: Path) -> None:
    """Print the picture and its sentence for every case; then how many volumes were called what they are."""
    truths = json.loads((out / "cases.json").read_text(encoding="utf-8"))
    right: dict[str, bool] = {}
    for picture in sorted(out.glob("predict*/*/montage.png")):
        result = json.loads((picture.parent / "result.json").read_text(encoding="utf-8"))
        name = str(result.get("name", "the clip"))
        print(picture)
        print(f"    {sentence(result, name, truths.get(name))}")
        if name in truths and not name.endswith("_dicom"):
            right[name] = result["label"] == truths[name]
    print(f"{sum(right.values())} of {len(right)} volumes are called what they are.")


def sentence(result: dict, name: str, truth: str | None) -> str:
    """Return what the picture of ``result`` shows: the slices, the answer, and the truth where it is known."""
    slices = [each["index"] for each in result["selected_slices"]]
    seen = f"{len(slices)} of {result['total_slices']} slices of {name}, between {min(slices)} and {max(slices)}"
    if truth is None:
        return f"{seen}: moments of a beating heart, spread over the clip; the answer means nothing, as said above."
    called = f"called {result['label']} ({max(result['probabilities'].values()):.0%})"
    shape = "a thin gland" if truth == TRUTHS[0] else "a thick gland"
    return f"{seen}, white where the mask of {shape} is: {called}, truly {truth}."


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    main(parser.parse_args().out)
