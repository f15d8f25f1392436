"""Open mutated real files: each must give a result, or a ValueError that names the file, within 10 s and 2 GiB.

python scripts/fuzz_readers.py --count 20000 --seed 0 [--keep FOLDER]

Files come from the pydicom and nibabel wheels, from $MONAI_DAS_DATA where it is set, and are made (videos, series).
They are opened in a process of its own, so that what ends or stops that is noticed. Exit code 1: faults were found;
they stay in FOLDER.
"""

import argparse
import gzip
import json
import os
import random
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS, GIB = 10.0, 2.0
LARGEST = 1 << 20
SUFFIXES = (".nii", ".nii.gz", ".hdr", ".img", ".mgz", ".mgh", ".nrrd", ".mha", ".mp4", ".avi", ".mkv", ".mov", ".gif")
# what breaks programs: ends of the ranges of integers, NaN and infinities, empty, signs of other numbers
WORDS = [
    *(int(number).to_bytes(size, "little", signed=number < 0)
      for size in (1, 2, 4, 8) for number in (0, 1, 2, -1, -2, 1 << 8 * size - 2)),
    b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f", b"\x00\x00\x80\xff",
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xfe\xff\xdd\xe0\x00\x00\x00\x00", b"\xe0\x7f\x10\x00", b"SQ\x00\x00",
]  # fmt: skip
SIGNS = b"0123456789-+.eE\\, nNaAiI^\x00\xff"


@dataclass(frozen=True)
class Seed:
    """A file to mutate, and the files that lie beside it as they are."""

    file: Path
    beside: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of an opened study: ``read``, ``refused``, or the fault that should not be."""

    kind: str
    words: str = ""


def seeds(made: Path, *folders: Path) -> list[Seed]:
    """Return real files of at most 1 MiB, those below ``folders`` too, and some that are written to ``made``."""
    import nibabel
    import pydicom

    wheels = [Path(nibabel.__file__).parent / "tests" / "data", Path(pydicom.__file__).parent / "data" / "test_files"]
    found = []
    for folder in (*wheels, *folders):
        for file in sorted(folder.rglob("*")):
            dicom = file.suffix.lower() in (".dcm", "") and folder is not wheels[0]
            if (dicom or file.name.lower().endswith(SUFFIXES)) and file.is_file() and file.stat().st_size <= LARGEST:
                found.append(Seed(file))
    series = sorted((wheels[1] / "dicomdirtests" / "77654033" / "CT2").iterdir())
    return [*found, *(Seed(file, tuple(set(series) - {file})) for file in series), *map(Seed, make_files(made))]


def drawn(found: list[Seed], draw: random.Random) -> Seed:
    """Return one of ``found``: of a suffix drawn first, as there are many of some."""
    suffix = draw.choice(sorted({seed.file.suffix for seed in found}))
    return draw.choice([seed for seed in found if seed.file.suffix == suffix])


def make_files(folder: Path) -> list[Path]:
    """Write what no wheel holds: videos, and a volume in each format that SimpleITK writes."""
    import numpy as np
    import SimpleITK as sitk  # noqa: N813

    folder.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(ROOT))
    from tests.data.video_clips import KINDS, moving_bars, write_video

    files = [write_video(folder / name, moving_bars(8), *kind) for name, kind in KINDS.items()]
    image = sitk.GetImageFromArray(np.arange(4 * 8 * 8, dtype=np.int16).reshape(4, 8, 8))
    for name in ("a.nrrd", "a.mha", "a.nii"):
        sitk.WriteImage(image, str(folder / name))
        files.append(folder / name)
    return files


def mutated(content: bytes, draw: random.Random, other: bytes = b"") -> bytes:
    """Return ``content`` with one to eight faults, most of them near the start, where headers are."""
    if content[:2] == b"\x1f\x8b" and draw.random() < 0.7:
        return gzip.compress(mutated(gzip.decompress(content), draw, other), 1)
    found = bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 2, 4, 8))):
        near = min(len(found), draw.choice((64, 400, 2000, 1 << 30)))
        place, length = draw.randrange(near + 1), draw.choice((1, 2, 4, 16, 100, 1000))
        FAULTS[draw.randrange(len(FAULTS))](found, place, length, draw, other)
    return bytes(found)


def _flip(found, place, length, draw, other):
    for at in range(place, min(place + length, len(found))):
        if draw.random() < 0.3:
            found[at] ^= 1 << draw.randrange(8)


def _word(found, place, length, draw, other):
    word = draw.choice(WORDS)
    found[place : place + len(word)] = word


def _digit(found, place, length, draw, other):
    digits = [at for at in range(place, min(place + 400, len(found))) if 48 <= found[at] <= 57]
    for at in draw.sample(digits, min(len(digits), draw.choice((1, 1, 3)))):
        found[at] = draw.choice(SIGNS)


def _cut(found, place, length, draw, other):
    del found[place:]


def _delete(found, place, length, draw, other):
    del found[place : place + length]


def _double(found, place, length, draw, other):
    found[place:place] = found[place : place + length] * draw.choice((1, 1, 50))


def _zero(found, place, length, draw, other):
    found[place : place + length] = bytes(min(length, len(found) - place))


def _splice(found, place, length, draw, other):
    found[place : place + length] = other[place : place + length]


FAULTS = (_flip, _word, _word, _digit, _digit, _cut, _delete, _double, _zero, _splice)


def open_study(path: str) -> None:
    """Find the cases of ``path``, and read each as prediction does: thumbnails, then some slices."""
    from monai_das.data import find_studies, open_source

    for _, study in find_studies([path]):
        source = open_source(study)
        source.thumbnails(16)
        source.read(sorted({0, len(source) // 2, len(source) - 1}))


def work(reader: str) -> None:
    """Open the paths that come as lines, and answer each with its outcome as a line of JSON."""
    module, _, name = reader.partition(":")
    sys.path.insert(0, str(ROOT))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    # far above what is allowed, so that the machine survives what is not
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
    warnings.simplefilter("ignore")
    if module:
        read = getattr(import_module(module), name)
    else:
        read = open_study
        open_one_of_each()
    print(json.dumps(_peak()), file=answers, flush=True)
    for line in sys.stdin:
        path = line.rstrip("\n")
        kind, words = "read", ""
        try:
            read(path)
        except ValueError as error:
            kind, words = "refused", str(error)
        except BaseException as error:
            kind, words = f"{type(error).__name__} instead of ValueError", str(error)
        if kind == "refused" and Path(path).name not in words:
            kind = "a message that does not name the file"
        print(json.dumps([kind, words, _peak()]), file=answers, flush=True)


def open_one_of_each() -> None:
    """Open good files, so that what imports take is no fault of a bad one."""
    import pydicom

    # JPEG of 12 bits, which takes ITK
    samples = Path(pydicom.__file__).parent / "data" / "test_files"
    with tempfile.TemporaryDirectory() as folder:
        for file in (*make_files(Path(folder)), samples / "JPEG-lossy.dcm", samples / "JPEG2000.dcm"):
            with suppress(ValueError):  # of a kind that is not read yet
                open_study(str(file))


def _peak() -> float:
    """Return the most memory of this process so far, in GiB; that of ``getrusage`` begins with its parent's."""
    (line,) = (row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) / 2**20


