"""What ``kill_runs.py`` kills: prediction, training, a sweep, and pushing to Label Studio."""

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))


class Verb:
    """Something to kill: ``act`` runs in forks of the nursery, the rest here. ``folder`` is empty at first."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folder = place / "none"

    def prepare(self) -> None:
        """Write to ``place`` what the runs need, once."""

    def act(self) -> None:
        """Do the whole work, or what is left of it, in ``folder``."""
        raise NotImplementedError

    def found(self) -> dict[str, Any]:
        """Return what is in ``folder`` by name; raise AssertionError if any of it is half done."""
        raise NotImplementedError

    def start_again(self, folder: Path) -> None:
        """Work in the empty ``folder`` from now on."""
        self.folder = folder


class Predict(Verb):
    """Five studies with the package's bundle, three reports each."""

    def prepare(self) -> None:
        """Write the studies and the key."""
        import numpy as np

        from monai_das.datasets import write_nifti

        for number in range(5):
            values = np.zeros((64, 64, 60 + number), np.uint8)
            values[20:40, 24 : 36 + number, 10:50] = 255
            write_nifti(values, self.place / "studies" / f"{number}.nii")
        (self.place / "key").write_text("ab" * 32)
        (self.place / "key").chmod(0o600)

    def act(self) -> None:
        """Do the whole work, or what is left of it."""
        from monai_das.cli import main

        words = ["--report", "json,png,html", "--case-key", str(self.place / "key")]
        assert main(["predict", str(self.place / "studies"), "-o", str(self.folder), *words]) == 0

    def found(self) -> dict[str, Any]:
        """Return what is there, by name."""
        results = {}
        for case in sorted(self.folder.glob("case-*")):
            assert sorted(each.name for each in case.iterdir()) == ["case.html", "montage.png", "result.json"], case
            results[case.name] = json.loads((case / "result.json").read_text(encoding="utf-8")) | {"timings": None}
        return results


class Training(Verb):
    """Three epochs of train.json, resumed from its last resume point."""

    def prepare(self) -> None:
        """Write configs and cases."""
        import numpy as np

        shutil.copytree(ROOT / "bundle" / "configs", self.place / "bundle" / "configs")
        random_numbers, arrays = np.random.default_rng(0), {}
        for split, count in {"train": 12, "val": 8, "test": 8}.items():
            arrays[f"{split}_images"] = random_numbers.integers(0, 50, (count, 28, 28, 28), dtype=np.uint8)
            arrays[f"{split}_labels"] = (np.arange(count) % 2)[:, None].astype(np.uint8)
        np.savez(self.place / "adrenalmnist3d.npz", **arrays)

    def act(self) -> None:
        """Do the whole work, or what is left of it."""
        from tests.bundle.bundle_runs import SMALL, workflow

        places = {"bundle_root": str(self.place / "bundle"), "dataset_dir": str(self.place)}
        settings = SMALL | places | {"output_dir": str(self.folder), "epochs": 3, "resume": True}
        run = workflow(self.place / "bundle", ["train.json"], settings)
        run.initialize()
        run.run()
        run.finalize()

    def found(self) -> dict[str, Any]:
        """Return what is there, by name."""
        import torch

        found = {}
        for file in self.folder.glob("[!.]*.pt"):
            held = torch.load(file, weights_only=True)
            if file.name.startswith("model"):
                found[file.name] = {name: value.tolist() for name, value in held.items()}
        return found


class Sweep(Verb):
    """A grid of four trainings."""

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.data, self.grid = place / "data", place / "configs" / "grids" / "small.json"

    def prepare(self) -> None:
        """Write cases, overlays and the grid."""
        Training(self.data).prepare()
        shutil.copytree(ROOT / "configs", self.place / "configs")
        self.grid.parent.mkdir(exist_ok=True)
        common = json.loads((ROOT / "benchmarks/grids/equal_terms.json").read_text(encoding="utf-8"))
        common |= {"base": str(ROOT / "bundle/configs/train.json"), "recipe": {"epochs": 1, "batch_size": 4}}
        grid = {"data": ["adrenal28"], "methods": ["das", "dps", "top_variance", "uniform"], "budgets": [0.125]}
        self.grid.write_text(json.dumps(common | grid | {"seeds": [0]}), encoding="utf-8")

    def act(self) -> None:
        """Do the whole work, or what is left of it."""
        from benchmarks.engine.sweep import run_sweep

        run_sweep(self.grid, self.folder / "runs.jsonl", str(self.data), 0, lambda line: None)

    def found(self) -> dict[str, Any]:
        """Return what is there, by name."""
        from benchmarks.engine.results_file import predictions, read_results

        lines = read_results(self.folder / "runs.jsonl")
        kept = {
            json.dumps(line["job"], sort_keys=True): [each.tolist() for each in predictions(line)] for line in lines
        }
        assert len(kept) == len(lines), "a job has two lines"
        return kept


class Push(Verb):
    """Twelve results to a small Label Studio."""

    def prepare(self) -> None:
        """Write the results, and start the server, whose address the nursery finds in its environment."""
        from monai_das.reports import write_json, write_slices
        from tests.reports.conftest import make_result, pixels_of
        from tests.review.small_label_studio import TOKEN, SmallLabelStudio

        for number in range(12):
            result = make_result(case_id=f"case-{number:016x}", group=f"patient-{number:016x}")
            write_json(result, self.place / "out" / result.case_id / "result.json")
            write_slices(result, pixels_of(result), self.place / "out" / result.case_id / "slices.zip")
        self.server = SmallLabelStudio()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        os.environ |= {"LABEL_STUDIO_URL": self.server.url, "LABEL_STUDIO_API_KEY": TOKEN}

    def start_again(self, folder: Path) -> None:
        """Begin with an empty server."""
        super().start_again(folder)
        self.server.projects, self.server.tasks, self.server.files = {}, {}, {}

    def act(self) -> None:
        """Do the whole work, or what is left of it."""
        from monai_das.cli import main

        assert main(["review", "init"]) == 0
        assert main(["review", "push", str(self.place / "out"), "--project", "1"]) == 0

    def found(self) -> dict[str, Any]:
        """Return what is there, by name."""
        tasks = [task["data"] for task in self.server.tasks.copy().values()]
        found = {task["case"]: [each["digest"] for each in task["answers"]] for task in tasks}
        assert len(found) == len(tasks), "a case was pushed twice"
        assert len(self.server.projects) <= 1, "a second project was made"
        return found


VERBS: dict[str, Callable[[Path], Verb]] = {"predict": Predict, "training": Training, "sweep": Sweep, "push": Push}
