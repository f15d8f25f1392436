"""The secret of an installation, by which cases and patients have stable pseudonyms: keyed hashes of their identity."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
import time
from os import PathLike
from pathlib import Path
from typing import Union

from monai_das.data.dicom import ImageHeader
from monai_das.data.identity import Identity, headers_identity, source_identity, source_patient, study_identity
from monai_das.data.open import open_source
from monai_das.data.source import SliceSource

# bytes of a key; hexadecimal digits of an id
SHORTEST, LONGEST = 32, 4096
DIGITS = 16
# seconds that another process has to fill a file that it has made
WAIT = 2.0
CASE_ID = re.compile(rf"case-[0-9a-f]{{{DIGITS}}}")


class CaseKey:
    """Names cases and patients by keyed hashes (HMAC-SHA256), the same in every run and project with the same key.

    Without the key nobody can tell from an id which study or patient it is, not even by trying all that are possible.
    A key is never printed; processes that do a part of the work may be given it, results do not hold it.

    Args:
        secret: at least 32 bytes.

    Raises:
        ValueError: ``secret`` is shorter.

    Example:
        >>> key = CaseKey(b"an example: never use this as a key")
        >>> key.patient("4711", "Hospital A")
        'patient-55f74f75f127e93f'
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) < SHORTEST:
            raise ValueError(f"a case key must have at least {SHORTEST} bytes, got {len(secret)}; use CaseKey.new()")
        self._secret = bytes(secret)

    def __repr__(self) -> str:
        return "CaseKey(...)"

    @classmethod
    def new(cls) -> CaseKey:
        """Return a key that nobody else has, for results that are joined with no others."""
        return cls(secrets.token_bytes(SHORTEST))

    def case_id(self, source: SliceSource) -> str:
        """Return the id of an open study; what it is made of: :func:`~monai_das.data.identity.source_identity`."""
        return self._named("case", source_identity(source))

    def group(self, source: SliceSource) -> str:
        """Return the pseudonym of the patient of an open study; the id of the case where the file names no patient."""
        patient = source_patient(source)
        return self.case_id(source) if patient is None else self._named("patient", patient)

    def names(self, source: SliceSource) -> tuple[str, str]:
        """Return :meth:`case_id` and :meth:`group` of an open study, whose content is read once at most."""
        case_id, patient = self.case_id(source), source_patient(source)
        return case_id, case_id if patient is None else self._named("patient", patient)

    def names_at(self, study: Union[Path, str]) -> tuple[str, str]:
        """Return id and group of the study at a path or address; :meth:`unopened_id` twice where it cannot be opened.

        Raises:
            ImportError: an extra is missing that it needs.
        """
        try:
            return self.names(open_source(study))
        except (ValueError, OSError):
            return self.unopened_id(study), self.unopened_id(study)

    def patient(self, patient_id: str, issuer: str = "") -> str:
        """Return the pseudonym of a patient, by PatientID and IssuerOfPatientID, as :meth:`group` has it."""
        return self._named("patient", ("patient", patient_id.strip(), issuer.strip()))

    def unopened_id(self, study: Union[Path, str]) -> str:
        """Return an id of a study that cannot be opened; once it is repaired, the id may be another one."""
        return self._named("case", study_identity(study))

    def place_id(self, study: Union[Path, str]) -> str:
        """Return an id of what lies at a path or address, where nothing else tells it from another study."""
        return self._named("case", ("path", str(study.absolute() if isinstance(study, Path) else study)))

    def headers_id(self, headers: list[ImageHeader]) -> str:
        """Return :meth:`case_id` of the case that is made of the DICOM images with ``headers``."""
        return self._named("case", headers_identity(headers))

    def _named(self, kind: str, identity: Identity) -> str:
        message = json.dumps([kind, *identity]).encode()
        return f"{kind}-{hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:DIGITS]}"


def read_case_key(path: str | PathLike[str]) -> CaseKey:
    """Return the key in the file ``path``: its content without blanks at the ends, for example 64 hexadecimal digits.

    Raises:
        FileNotFoundError: ``path`` does not exist.
        ValueError: it is no file, others may read it, or it is empty, short or no key at all.
    """
    try:
        state = os.stat(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{path}: no such case key; make one: (umask 077; openssl rand -hex 32 > FILE)"
        ) from error
    if not stat.S_ISREG(state.st_mode):
        raise ValueError(f"{path}: a case key is a file; give one, or make one: openssl rand -hex 32")
    if os.name == "posix" and state.st_mode & 0o077:
        raise ValueError(
            f"{path}: others may read this case key, its mode is {stat.S_IMODE(state.st_mode):04o}; chmod 600 it"
        )
    with open(path, "rb") as stream:
        secret = stream.read(LONGEST + 1).strip()
    if not SHORTEST <= len(secret) <= LONGEST:
        found = "none" if not secret else "more" if len(secret) > LONGEST else str(len(secret))
        raise ValueError(
            f"{path}: a case key has {SHORTEST} to {LONGEST} bytes, this file has {found}; restore it from a copy, or "
            "move it away for a new key, by which all cases get new ids"
        )
    return CaseKey(secret)


def ensure_case_key(path: str | PathLike[str]) -> CaseKey:
    """Return the key in the file ``path``, which is made with mode 0600 if it is missing.

    Of several processes that do this at once, one makes the key and all get it.

    Raises:
        OSError: the file cannot be made.
        ValueError: as :func:`read_case_key`.
    """
    place = Path(path)
    if not place.exists():
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
        try:
            _write_secret(part)
            _put(part, place)
        finally:
            part.unlink(missing_ok=True)
    _wait_for_content(place)
    return read_case_key(place)


def _write_secret(path: Path) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(f"{secrets.token_hex(SHORTEST)}\n")
        stream.flush()
        os.fsync(stream.fileno())


def _wait_for_content(place: Path) -> None:
    """Let another process write the key that it has just begun; only without hard links is there such a moment."""
    end = time.monotonic() + WAIT
    while place.is_file() and place.stat().st_size == 0 and time.monotonic() < end:
        time.sleep(0.01)


def _put(part: Path, place: Path) -> None:
    """Give the file ``part`` the name ``place`` too, unless there is one already."""
    try:
        os.link(part, place)
    except FileExistsError:
        return
    except OSError:
        # a file system without hard links
        try:
            _write_secret(place)
        except FileExistsError:
            return
