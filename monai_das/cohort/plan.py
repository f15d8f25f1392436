"""What a cohort will do: which cases the contract leaves out, and the blocks of work, balanced by bytes."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset

from monai_das._optional import require
from monai_das.contract import Contract
from monai_das.contract.check import header_reasons

# of a block, which one worker does
MOST_CASES, MOST_BYTES = 8, 256 << 20
# blocks of a small manifest, as far as it has cases: all workers have work, and none is left with the last long block
FEWEST_BLOCKS = 64
# one slice an instance
CLASSIC = frozenset(f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "4", "128"))


@dataclass(frozen=True, order=True)
class Block:
    """Consecutive accepted rows of a manifest.

    Attributes:
        start, stop: their range in :attr:`Plan.accepted`.
        size: their bytes, as far as they are known; at least 1.
    """

    start: int
    stop: int
    size: int


@dataclass(frozen=True)
class Plan:
    """What will be done.

    Attributes:
        accepted: the rows that will be opened, a ``pyarrow.Table`` as of :func:`read_manifest`.
        refused: reason by ``case_id`` of the rows that will not.
        blocks: of the accepted rows.
    """

    accepted: Any
    refused: dict[str, str]
    blocks: tuple[Block, ...]

    @property
    def size(self) -> int:
        """Bytes of the accepted rows, as far as they are known."""
        return int(require("pyarrow.compute", extra="ray").sum(self.accepted["bytes"]).as_py() or 0)

    def cases(self, block: Block) -> list[dict[str, Any]]:
        """Return the rows of ``block``."""
        rows: list[dict[str, Any]] = self.accepted.slice(block.start, block.stop - block.start).to_pylist()
        return rows

    def shard(self, number: int, count: int) -> tuple[Block, ...]:
        """Return the blocks of shard ``number`` of ``count``; all shards have about the same number of bytes.

        Raises:
            ValueError: there is no such shard.
        """
        if not 0 <= number < count:
            raise ValueError(f"a shard is i/n with 0 <= i < n, got {number}/{count}")
        loads = [(0, each) for each in range(count)]
        mine = []
        for block in sorted(self.blocks, key=lambda each: (-each.size, each.start)):
            load, owner = heapq.heappop(loads)
            heapq.heappush(loads, (load + block.size, owner))
            if owner == number:
                mine.append(block)
        return tuple(mine)

    def refused_in(self, number: int, count: int) -> Iterator[tuple[str, str]]:
        """Yield id and reason of the refused rows that shard ``number`` of ``count`` writes down."""
        for place, each in enumerate(self.refused.items()):
            if place % count == number:
                yield each

    def table(self) -> str:
        """Return the plan in words."""
        largest = max((block.size for block in self.blocks), default=0)
        lines = [
            f"cases        {len(self.refused) + self.accepted.num_rows:>12,}",
            f"  to do      {self.accepted.num_rows:>12,}   {self.size / 1e9:,.1f} GB as far as the manifest says",
            f"  refused    {len(self.refused):>12,}",
            *(f"    {count:>12,}   {reason}" for reason, count in Counter(self.refused.values()).most_common()),
            f"blocks       {len(self.blocks):>12,}   the largest {largest / 1e6:,.0f} MB",
        ]
        return "\n".join(lines)


def plan_cohort(manifest: Any, contract: Contract, *, accept_any_input: bool = False) -> Plan:
    """Return the plan for a ``manifest`` of :func:`read_manifest` under a model's ``contract``.

    A row is refused by Modality and SOP class as a file would be, or where a series of single slices has fewer
    instances than the contract accepts slices. What the manifest does not say is checked when the case is opened.
    """
    reasons = [None] * manifest.num_rows if accept_any_input else _reasons(manifest, contract)
    arrow = require("pyarrow", extra="ray")
    ids = manifest["case_id"].to_pylist()
    refused = {name: reason for name, reason in zip(ids, reasons, strict=True) if reason is not None}
    accepted = manifest.filter(arrow.array([reason is None for reason in reasons], arrow.bool_()))
    return Plan(accepted, refused, tuple(_blocks(_sizes(accepted))))


def _reasons(manifest: Any, contract: Contract) -> list[str | None]:
    known: dict[tuple[str | None, str | None], str | None] = {}
    least = contract.slices[0] if contract.slices else 0
    found: list[str | None] = []
    rows = (manifest[name].to_pylist() for name in ("modality", "sop_class", "instances"))
    for modality, kind, instances in zip(*rows, strict=True):
        if (modality, kind) not in known:
            known[modality, kind] = _header_reason(modality, kind, contract)
        reason = known[modality, kind]
        if reason is None and kind in CLASSIC and instances is not None and instances < least:
            reason = f"fewer instances than the {least} slices that are accepted"
        found.append(reason)
    return found


def _header_reason(modality: str | None, kind: str | None, contract: Contract) -> str | None:
    header = Dataset()
    header.Modality, header.SOPClassUID = modality or "", kind or ""
    return "; ".join(header_reasons(contract, header)) or None


def _sizes(accepted: Any) -> list[int]:
    """Return the bytes of each row; where they are not known, the mean of those that are."""
    known = accepted["bytes"].to_pylist()
    stated = [each for each in known if each]
    mean = sum(stated) // len(stated) if stated else 1
    return [max(1, each or mean) for each in known]


def _blocks(sizes: list[int]) -> Iterator[Block]:
    start = held = 0
    most = max(1, min(MOST_CASES, len(sizes) // FEWEST_BLOCKS))
    for row, size in enumerate(sizes):
        if row > start and (row - start == most or held + size > MOST_BYTES):
            yield Block(start, row, held)
            start, held = row, 0
        held += size
    if sizes:
        yield Block(start, len(sizes), held)
