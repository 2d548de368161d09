"""What was promised for each source and each vault, as numbers, and which line gave each of them.

A policy is merged from layers: the defaults, the class of the data, the customer's tier, the source itself. The later
one wins, key by key, and every value remembers where it stood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeAlias, get_args

from covenant.kernel.keep import Keep
from covenant.kernel.layers import RULES, Layer, Stated, keep_of, merged, scheduled
from covenant.kernel.schedule import Schedule

__all__ = [
    "BACKUP_KINDS",
    "FOLLOWED",
    "BackupKind",
    "ChoreKind",
    "Commitment",
    "DrillPolicy",
    "Policy",
    "SourcePolicy",
    "Stated",
    "VaultPolicy",
    "source_policy",
]

BackupKind: TypeAlias = Literal["full", "differential", "incremental", "log", "archive"]
"""Every kind of backup that can be scheduled, the most thorough first but for ``archive``.

``log`` is a piece of the change log; a source that has none takes an incremental backup instead. ``archive`` is a full
backup that is kept by the rules for archives.
"""

BACKUP_KINDS: tuple[BackupKind, ...] = get_args(BackupKind)

ChoreKind: TypeAlias = Literal["forget", "prune", "sync", "check", "lock", "verify"]
"""What a vault needs of itself: letting go, catching up its regions, being looked through, extending terms, being read
back."""

FOLLOWED = frozenset({"postgres"})
"""The kinds of sources whose change log can be followed."""


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
    continuous: bool = False
    """Whether its change log was promised to be followed as it grows."""
    dumped: bool = False
    """Whether it is kept by dumps, which have no change log."""
    layers: tuple[Layer, ...] = ()
    """What all of it was merged from, the defaults first; ``explain`` reads them."""

    @property
    def followed(self) -> bool:
        """Whether its change log is followed: that was promised, and this version can."""
        return self.continuous and self.covered and not self.dumped and self.system in FOLLOWED


def source_policy(
    source: str,
    *,
    system: str,
    vault: str,
    data_class: str,
    tier: str,
    covered: bool,
    layers: tuple[Layer, ...],
    dumped: bool = False,
) -> SourcePolicy:
    """What holds for a source where these layers lie over one another. One of them says each number."""
    said = merged(layers)
    keep = keep_of(said)
    origins = {name: said[f"retention.keep_{name}"].origin for name in RULES if f"retention.keep_{name}" in said}
    return SourcePolicy(
        source=source,
        system=system,
        vault=vault,
        data_class=data_class,
        tier=tier,
        covered=covered,
        dumped=dumped,
        rpo=said["rpo"],
        rto=said["rto"],
        window=said["window"],
        priority=said["priority"],
        copies=said["copies"],
        schedules=scheduled(said, BACKUP_KINDS),
        immutable=said["immutable"] if said["immutable"].value else None,
        keep=keep,
        keep_origins={name: origin for name, origin in origins.items() if keep is not None and getattr(keep, name)},
        continuous=said["continuous"].value,
        layers=layers,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultPolicy:
    """What holds for one vault: its regions in order of preference, the first being the primary, and its chores.

    ``acknowledge`` is in how many regions a write must be durable before it counts. ``verify_within`` is the time in
    which every byte of every object is read back in each region; ``None``: nothing of the kind was promised.
    """

    vault: str
    regions: tuple[str, ...] = ("default",)
    acknowledge: Stated[int]
    chores: Mapping[ChoreKind, Stated[Schedule]] = field(default_factory=dict)
    verify_within: Stated[timedelta] | None = None
    immutable_by: Mapping[str, str] = field(default_factory=dict)
    """How terms of immutability are set in each region that can: ``object-lock`` or ``bucket-lock``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillPolicy:
    """What holds for the drills of one level: when one falls due, and what it is.

    ``what`` is ``restore``, ``simulation`` (a disaster is acted out) or ``exercise`` (everything, from nothing).
    """

    level: str
    at: Stated[Schedule]
    what: str


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
    drills: Mapping[str, DrillPolicy] = field(default_factory=dict)
    """The drills that fall due by themselves, by level."""