class Opener:
    """Opens studies in a process of its own, which is started anew after whatever ended it."""

    def __init__(self, reader: str = ":") -> None:
        self.reader = reader
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Opener":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def open(self, path: Path, seconds: float = SECONDS) -> Outcome:
        """Return what becomes of ``path``."""
        if self.process is None:
            self._start()
        assert self.process is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            self._stop()
            return Outcome(f"no end within {seconds:g} s")
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self._stop()
            return Outcome(f"the process ended with {code}")
        kind, words, peak = json.loads(line)
        if peak - self.before > GIB:
            self._stop()
            return Outcome(f"more than {GIB:g} GiB", f"{peak - self.before:.1f} GiB")
        return Outcome(kind, words)

    def _start(self) -> None:
        command = [sys.executable, __file__, "--work", self.reader]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        self.before = float(self.process.stdout.readline())

    def _stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def try_one(opener: Opener, seed: Seed, draw: random.Random, folder: Path, other: Seed) -> tuple[Path, Outcome]:
    """Mutate ``seed`` into an empty ``folder``, open it, and return what was opened and its outcome."""
    folder.mkdir(parents=True)
    for file in seed.beside:
        shutil.copy(file, folder)
    place = folder / seed.file.name
    place.write_bytes(mutated(seed.file.read_bytes(), draw, other.file.read_bytes()))
    opened = folder if seed.beside else place
    outcome = opener.open(opened)
    if outcome.kind.startswith("no end"):
        outcome = opener.open(opened)  # a busy machine is no fault of the file
    return opened, outcome


def main() -> int:
    """Try as many as asked for, print the outcomes, keep the faults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=0, help="of the first file; each has a seed of its own")
    parser.add_argument("--keep", type=Path, default=Path("fuzz_faults"), help="folder for what failed")
    parser.add_argument("--work", metavar="READER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work)
        return 0
    data, counts, start = os.environ.get("MONAI_DAS_DATA"), Counter(), time.time()
    with tempfile.TemporaryDirectory() as place, Opener() as opener:
        found = seeds(Path(place) / "made", *([Path(data)] if data else []))
        for number in range(arguments.seed, arguments.seed + arguments.count):
            draw, folder = random.Random(number), Path(place) / "study-folder"
            seed = drawn(found, draw)
            _, outcome = try_one(opener, seed, draw, folder, drawn(found, draw))
            counts[outcome.kind] += 1
            if (number + 1) % 1000 == 0:
                print(f"{number + 1}: {dict(counts)}", flush=True)
            if outcome.kind not in ("read", "refused"):
                shutil.copytree(folder, arguments.keep / str(number))
                print(f"{number}: {seed.file.name}: {outcome.kind}: {outcome.words[:300]}", flush=True)
            shutil.rmtree(folder)
    total = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    print(f"{arguments.count} mutations of {len(found)} files in {time.time() - start:.0f} s: {total}")
    return int(bool(set(counts) - {"read", "refused"}))


if __name__ == "__main__":
    sys.exit(main())
