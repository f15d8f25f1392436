"""Kill runs at random moments, without warning, and go on: nothing may be lost, doubled or half done.

python scripts/kill_runs.py --kills 200 [--seed 0] [--only predict]

A quarter each for `monai-das predict`, `monai-das review push`, a training that resumes, and a sweep. A run is started
again until it ends; what it leaves is looked at after every kill, and compared at the end with what a run that nobody
disturbed has left. Runs are forked from a process that has imported what they need, so that a kill falls on their work.
Exit code 1: something was wrong.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))


class Verb:
    """Something to kill. ``folder`` is empty at first; ``act`` runs in a process of its own, the rest here."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folder = place / "none"

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

    def __init__(self, place: Path) -> None:
        import numpy as np

        from monai_das.datasets import write_nifti

        super().__init__(place)
        for number in range(5):
            values = np.zeros((64, 64, 60 + number), np.uint8)
            values[20:40, 24 : 36 + number, 10:50] = 255
            write_nifti(values, place / "studies" / f"{number}.nii")
        self.key = place / "key"
        self.key.write_text("ab" * 32)
        self.key.chmod(0o600)

    def act(self) -> None:
        """Do the whole work, or what is left of it."""
        from monai_das.cli import main

        words = ["--report", "json,png,html", "--case-key", str(self.key)]
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

    def __init__(self, place: Path) -> None:
        import numpy as np

        super().__init__(place)
        shutil.copytree(ROOT / "bundle" / "configs", place / "bundle" / "configs")
        random_numbers, arrays = np.random.default_rng(0), {}
        for split, count in {"train": 12, "val": 8, "test": 8}.items():
            arrays[f"{split}_images"] = random_numbers.integers(0, 50, (count, 28, 28, 28), dtype=np.uint8)
            arrays[f"{split}_labels"] = (np.arange(count) % 2)[:, None].astype(np.uint8)
        np.savez(place / "adrenalmnist3d.npz", **arrays)

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
        self.data = Training(place / "data").place
        shutil.copytree(ROOT / "configs", place / "configs")
        (place / "configs" / "grids").mkdir(exist_ok=True)
        common = json.loads((ROOT / "benchmarks/grids/equal_terms.json").read_text(encoding="utf-8"))
        common |= {"base": str(ROOT / "bundle/configs/train.json"), "recipe": {"epochs": 1, "batch_size": 4}}
        grid = {"data": ["adrenal28"], "methods": ["das", "dps", "top_variance", "uniform"], "budgets": [0.125]}
        self.grid = place / "configs" / "grids" / "small.json"
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

    def __init__(self, place: Path) -> None:
        from monai_das.reports import write_json, write_slices
        from tests.reports.conftest import make_result, pixels_of
        from tests.review.small_label_studio import TOKEN, SmallLabelStudio

        super().__init__(place)
        for number in range(12):
            result = make_result(case_id=f"case-{number:016x}", group=f"patient-{number:016x}")
            write_json(result, place / "out" / result.case_id / "result.json")
            write_slices(result, pixels_of(result), place / "out" / result.case_id / "slices.zip")
        self.server = SmallLabelStudio()
        Thread(target=self.server.serve_forever, daemon=True).start()
        os.environ |= {"LABEL_STUDIO_URL": self.server.url, "LABEL_STUDIO_API_KEY": TOKEN}

    def start_again(self, folder: Path) -> None:
        """Begin with an empty server."""
        self.server.projects, self.server.tasks = {}, {}

    def act(self) -> None:
        """Do the whole work, or what is left of it."""
        from monai_das.cli import main

        assert main(["review", "init"]) == 0
        assert main(["review", "push", str(self.place / "out"), "--project", "1"]) == 0

    def found(self) -> dict[str, Any]:
        """Return what is there, by name."""
        tasks = [task["data"] for task in self.server.tasks.copy().values()]
        found = {task["key"]: task["digest"] for task in tasks}
        assert len(found) == len(tasks), "a case was pushed twice"
        assert len(self.server.projects) <= 1, "a second project was made"
        return found


VERBS: dict[str, Callable[[Path], Verb]] = {"predict": Predict, "training": Training, "sweep": Sweep, "push": Push}


def forked(act: Callable[[], None], seconds: float | None = None) -> bool:
    """Call ``act`` in a process of its own, killed after ``seconds``; say whether it came to its end.

    Raises:
        AssertionError: it failed by itself.
    """
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException), open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            act()
            code = 0
        os._exit(code)
    end = None if seconds is None else time.monotonic() + seconds
    while end is None or time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0, f"a run that nobody killed ended with {status}"
            return True
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def import_all_of(verb: Verb, folder: Path) -> None:
    """Import here what ``verb`` imports in a run, so that no later run has to."""
    verb.start_again(folder)
    names = folder.parent / "modules.txt"

    def act() -> None:
        verb.act()
        names.write_text("\n".join(sys.modules), encoding="utf-8")

    forked(act)
    for name in names.read_text(encoding="utf-8").split("\n"):
        with contextlib.suppress(Exception):
            import_module(name)


def kill(make: Callable[[Path], Verb], kills: int, place: Path, draw: random.Random) -> tuple[int, int]:
    """Kill runs ``kills`` times; return how many runs were killed, and how many came to their end.

    Raises:
        AssertionError: something is lost, doubled or half done.
    """
    verb = make(place)
    import_all_of(verb, place / "first")
    verb.start_again(place / "whole")
    start = time.monotonic()
    forked(verb.act)
    longest, whole = time.monotonic() - start, verb.found()
    assert whole, "the run left nothing"
    killed = finished = 0
    while killed < kills:
        verb.start_again(place / f"run{finished}")
        before: dict[str, Any] = {}
        ended = False
        while not ended:
            ended = forked(verb.act, draw.uniform(0, longest) if killed < kills else None)
            killed += not ended
            now = verb.found()
            lost = [name for name, value in before.items() if name not in now]
            assert not lost, f"lost: {lost}"
            before = now
        assert before == whole, "the end is another than that of the run that nobody disturbed"
        finished += 1
    return killed, finished


def main() -> int:
    """Kill, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=VERBS, action="append", help="these alone; may be given again")
    arguments = parser.parse_args()
    chosen, wrong = arguments.only or list(VERBS), 0
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                killed, ended = kill(
                    VERBS[name], arguments.kills // len(chosen), Path(folder), random.Random(arguments.seed)
                )
                print(f"{name}: {killed} kills, {ended} runs to the end, nothing lost or doubled", flush=True)
            except Exception as error:  # what is half done raises in the library that reads it
                wrong += 1
                print(f"{name}: {type(error).__name__}: {error}", flush=True)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
