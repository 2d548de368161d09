"""Pieces of a change log, as a vault has them: snapshots of the kind ``log``, each with the stretch that it holds.

Two pieces may overlap: the file that was growing when one was sealed is in the next one too, and longer. The blobs are
the same, so nothing of it is stored twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.kernel.spans import Span, parse_span
from covenant.vault.snapshot import LOG, Snapshot
from covenant.vault.vault import Vault

_READERS = 8
"""Snapshots read at once: each is a small object, and a store behind a network makes each wait."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece. Up to ``until``, by the source's own clock, nothing is missing before its end."""

    snapshot: Snapshot
    span: Span
    until: datetime


def piece_of(snapshot: Snapshot) -> Piece | None:
    """The piece in a snapshot, or ``None`` where it is none."""
    if snapshot.kind != LOG:
        return None
    span = parse_span(snapshot.position)
    if span is None:
        return None
    try:
        until = datetime.fromisoformat(snapshot.until)
    except ValueError:
        until = snapshot.time
    return Piece(snapshot, span, until if until.tzinfo else snapshot.time)


def pieces_of(snapshots: Iterable[Snapshot], source: str) -> list[Piece]:
    """The pieces of one source's log, in the order of the log."""
    found = (piece_of(snapshot) for snapshot in snapshots if snapshot.source == source)
    return sorted(
        (piece for piece in found if piece is not None), key=lambda each: (each.span, each.until, each.snapshot.id)
    )


@dataclass(frozen=True, slots=True)
class BaseBackup:
    """A backup that a recovery can begin with: ``span`` is what of the log it took to make it."""

    snapshot: Snapshot
    span: Span
    taken: datetime


def bases(snapshots: Iterable[Snapshot], source: str) -> list[BaseBackup]:
    """The backups of a source that a recovery can begin with, in the order of the log."""
    own = (each for each in snapshots if each.source == source and each.kind != LOG)
    spans = ((each, parse_span(each.position)) for each in own)
    found = (BaseBackup(each, span, _ended(each)) for each, span in spans if span is not None)
    return sorted(found, key=lambda base: (base.span.system, base.span.end, base.taken))


def _ended(snapshot: Snapshot) -> datetime:
    """When a backup was finished, which is when it is consistent; where it does not say so, when it began."""
    with contextlib.suppress(KeyError, TypeError, ValueError):
        return datetime.fromisoformat((snapshot.summary or {})["backup_end"]).astimezone(UTC)
    return snapshot.time


def try_snapshots(vault: Vault) -> tuple[list[Snapshot], list[DamageError]]:
    """Every snapshot that can be read, several read at once, and why others cannot. Raises the store's errors."""

    def read(snapshot_id: str) -> Snapshot | DamageError | None:
        try:
            return vault.load_snapshot(snapshot_id)
        except ObjectMissing:
            return None  # forgotten since it was listed
        except DamageError as error:
            return error

    with ThreadPoolExecutor(_READERS) as readers:
        found = list(readers.map(read, vault.snapshot_ids()))
    snapshots = [each for each in found if isinstance(each, Snapshot)]
    return snapshots, [each for each in found if isinstance(each, DamageError)]
