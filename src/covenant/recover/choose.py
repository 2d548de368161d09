"""Which snapshot is meant, and which part of it: decided from what the snapshots say, without reading anything else.

    latest              the newest of those that fit
    1a2b3c4d            the one whose id begins so
    latest:/home/ann    a part of it

``at`` is a moment: the newest that was taken no later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from covenant.kernel.errors import SnapshotMissing, UsageError
from covenant.vault.snapshot import LOG, Snapshot

LATEST = "latest"
_LIST = "List them with 'covenant snapshots'."


@dataclass(frozen=True, slots=True)
class Filter:
    """Which snapshots fit: each field that says something must, and of several hosts, paths or sources any one may.

    ``tags`` are alternatives too, each a list of tags that a snapshot must have all of.
    """

    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    tags: tuple[tuple[str, ...], ...] = ()
    sources: tuple[str, ...] = ()
    at: datetime | None = None

    def fits(self, snapshot: Snapshot) -> bool:
        """Whether this one does."""
        tags = set(snapshot.tags)
        return (
            (not self.hosts or snapshot.hostname in self.hosts)
            and (not self.paths or bool(set(self.paths) & set(snapshot.paths or ())))
            and (not self.tags or any(tags.issuperset(wanted) for wanted in self.tags))
            and (not self.sources or snapshot.source in self.sources)
            and (self.at is None or snapshot.time <= self.at)
        )


class Reference(NamedTuple):
    """What the user wrote: a snapshot's name, and a path in it (``"/"``: all of it)."""

    name: str
    path: str


def parse_reference(text: str) -> Reference:
    """``latest:/home/ann`` taken apart. Raises ``UsageError`` where no snapshot is named."""
    name, colon, path = text.partition(":")
    if not name:
        raise UsageError(f"'{text}' names no snapshot", "Name one like 'latest', '1a2b3c4d' or 'latest:/home/ann'.")
    return Reference(name, "/" + path.strip("/") if colon else "/")


def choose(snapshots: Iterable[Snapshot], name: str, wanted: Filter | None = None) -> Snapshot:
    """The snapshot that ``name`` means. Raises ``SnapshotMissing`` where none, or more than one, answers to it.

    ``wanted`` narrows what ``latest`` may be; an id means one snapshot, whatever else is wanted.
    """
    if name == LATEST:
        return newest(snapshots, wanted or Filter())
    found = [snapshot for snapshot in snapshots if snapshot.id.startswith(name)]
    if len(found) != 1:
        number = "no snapshot has" if not found else f"{len(found)} snapshots have"
        raise SnapshotMissing(f"{number} an id that begins with {name!r}", _LIST)
    return found[0]


def newest(snapshots: Iterable[Snapshot], wanted: Filter) -> Snapshot:
    """The newest that fits; of two taken at once, always the same one. Raises ``SnapshotMissing``.

    A piece of a change log is no state of anything, and is meant only where its id is written.
    """
    fitting = [snapshot for snapshot in snapshots if wanted.fits(snapshot) and snapshot.kind != LOG]
    if not fitting:
        when = f" and was taken by {wanted.at.isoformat()}" if wanted.at else ""
        raise SnapshotMissing(f"no snapshot fits what was asked for{when}", _LIST)
    return max(fitting, key=lambda snapshot: (snapshot.time, snapshot.id))
