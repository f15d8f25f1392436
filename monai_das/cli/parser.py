"""The parser of all commands: its errors name no path that was typed, unless ``--include-phi`` is given."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

INCLUDE_PHI = "--include-phi"
HINT = f"; {INCLUDE_PHI} shows names and paths"
LEFT_OUT = "(a path)"
# what follows a folder or file of the user's in a message
BELOW = r"(?:[/\\][^:;,'\"()\[\]\n]*)?"
ABSOLUTE = re.compile(r"'/[^'\n]+'|\"/[^\"\n]+\"|(?<![\w.:/\\)\]>-])/[^\s:;,'\"]+(?:/[^\s:;,'\"]+)*")


class Parser(argparse.ArgumentParser):
    """A parser whose errors say ``INPUT 2`` or ``--map`` instead of the path that was typed there.

    Folders and files may be called after a patient. ``--include-phi`` lets errors show them.

    Example:
        >>> from contextlib import redirect_stderr, suppress
        >>> parser = Parser("monai-das", usage="...")
        >>> parser.add_argument("studies", nargs="+", metavar="INPUT", type=Path).dest
        'studies'
        >>> parser.parse_args(["DOE/JANE"]).studies
        [PosixPath('DOE/JANE')]
        >>> with redirect_stderr(sys.stdout), suppress(SystemExit):
        ...     parser.refuse(ValueError("DOE/JANE/a.nii: no such file"))
        usage: ...
        monai-das: error: INPUT: no such file; --include-phi shows names and paths
    """

    typed: Sequence[str] = ()
    parsed: argparse.Namespace | None = None

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse, and keep what was typed for :meth:`error`."""
        self.typed, self.parsed = tuple(sys.argv[1:] if args is None else args), None
        found = super().parse_known_args(args, namespace)
        self.parsed = argparse.Namespace(**vars(found[0]))
        return found

    def refuse(self, error: BaseException) -> NoReturn:
        """End with what ``error`` says, as :meth:`error` does; of a study without names of files."""
        from monai_das.data import StudyBaseError

        if INCLUDE_PHI not in self.typed and isinstance(error, StudyBaseError):
            self.error(f"{error.name}: {error.finding.plain}")
        self.error(str(error))

    def error(self, message: str) -> NoReturn:
        """Print ``message``, with names for the paths in it, and end with the code 2."""
        if INCLUDE_PHI not in self.typed:
            plain = ABSOLUTE.sub(LEFT_OUT, self.plain(message))
            message = plain if plain == message else f"{plain}{HINT}"
        super().error(message)

    def plain(self, message: str) -> str:
        """Return ``message`` with names instead of the paths that were typed, and of what lies below them."""
        names = dict(self._typed_paths()) if INCLUDE_PHI not in self.typed else {}
        for path in sorted(filter(None, names), key=len, reverse=True):
            message = re.sub(rf"(?<!\w){re.escape(path)}(?!\w){BELOW}", lambda _, name=names[path]: name, message)  # type: ignore[misc]
        return message

    def _typed_paths(self) -> Iterator[tuple[str, str]]:
        """Yield paths and addresses that were typed, as they were typed and written out, with names for them."""
        for word in self.typed:
            value = word.partition("=")[2] if word.startswith("-") else word
            if "://" not in value and (re.search(r"[/\\]", value) or (value and os.path.lexists(value))):
                yield value, LEFT_OUT
        # what is left to another program, as overrides of a config, names no file here
        for action in [each for each in self._actions if each.nargs != argparse.REMAINDER] if self.parsed else ():
            given = getattr(self.parsed, action.dest, None)
            values: list[Any] = list(given) if isinstance(given, (list, tuple)) else [given]
            name = action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest)
            for number, value in enumerate(values, start=1):
                if isinstance(value, Path) or (value and str(value) in self.typed and not action.option_strings):
                    called = f"{name} {number}" if len(values) > 1 else name
                    written = str(value), str(Path(value)), str(Path(value).absolute()), os.path.realpath(value)
                    yield from ((each.rstrip("/"), called) for each in written if each not in ("", "."))
