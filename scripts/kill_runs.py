"""Kill runs at random moments, without warning, and go on: nothing may be lost, doubled or half done.

python scripts/kill_runs.py --kills 200 [--seed 0] [--only predict]

A quarter each for `monai-das predict`, `monai-das review push`, a training that resumes, and a sweep. A run is started
again until it ends; what it leaves is looked at after every kill, and compared at the end with what a run that nobody
disturbed has left. Exit code 1: something was wrong.

Runs are forked from a nursery: a process of its own that has imported what they need, so that a kill falls on their
work, and that has no other threads, as a fork beside a thread may wait for that thread's locks for ever.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib import import_module
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


def forked(act: Callable[[], None], seconds: float | None = None) -> int | None:
    """Call ``act`` in a fork, killed after ``seconds``; return how it ended: 0 if all went well, None if killed."""
    assert threading.active_count() == 1, "a fork beside a thread may wait for its locks for ever"
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
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def work(verb: Verb) -> None:
    """Be a nursery: fork a run for each line of JSON, ``[folder, seconds]``, and answer how it ended."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    known = False
    for line in sys.stdin:
        folder, seconds = json.loads(line)
        verb.folder = Path(folder)
        status = forked(verb.act, seconds) if known else import_all_of(verb)
        known = True
        print(json.dumps(status), file=answers, flush=True)


def import_all_of(verb: Verb) -> int | None:
    """Import here what ``verb`` imports in a run, so that no later run has to; return how that run ended."""
    names = verb.place / "modules.txt"

    def act() -> None:
        verb.act()
        names.write_text("\n".join(sys.modules), encoding="utf-8")

    status = forked(act)
    for name in [] if status else names.read_text(encoding="utf-8").split("\n"):
        with contextlib.suppress(Exception):
            import_module(name)
    return status


class Nursery:
    """Runs of the verb ``name``, in forks of a process of its own."""

    def __init__(self, name: str, place: Path) -> None:
        command = [sys.executable, __file__, "--work", name, str(place)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def run(self, folder: Path, seconds: float | None = None) -> bool:
        """Run in ``folder``, killed after ``seconds``; say whether it came to its end.

        Raises:
            AssertionError: it failed by itself.
        """
        self.process.stdin.write(json.dumps([str(folder), seconds]) + "\n")
        self.process.stdin.flush()
        status = json.loads(self.process.stdout.readline())
        assert not status, f"a run that nobody killed ended with {status}"
        return status == 0


def kill(name: str, kills: int, place: Path, draw: random.Random) -> tuple[int, int]:
    """Kill runs of the verb ``name`` ``kills`` times; return how many were killed, and how many came to their end.

    Raises:
        AssertionError: something is lost, doubled or half done.
    """
    verb = VERBS[name](place)
    verb.prepare()
    with Nursery(name, place) as nursery:
        verb.start_again(place / "first")
        nursery.run(verb.folder)
        verb.start_again(place / "whole")
        start = time.monotonic()
        nursery.run(verb.folder)
        return killed_runs(verb, nursery, (kills, time.monotonic() - start), draw)


def killed_runs(verb: Verb, nursery: Nursery, most: tuple[int, float], draw: random.Random) -> tuple[int, int]:
    """Kill runs of ``verb``, whose ``folder`` holds what a run leaves that nobody disturbs.

    ``most`` are the number of kills, and the seconds that a whole run takes. See :func:`kill`.
    """
    (kills, longest), whole, place = most, verb.found(), verb.folder.parent
    assert whole, "the run left nothing"
    killed = finished = 0
    while killed < kills:
        verb.start_again(place / f"run{finished}")
        before: dict[str, Any] = {}
        ended = False
        while not ended:
            ended = nursery.run(verb.folder, draw.uniform(0, longest) if killed < kills else None)
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
    parser.add_argument("--work", nargs=2, metavar=("VERB", "PLACE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        name, place = arguments.work
        work(VERBS[name](Path(place)))
        return 0
    chosen, wrong = arguments.only or list(VERBS), 0
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                killed, ended = kill(name, arguments.kills // len(chosen), Path(folder), random.Random(arguments.seed))
                print(f"{name}: {killed} kills, {ended} runs to the end, nothing lost or doubled", flush=True)
            except Exception as error:  # what is half done raises in the library that reads it
                wrong += 1
                print(f"{name}: {type(error).__name__}: {error}", flush=True)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
