"""What the catalog remembers, as plain values. Instants are aware and in UTC; sizes are bytes.

The vault is the truth. What stands here and also in the vault (snapshots, positions) can be rebuilt from there; runs,
proofs and the journal are the catalog's own, and are written into the vault as well where they have weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias, get_args

from covenant.kernel.policy import ChoreKind


class State(StrEnum):
    """How far a run is. The last five are ends, and an ended run never changes again."""

    RUNNING = "running"
    DONE = "done"
    FINDINGS = "findings"
    """Done, and something was seen that a person should know."""
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    LOST = "lost"
    """Whoever ran it died or lost its lease; what became of it is for the vault to say."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self is not State.RUNNING

    @property
    def good(self) -> bool:
        """Whether it did what it was for."""
        return self in (State.DONE, State.FINDINGS)


Scope: TypeAlias = Literal["source", "vault", "drill"]
"""What a subject is. A source and a vault may bear the same name and are not the same subject."""

RESTORE = "restore"
"""The kind of the proof that a measured restore leaves behind."""

DRILL = "drill"
"""The kind of a drill's run and of its proof. Its subject is its level: ``monthly``, ``quarterly``, ``annual``."""


def scope_of(kind: str) -> Scope:
    """What the subject of a run or a proof of this kind is."""
    if kind == DRILL:
        return "drill"
    return "vault" if kind in get_args(ChoreKind) else "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One thing that was done, or is being done: a backup of a source, or a chore of a vault.

    ``subject`` is the source's or the vault's name, ``kind`` a ``BackupKind`` or ``ChoreKind``, ``due_at`` the moment
    that it answers. ``vault`` is where its record is kept when it has ended. ``fence`` is the token of the lease under
    which it runs: whoever holds a greater one goes before. ``uid`` names it in every catalog that ever hears of it.
    """

    id: int
    subject: str
    kind: str
    reason: str
    state: State
    due_at: datetime | None
    started_at: datetime
    ended_at: datetime | None = None
    vault: str = ""
    lease: str = ""
    holder: str = ""
    fence: int = 0
    snapshot_id: str = ""
    tally: Mapping[str, int] = field(default_factory=dict)
    """What it counted: files, bytes, added_bytes, stored_bytes, files_new, files_changed, files_gone."""
    findings: int = 0
    message: str = ""
    hint: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to: the part of a ``Run`` that only its end can tell."""

    snapshot_id: str = ""
    tally: Mapping[str, int] = field(default_factory=dict)
    findings: int = 0
    message: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """How far a running run is, for whoever watches from another terminal. Zero expected is unknown."""

    run_id: int
    at: datetime
    files: int = 0
    bytes: int = 0
    expected_files: int = 0
    expected_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A snapshot that a vault has, as far as decisions need it."""

    id: str
    vault: str
    source: str
    kind: str
    time: datetime
    position: str = ""
    hostname: str = ""
    tags: tuple[str, ...] = ()
    files: int = 0
    bytes: int = 0
    added_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """How well a vault's objects are kept in one region, as last counted."""

    vault: str
    region: str
    at: datetime
    reachable: bool
    objects: int = 0
    bytes: int = 0
    missing: int = 0
    damaged: int = 0
    missing_since: datetime | None = None
    """Since when the object that has waited longest for this region is missing there: the region's lag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Something that was proved about a source or a vault by reading or restoring, or that could not be.

    The ``detail`` of a drill is its whole record, as ``prove.telling`` writes it; of all else, words. ``vault`` is
    where its record is kept. ``id`` and ``uid`` are given by the catalog.
    """

    id: int = 0
    subject: str
    kind: str
    at: datetime
    verdict: str
    """``passed``, ``failed`` or ``could not verify``."""
    snapshot_id: str = ""
    detail: str = ""
    vault: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the journal: what happened, to whom, by whom. It is only ever added to.

    ``vault`` is where its record is kept; one that names none goes into the next that is written to. ``id`` and ``uid``
    are given by the catalog.
    """

    id: int = 0
    at: datetime
    kind: str
    subject: str
    actor: str
    text: str
    vault: str = ""
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act, until a moment. ``fence`` grows with each holder and is never given twice.

    One that has lapsed still holds until another takes it, or the runs under it are settled as lost.
    """

    name: str
    holder: str
    fence: int
    until: datetime
