"""Pictures and videos of a project as files on the server, each sent once however often a push is repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from monai_das.review.client import LabelStudioClient

# of a request; Label Studio takes at most 100 files, and proxies before it take fewer bytes
MOST_FILES, MOST_BYTES = 50, 16_000_000


class ProjectUploads:
    """The files of the project ``number``, found again by their content.

    Args:
        client: speaks to the server.
        number: of the project.
        known: where readers find the files of its tasks. Others may be cut off: whoever sent them was interrupted.
    """

    def __init__(self, client: LabelStudioClient, number: int, known: Iterable[str]) -> None:
        self._client, self._number = client, number
        self._there = {_own_name(url): url for url in known}

    def urls(self, contents: Sequence[bytes], suffix: str) -> list[str]:
        """Return where readers find ``contents``, sending what is not there yet in requests of at most 16 MB.

        A larger file has a request of its own.

        Args:
            contents: files.
            suffix: ``".png"`` or ``".mp4"``; decides what Label Studio serves them as.
        """
        names = [hashlib.sha256(content).hexdigest()[:40] + suffix for content in contents]
        missing = {name: each for name, each in zip(names, contents, strict=True) if name not in self._there}
        for batch in _batches(missing):
            for url in self._client.upload(self._number, batch):
                self._there[_own_name(url)] = url
        return [self._there[name] for name in names]


def _own_name(url: str) -> str:
    """Return the name that we gave the file; Label Studio puts eight digits and a dash before it."""
    return PurePosixPath(url).name.rpartition("-")[2]


def _batches(files: dict[str, bytes]) -> Iterator[dict[str, bytes]]:
    batch: dict[str, bytes] = {}
    for name, content in files.items():
        if batch and (len(batch) == MOST_FILES or sum(map(len, batch.values())) + len(content) > MOST_BYTES):
            yield batch
            batch = {}
        batch[name] = content
    if batch:
        yield batch
