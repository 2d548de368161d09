"""What was promised for each source and each vault, as numbers, and which line gave each of them.

A policy is merged from layers: the defaults, the class of the data, the customer's tier, the source itself. The later
one wins, key by key, and every value remembers where it stood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, Literal, TypeAlias, TypeVar

from covenant.kernel.keep import Keep
from covenant.kernel.schedule import Schedule

T = TypeVar("T")

BackupKind: TypeAlias = Literal["full", "differential", "incremental", "log", "archive"]
"""Every kind of backup that can be scheduled, the most thorough first but for ``archive``.

``log`` is a piece of the change log; a source that has none takes an incremental backup instead. ``archive`` is a full
backup that is kept by the rules for archives.
"""

ChoreKind: TypeAlias = Literal["forget", "prune", "sync", "check", "lock"]
"""What a vault needs of itself: letting go, catching up its regions, being looked through, extending terms."""


@dataclass(frozen=True, slots=True)
class Stated(Generic[T]):
    """A value, and where it was said: ``default``, or a line such as ``covenant.toml:12 (class critical)``."""

    value: T
    origin: str

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePolicy:
    """What holds for one source.

    ``system`` is its kind (``files``, ``sqlite``, …); ``covered`` says whether that kind can be kept by this version.
    ``window`` is how far back any moment must be recoverable; ``copies`` in how many regions it must lie; ``priority``
    orders both backups and restores, 1 first.
    """

    source: str
    system: str
    vault: str
    data_class: str
    tier: str = ""
    covered: bool = True
    rpo: Stated[timedelta]
    rto: Stated[timedelta]
    window: Stated[timedelta]
    priority: Stated[int]
    copies: Stated[int]
    schedules: Mapping[BackupKind, Stated[Schedule]] = field(default_factory=dict)
    immutable: Stated[timedelta] | None = None
    """How long from its taking a backup may be deleted by nobody; ``None``: nothing of the kind was promised."""
    keep: Keep | None = None
    keep_origins: Mapping[str, str] = field(default_factory=dict)
    """Which line gave each rule of ``keep``, by the name of its field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultPolicy:
    """What holds for one vault: its regions in order of preference, the first being the primary, and its chores.

    ``acknowledge`` is in how many regions a write must be durable before it counts.
    """

    vault: str
    regions: tuple[str, ...] = ("default",)
    acknowledge: Stated[int]
    chores: Mapping[ChoreKind, Stated[Schedule]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Commitment:
    """Something promised that no source carries: drills, the Trash, the calendar of non-payment, communication.

    ``promises`` are the ids of ``docs/covenant.md``; one that is not ``covered`` is shown as such and never as kept.
    """

    name: str
    text: str
    promises: tuple[str, ...]
    origin: str
    covered: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that was promised."""

    sources: Mapping[str, SourcePolicy]
    vaults: Mapping[str, VaultPolicy]
    commitments: tuple[Commitment, ...] = ()
