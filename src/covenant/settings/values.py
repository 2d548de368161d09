"""What ``covenant.toml`` says, as plain values: defaults filled in, paths absolute, names looked up.

Whoever holds a ``Settings`` need not ask whether it is valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from covenant.kernel.findings import Finding
from covenant.kernel.keep import Keep
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


@dataclass(frozen=True, slots=True)
class Vault:
    """Where snapshots are kept, and how the vault is opened.

    ``url`` is absolute where it is a folder. ``password`` is ``None`` where the file does not say it; the environment
    or the command line must, then. ``options`` are the store's (region, endpoint, credentials).
    """

    name: str
    url: str
    password: SecretRef | None = None
    options: Mapping[str, str | SecretRef] = field(default_factory=dict)


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
class Source:
    """A system that is kept: what it is, what it was promised, and in which vault it is kept."""

    name: str
    system: Files | Sqlite
    data_class: str
    objectives: Objectives
    retention: Keep | None
    vault: str
    tags: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The kind, as ``covenant.toml`` names it."""
        return "files" if isinstance(self.system, Files) else "sqlite"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of the machine may be used. ``None`` leaves the choice to whoever does the work.

    ``pack_size`` is in bytes; ``compression`` is zstd's level, 0 for none at all.
    """

    upload_threads: int | None = None
    workers: int | None = None
    pack_size: int | None = None
    compression: int | None = None


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
    findings: tuple[Finding, ...] = ()
    lines: Mapping[Where, int] = field(default_factory=dict, repr=False)
