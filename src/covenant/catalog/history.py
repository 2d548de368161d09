"""What has happened, as far as deciding needs it: the values that say what is due, and how promises stand.

They are gathered in a handful of queries (``recall``), and hold nothing that a thousand sources could not carry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from covenant.catalog.records import Copies, Kept, Proof, Run


@dataclass(frozen=True, slots=True)
class Past:
    """What became of one kind of run of one subject, by the order in which the runs began."""

    last: Run | None = None
    """The last that ended, in whatever way."""
    good: Run | None = None
    """The last that did what it was for."""
    failed: Run | None = None
    """The last that failed or was lost, where nothing good came after it."""
    failures: int = 0
    """How many failed or were lost since the last good one. An interrupted run neither counts nor ends the row."""


@dataclass(frozen=True, slots=True)
class Habit:
    """What one good backup counted: the stuff of which habits are made."""

    kind: str
    started_at: datetime
    tally: Mapping[str, int]
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHistory:
    """What has happened to one source. One of which nothing is known is ``SourceHistory(source=name)``.

    ``newest`` may be dated ahead of the clock; ``kinds`` has the newest snapshot of each kind that is not, where it is
    known what time it is. An archive is a full backup, and counts as one too. ``habits`` are of the last good backups,
    the newest first.
    """

    source: str
    newest: Kept | None = None
    oldest: datetime | None = None
    snapshots: int = 0
    kinds: Mapping[str, Kept] = field(default_factory=dict)
    running: Run | None = None
    past: Mapping[str, Past] = field(default_factory=dict)
    habits: tuple[Habit, ...] = ()
    restores: tuple[Proof, ...] = ()
    """The last restores that were made of it, the newest first."""
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    """The last proof of each kind, whatever its verdict."""

    @property
    def proof(self) -> Proof | None:
        """The last proof of all, but for what is known of the change log, which is judged by itself."""
        proofs = (proof for proof in self.proofs.values() if proof.kind != "log")
        return max(proofs, key=lambda proof: proof.id, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultHistory:
    """What has happened to one vault: its chores by kind, and how its objects lie in each region."""

    vault: str
    running: Run | None = None
    past: Mapping[str, Past] = field(default_factory=dict)
    copies: Mapping[str, Copies] = field(default_factory=dict)
    proofs: Mapping[str, Proof] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillHistory:
    """What has happened to the drills of one level."""

    level: str
    running: Run | None = None
    past: Past = field(default_factory=Past)
    proof: Proof | None = None
    """The last that was held, whatever its verdict, and whoever asked for it."""


@dataclass(frozen=True, slots=True)
class History:
    """Everything that has happened, by the names of sources and vaults and the levels of drills."""

    sources: Mapping[str, SourceHistory] = field(default_factory=dict)
    vaults: Mapping[str, VaultHistory] = field(default_factory=dict)
    drills: Mapping[str, DrillHistory] = field(default_factory=dict)
    rehearsals: tuple[Proof, ...] = ()
    """The last drills of all levels, the newest first."""

    def source(self, name: str) -> SourceHistory:
        """One source, of which perhaps nothing is known."""
        return self.sources.get(name) or SourceHistory(source=name)

    def vault(self, name: str) -> VaultHistory:
        """One vault, of which perhaps nothing is known."""
        return self.vaults.get(name) or VaultHistory(vault=name)

    def drill(self, level: str) -> DrillHistory:
        """The drills of one level, of which perhaps nothing is known."""
        return self.drills.get(level) or DrillHistory(level=level)
