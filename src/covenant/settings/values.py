"""What ``covenant.toml`` says, as plain values: defaults filled in, paths absolute, names looked up.

Whoever holds a ``Settings`` need not ask whether it is valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from covenant.kernel.findings import Finding
from covenant.kernel.keep import Keep
from covenant.kernel.layers import Layer, keep_of, merged
from covenant.kernel.policy import ChoreKind
from covenant.kernel.schedule import Schedule
from covenant.settings.secrets import SecretRef
from covenant.settings.toml_lines import Where


@dataclass(frozen=True, slots=True)
class Objectives:
    """What was promised: how much may be lost (RPO), and how long a restore may take (RTO)."""

    rpo: timedelta
    rto: timedelta


@dataclass(frozen=True, slots=True)
class DataClass:
    """A class of data: everything in it was promised the same.

    A ``retention`` of ``None`` has no rule, and lets nothing go.
    """

    name: str
    objectives: Objectives
    retention: Keep | None
    layers: tuple[Layer, ...] = ()
    """What holds for it, the default first and what the file says of it last."""

    @classmethod
    def merged(cls, name: str, layers: tuple[Layer, ...]) -> Self:
        """The class that these layers make; both objectives are said in one of them."""
        said = merged(layers)
        return cls(name, Objectives(said["rpo"].value, said["rto"].value), keep_of(said), layers)


ImmutableBy: TypeAlias = Literal["", "object-lock", "bucket-lock"]


@dataclass(frozen=True, slots=True)
class Region:
    """One of the places of a vault, with credentials of its own.

    ``url`` is absolute where it is a folder. ``storage_class`` is the store's own name, ``""`` for its default; files'
    content goes to ``archive_class`` at the age ``archive_after``, ``None`` for never. ``immutable`` says how terms of
    immutability are set there, ``""`` for not at all.
    """

    name: str
    url: str
    options: Mapping[str, str | SecretRef] = field(default_factory=dict)
    storage_class: str = ""
    archive_after: timedelta | None = None
    archive_class: str = ""
    immutable: ImmutableBy = ""


@dataclass(frozen=True, slots=True)
class Vault:
    """Where snapshots are kept, and how the vault is opened.

    ``password`` is ``None`` where the file does not say it; the environment or the command line must, then.
    ``regions`` are its places in order of preference; ``url`` and ``options`` are those of the first, the primary. A
    vault with one address has one region, ``default``. ``acknowledge`` is in how many of them a write must be durable
    before it counts. ``chores`` are what it needs of itself; one that is left out is never done. ``verify_within`` is
    the time within which every byte is read back, zero for no such promise.
    """

    name: str
    url: str
    password: SecretRef | None = None
    options: Mapping[str, str | SecretRef] = field(default_factory=dict)
    regions: tuple[Region, ...] = ()
    acknowledge: int = 0
    chores: Mapping[ChoreKind, Schedule] = field(default_factory=dict)
    verify_within: timedelta = timedelta()

    def __post_init__(self) -> None:
        if not self.regions:
            object.__setattr__(self, "regions", (Region("default", self.url, self.options),))
        if not self.acknowledge:
            object.__setattr__(self, "acknowledge", len(self.regions))


@dataclass(frozen=True, slots=True)
class Files:
    """Folders and files to be kept. ``exclude`` has gitignore's syntax."""

    paths: tuple[Path, ...]
    exclude: tuple[str, ...] = ()
    one_file_system: bool = False
    exclude_caches: bool = False
    exclude_if_present: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sqlite:
    """A SQLite database to be kept, which may be written to meanwhile."""

    path: Path


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL server to be kept. ``max_rate`` is in bytes per second, ``None`` for as fast as it goes.

    ``database`` is ``""`` where the address names it, ``tablespace_map`` leads from folders of the server to those of
    a restore. ``grade`` is ``physical`` or ``dump``, or ``automatic``: the best that the server allows.
    """

    url: SecretRef
    slot: str
    grade: str = "automatic"
    database: str = ""
    schemas: tuple[str, ...] = ()
    log_interval: timedelta = timedelta(seconds=10)
    max_rate: int | None = None
    tablespace_map: Mapping[str, str] = field(default_factory=dict)

    @property
    def dumped(self) -> bool:
        """Whether dumps are wanted, and no base backups: single schemas come in no other way."""
        return self.grade == "dump" or bool(self.schemas)


@dataclass(frozen=True, slots=True)
class Probe:
    """A question to a source that was restored: its kind, what was said of it, and how long it may take."""

    kind: str
    said: Mapping[str, Any]
    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """When the drills of one level are held, and how: ``restore``, ``simulation`` or ``exercise``."""

    at: Schedule | None
    what: str


@dataclass(frozen=True, slots=True)
class Drills:
    """Rehearsals by level, what the whole must be asked, and the sandboxes: where, and how many bytes each may take.

    ``reports`` is the folder that the report of each drill held by itself is left in, ``None`` for none.
    """

    levels: Mapping[str, Rehearsal] = field(default_factory=dict)
    wanted: tuple[str, ...] = ()
    folder: Path | None = None
    room: int | None = None
    reports: Path | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A system of a kind that this version cannot keep: what it is, and what was said of it."""

    kind: str
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """A system that is kept: what it is, what it was promised, and in which vault it is kept."""

    name: str
    system: Files | Sqlite | Postgres | Planned
    data_class: str
    objectives: Objectives
    retention: Keep | None
    vault: str
    tags: tuple[str, ...] = ()
    tier: str = ""
    layers: tuple[Layer, ...] = ()
    """What holds for it: the layers of its class, its tier's, and its own."""
    probes: tuple[Probe, ...] = ()

    @property
    def kind(self) -> str:
        """The kind, as ``covenant.toml`` names it."""
        if isinstance(self.system, Planned):
            return self.system.kind
        return type(self.system).__name__.lower()

    @property
    def covered(self) -> bool:
        """Whether this version can keep it."""
        return not isinstance(self.system, Planned)

    @property
    def dumped(self) -> bool:
        """Whether it is a server that is kept by dumps, so that it has no change log."""
        return isinstance(self.system, Postgres) and self.system.dumped


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the machine may be used. ``None`` leaves the choice to whoever does the work.

    ``pack_size`` is in bytes; ``compression`` is zstd's level, 0 for none at all. ``concurrent`` is how many runs there
    may be at once, ``bandwidth`` is in bytes per second.
    """

    upload_threads: int | None = None
    workers: int | None = None
    pack_size: int | None = None
    compression: int | None = None
    concurrent: int | None = None
    bandwidth: int | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to tell people. ``classes`` and ``severity`` say of what, all of it where there are none.

    ``after`` is how long something must have lasted before it is told here.
    """

    name: str
    url: SecretRef
    classes: tuple[str, ...] = ()
    severity: Literal["info", "warning", "critical"] = "info"
    after: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Alerts:
    """Who is told what. ``group_for`` is how long to wait for more, ``repeat`` how often it is told again."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    group_for: timedelta = timedelta(minutes=1)
    repeat: timedelta = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a ``covenant.toml`` says.

    ``lines`` tells on which line of the file each value stands; what has none there is a default. ``findings`` is what
    a person should know about the file, though it can be followed.
    """

    path: Path
    vaults: Mapping[str, Vault]
    classes: Mapping[str, DataClass]
    sources: Mapping[str, Source]
    limits: Limits
    tiers: Mapping[str, Layer] = field(default_factory=dict)
    catalog: Path | SecretRef | None = None
    """The catalog's file, or where the address of its database is; ``None`` for the usual file."""
    metrics: tuple[str, int] | None = None
    """The address and port that metrics are read at; ``None`` for nowhere."""
    alerts: Alerts = field(default_factory=Alerts)
    drills: Drills = field(default_factory=Drills)
    commitments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What is promised and carried by no source, by section, and by name where a section has several tables."""
    findings: tuple[Finding, ...] = ()
    lines: Mapping[Where, int] = field(default_factory=dict, repr=False)
