"""Send DICOM files by C-STORE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monai_das._optional import require
from monai_das.data.boundary import reading
from monai_das.data.dicom import read_dataset
from monai_das.reports.send_answer import FOR_NOW, UNKNOWN_THEM, UNKNOWN_US, AssociationAnswer
from monai_das.reports.send_peer import NotNowError, RefusedError, SendPeer
from monai_das.reports.send_syntax import LITTLE_ENDIAN, in_syntax

if TYPE_CHECKING:
    from pydicom import Dataset

SECONDS = 30
OUR_TITLE = "MONAI-DAS"
# of the 128 presentation contexts of an association; a class takes one, and one more for each compressed syntax
CONTEXTS = 120
OUT_OF_RESOURCES, WARNING = 0xA7, 0xB
NO_CLASS, NO_SYNTAX = 3, 4  # results of a presentation context


class StorePeer(SendPeer):
    """A C-STORE server at ``dicom://title@host:port``.

    Every class is offered in the file's own transfer syntax, and in Explicit and Implicit Little Endian.

    Args:
        title: what it calls itself.
        place: host and port.
        files: what is to be sent.
        our_title: what we call ourselves.
    """

    def __init__(self, title: str, place: tuple[str, int], files: Sequence[Path], our_title: str = OUR_TITLE) -> None:
        self.name = f"dicom://{title}@{place[0]}:{place[1]}"
        self.title, self.place, self.our_title = title, place, our_title
        self.dicom: Any = require("pynetdicom", extra="dicom")
        self._batches = _batches(files)
        self._batch = 0
        self._finder: Any = None
        self._association: tuple[int, Any] | None = None
        self._answers: list[AssociationAnswer] = []

    def connect(self) -> None:
        """Associate, and echo if the server takes echoes."""
        association = self._associated(self._batch)
        classes = {str(context.abstract_syntax) for context in association.accepted_contexts}
        if self.dicom.sop_class.Verification in classes and "Status" not in _status(association.send_c_echo):
            self.close()
            raise NotNowError(f"{self.name} broke the connection at the echo")

    def store(self, file: Path) -> None:
        """Send the object in the first of its own and the two plain transfer syntaxes that the server took."""
        with reading(file):
            kind, syntax = _kind(file)
        self._batch = next((number for number, batch in enumerate(self._batches) if (kind, syntax) in batch), 0)
        association = self._associated(self._batch)
        taken = {str(each.transfer_syntax[0]) for each in association.accepted_contexts if each.abstract_syntax == kind}
        wanted = [each for each in (syntax, *LITTLE_ENDIAN) if each in taken]
        if not wanted:
            raise RefusedError(self._why_not(association, kind, syntax))
        with reading(file):
            tags = _tags(file)
        status = _status(association.send_c_store, in_syntax(tags, wanted[0]))
        if "Status" not in status:
            self.close()
            raise NotNowError("the server broke the connection")
        _check(status)

    def holds(self, file: Path) -> bool | None:
        """Ask by C-FIND, over an association of its own; many servers take none."""
        from pydicom import Dataset

        model = self.dicom.sop_class.StudyRootQueryRetrieveInformationModelFind
        if self._finder is None:
            self._finder = self._associate([self.dicom.build_context(model)])
        if not self._finder.is_established:
            return None
        tags, wanted = _tags(file, header=True), Dataset()
        wanted.QueryRetrieveLevel = "IMAGE"
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(wanted, keyword, tags.get(keyword))
        answers: list[tuple[int, Any]] = []
        with suppress(RuntimeError):  # the association has ended meanwhile
            answers += [(status.get("Status", -1), found) for status, found in self._finder.send_c_find(wanted, model)]
        if not answers or answers[-1][0] != 0:
            return None
        return tags.SOPInstanceUID in [found.get("SOPInstanceUID") for _, found in answers if found is not None]

    def close(self) -> None:
        """Release the associations."""
        for association in (self._association and self._association[1], self._finder):
            if association is not None and association.is_established:
                association.release()
        for answer in self._answers:
            answer.close()
        self._association = self._finder = None
        self._answers = []

    def _associate(self, offered: list[Any]) -> Any:
        """Request an association for the contexts ``offered``; it may not be established."""
        entity = self.dicom.AE(ae_title=self.our_title)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = SECONDS
        self._answers.append(AssociationAnswer(self.dicom.evt, SECONDS))
        return entity.associate(*self.place, offered, self.title, evt_handlers=self._answers[-1].handlers)

    def _associated(self, batch: int) -> Any:
        """Return an association for ``batch``: the one there is, or a new one."""
        if self._association is not None and self._association[0] == batch and self._association[1].is_established:
            return self._association[1]
        self.close()
        build = self.dicom.build_context
        offered = [build(self.dicom.sop_class.Verification)]
        offered += [build(kind, syntax) for kind, syntax in self._batches[batch] if syntax not in LITTLE_ENDIAN]
        offered += [
            build(kind, list(LITTLE_ENDIAN)) for kind in dict.fromkeys(kind for kind, _ in self._batches[batch])
        ]
        association = self._associate(offered)
        if not association.is_established:
            raise self._refusal(association, self._answers[-1])
        self._association = (batch, association)
        return association

    def _refusal(self, association: Any, answer: AssociationAnswer) -> ConnectionError:
        """Return why there is no association."""
        if association.rejected_contexts:
            (kind, syntax), *_ = self._batches[self._batch]
            return ConnectionError(f"{self.name}: {self._why_not(association, kind, syntax)}")
        if not answer.connected:
            return NotNowError(f"{self.name} does not answer; check host and port")
        if answer.aborted:
            return NotNowError(f"{self.name} aborted the association: {answer.words}; its log may say more")
        if answer.rejected is None:
            return NotNowError(
                f"{self.name} takes connections, but did not answer the request for an association; check that it is a "
                "DICOM server, and wants no TLS"
            )
        refused = f"{self.name} refused the association: "
        if answer.rejected == UNKNOWN_US:
            return ConnectionError(
                f"{refused}it does not know the calling AE title {self.our_title}; let it know us, or give another by "
                "--title"
            )
        if answer.rejected == UNKNOWN_THEM:
            return ConnectionError(f"{refused}the called AE title {self.title} is not its own; check the address")
        return (NotNowError if answer.rejected in FOR_NOW else ConnectionError)(refused + answer.words)

    def _why_not(self, association: Any, kind: str, syntax: str) -> str:
        """Return why no context of the class ``kind`` was accepted."""
        from pydicom.uid import UID

        results = {each.result for each in association.rejected_contexts if each.abstract_syntax == kind}
        named = f"the server refused {UID(kind).name} ({kind}): "
        if NO_CLASS in results:
            return f"{named}it does not take this SOP class (abstract syntax not supported)"
        offered = ", ".join(UID(each).name for each in dict.fromkeys((syntax, *LITTLE_ENDIAN)))
        if NO_SYNTAX in results:
            return f"{named}it takes none of the transfer syntaxes {offered} (transfer syntaxes not supported)"
        return f"{named}it gives no reason"


def _batches(files: Sequence[Path]) -> list[list[tuple[str, str]]]:
    """Return the kinds of all files that can be read, class and transfer syntax, in parts that fit into an association.

    What is wrong with the others is said when it is their turn.
    """
    kinds: dict[tuple[str, str], None] = {}
    for file in files:
        with suppress(ValueError), reading(file):
            kinds[_kind(file)] = None
    distinct, half = list(kinds), CONTEXTS // 2
    return [distinct[start : start + half] for start in range(0, len(distinct), half)] or [[]]


def _kind(file: Path) -> tuple[str, str]:
    """Return the SOP class and the transfer syntax."""
    tags = _tags(file, header=True)
    return str(tags.SOPClassUID), str(tags.file_meta.TransferSyntaxUID)


def _tags(file: Path, header: bool = False) -> Dataset:
    wanted = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"]
    return read_dataset(file, specific_tags=wanted) if header else read_dataset(file)


def _status(ask: Callable[..., Any], *arguments: Any) -> Any:
    """Return the status that the server answers: without ``Status`` if the association ends, or has ended meanwhile."""
    with suppress(RuntimeError):
        return ask(*arguments)
    return ()


def _check(status: Any) -> None:
    """Raise unless the C-STORE ``status`` is success or a warning (0xBxxx): both store the file."""
    code = int(status.Status)
    if code == 0 or code >> 12 == WARNING:
        return
    comment = str(status.get("ErrorComment") or "").strip()
    words = f"the server refused it, status {code:#06x}{': ' + comment if comment else ''}"
    raise NotNowError(words) if code >> 8 == OUT_OF_RESOURCES else RefusedError(words)
