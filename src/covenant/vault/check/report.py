"""What a check came to."""

from __future__ import annotations

from dataclasses import dataclass, field

from covenant.kernel.findings import Finding


@dataclass(slots=True)
class Counts:
    """What was looked at. ``unused`` blobs are needed by no snapshot; ``twice`` counts further copies of a blob.

    ``packs_archived`` were to be read, and must be thawed before anybody can.
    """

    keys: int = 0
    locks: int = 0
    index_files: int = 0
    packs: int = 0
    packs_read: int = 0
    packs_archived: int = 0
    packs_unindexed: int = 0
    blobs: int = 0
    trees: int = 0
    unused: int = 0
    twice: int = 0
    snapshots: int = 0


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All damage, in ``findings``; what is merely worth knowing, in ``notes``.

    ``bytes_read`` counts packs alone, ``seconds`` is wall time.
    """

    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    counts: Counts
    bytes_read: int
    seconds: float
    damaged_packs: tuple[str, ...] = field(default=())
    """Ids of the packs that are there and not whole: what ``vault.repair.packs`` takes."""

    @property
    def sound(self) -> bool:
        """Whether nothing is damaged, as far as was looked."""
        return not self.findings
