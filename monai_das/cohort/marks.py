"""The mark of a case that was begun and has not ended: how a worker that dies names what killed it."""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BEGIN = b"begin\n"
FATAL, LATE = b"Fatal Python error", b"Timeout ("
# deaths that the case is to blame for, and deaths in all: a kill from outside leaves no word, nor does lack of memory
MOST_FAULTS, MOST_DEATHS = 2, 5


class CaseMark:
    """The file of a case that is being done.

    It holds a line for each beginning; a crash adds what the interpreter says of it, and a case that takes too long the
    same (:mod:`faulthandler`). It goes when the case has ended.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def spent(self) -> str | None:
        """Return ``"crashed"`` or ``"timeout"`` for a case that ended its worker too often, else None."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return None
        late, fatal = text.count(LATE), text.count(FATAL)
        if late + fatal >= MOST_FAULTS:
            return "timeout" if late >= fatal else "crashed"
        return "crashed" if text.count(BEGIN) >= MOST_DEATHS else None

    @contextmanager
    def begun(self, seconds: float | None = None, *, watched: bool = True) -> Iterator[None]:
        """Mark the case as begun; if the body takes more than ``seconds``, the process ends.

        The mark stays until :meth:`remove`, so that a process that dies before the result is written leaves it.

        Args:
            seconds: None lets the body take any time.
            watched: False leaves the process alone, whatever happens and however long it takes.
        """
        with self.path.open("ab") as stream:
            stream.write(BEGIN)
            stream.flush()
            if not watched:
                yield
                return
            faulthandler.enable(stream)
            if seconds is not None:
                faulthandler.dump_traceback_later(seconds, exit=True, file=stream)
            try:
                yield
            finally:
                faulthandler.cancel_dump_traceback_later()
                faulthandler.disable()

    def remove(self) -> None:
        """Forget the case."""
        self.path.unlink(missing_ok=True)
