"""What a drill asks of the systems whose restores it questions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

from covenant.kernel.answers import Answer, Result
from covenant.kernel.progress import Progress
from covenant.recover.job import Tally
from covenant.vault.ports import ReadStore
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault


class Aspect(StrEnum):
    """What a question is about, as ``validate`` in ``[drills]`` names it. How long it took is not asked: measured."""

    INTEGRITY = "integrity"
    SPEED = "speed"
    FUNCTION = "function"
    EXPERIENCE = "experience"


@dataclass(frozen=True, slots=True)
class Access:
    """A way into a vault, for reading.

    ``open_store`` opens its store in a worker process; without it there are only threads. ``region`` says which region
    answered, ``""`` where that is not known; ``how`` what is peculiar about this way: a region cut off, a new password.
    """

    vault: Vault
    open_store: Callable[[], ReadStore] | None = None
    region: Callable[[], str] = lambda: ""
    how: str = ""


class Vaults(Protocol):
    """The ways into the vaults that a drill takes. Each is held, as reading needs it, for as long as the drill lasts.

    Both raise the vault's and the store's errors.
    """

    def open(self, name: str) -> Access:
        """As it is."""
        ...

    def without_primary(self, name: str) -> Access:
        """As it is while its primary region is away. Raises ``Refusal`` where it lies in one region alone."""
        ...

    def with_new_password(self, name: str) -> Access:
        """With a password that was just made and that opens a copy of its keys; no old one is used."""
        ...


@dataclass(frozen=True, slots=True)
class Restored:
    """A source as it was restored: the root of its snapshot is ``folder``. ``path`` is the part that was restored.

    ``vault`` reads what it was restored from. ``beside`` are the other sources of the same drill, by name.
    """

    source: str
    folder: Path
    vault: Vault
    snapshot: Snapshot
    path: str = "/"
    beside: Mapping[str, Restored] = field(default_factory=dict)

    def place(self, path: str | Path) -> Path:
        """Where a path of the live system lies in the restore."""
        return self.folder / str(path).lstrip("/")


class Said(NamedTuple):
    """What a probe found, with its evidence in words."""

    result: Result
    evidence: str


def counted(count: int, thing: str) -> str:
    """``1 file``, ``2,000 files``: evidence is read by people."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


class OutOfTime(Exception):
    """The time for a question is over."""


class Probe(Protocol):
    """A question to a restored system.

    ``needs`` names other sources that must have been restored beside it. ``within`` is how many seconds it may take;
    a probe looks at ``hurry`` now and then, which raises ``OutOfTime``. Whatever else it raises means that it could
    not be asked, and never that anything is right.
    """

    @property
    def question(self) -> str: ...

    @property
    def aspect(self) -> Aspect: ...

    @property
    def within(self) -> float: ...

    @property
    def needs(self) -> tuple[str, ...]: ...

    def ask(self, restored: Restored, hurry: Callable[[], None]) -> Said:
        """The answer. Changes nothing of what is asked, but where ``aspect`` is ``EXPERIENCE``."""
        ...


class Spoiler(Protocol):
    """Damage that only this kind of system can have, done to a copy: a row that says something else."""

    @property
    def kind(self) -> str: ...

    def spoil(self, restored: Restored) -> str:
        """Do it to the copy, and say where. Raises ``TargetError`` where there is nothing that could be spoilt."""
        ...


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a server that came back was, how long each step took, and what it answered."""

    tally: Tally
    seconds: Mapping[str, float]
    answers: tuple[Answer, ...]


class Journey(Protocol):
    """The way on which a server comes back: a base backup, and its log up to a moment."""

    @property
    def base(self) -> Snapshot: ...

    @property
    def until(self) -> datetime:
        """The moment that it comes back to."""
        ...

    @property
    def size(self) -> int:
        """Bytes that this takes, log included."""
        ...

    def travel(self, folder: Path, progress: Progress, stop: threading.Event) -> Arrived:
        """Bring it back into the folder, ask it where nobody else reaches it, and stop it.

        Raises ``DamageError`` where something is lost on the way, ``TargetError``, ``Interrupted``.
        """
        ...


class Server(Protocol):
    """A kind of source that is more than its files: it comes back by replaying its log, and answers only if it runs."""

    def journey(self, access: Access, goal: datetime | None) -> Journey:
        """How it comes back to a moment, or as late as can be had. Raises ``SnapshotMissing``."""
        ...


@dataclass(frozen=True, slots=True)
class System:
    """What one kind of source brings to a drill beside what every source is asked.

    ``asks`` is what a ``server`` is asked about by whoever brings it back.
    """

    probes: Sequence[Probe] = ()
    spoilers: Sequence[Spoiler] = ()
    server: Server | None = None
    asks: frozenset[Aspect] = frozenset()

    @property
    def aspects(self) -> frozenset[Aspect]:
        """What is asked about."""
        return self.asks | {probe.aspect for probe in self.probes}
