"""Pieces of a change log put together as they age: after an hour those of an hour, after a day those of a day.

A log that is sealed every ten seconds leaves 8,640 snapshots a day, and whoever reads a vault reads every snapshot. A
merged piece has a new tree over the same blobs: the bytes of the log are neither read nor written again. The pieces
that it stands for are let go once it is durable; broken off in between, both are there, and the old ones go next time.

A piece whose stretch lies within that of a younger one is not merged at all: it is simply no longer needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from covenant.kernel.errors import ObjectMissing
from covenant.kernel.spans import Span
from covenant.safeguard.forget import ForgetPlan, Judged
from covenant.safeguard.protecting import HOLD_TAG
from covenant.safeguard.rules import Reason
from covenant.vault.lock import Owner
from covenant.vault.log_files import File, files_of, log_snapshot, log_tree
from covenant.vault.pack import BlobType
from covenant.vault.pieces import Piece
from covenant.vault.ports import AppendStore
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from covenant.vault.writer import Writer

YOUNG = timedelta(hours=1)
"""For so long a piece stays as it was sealed."""
_HOURS_FOR = timedelta(days=1)
_COVERED = (Reason("covered", "a younger piece holds all of it"),)


@dataclass(frozen=True, slots=True)
class Merge:
    """Pieces that follow one another, to be put together: ``span`` is what they hold."""

    pieces: tuple[Piece, ...]
    span: Span

    @property
    def newest(self) -> Piece:
        """The piece that reaches farthest."""
        return max(self.pieces, key=lambda piece: (piece.span.end, piece.until))

    @property
    def until(self) -> datetime:
        """Up to which moment nothing is missing: what one of the pieces says holds for all that they hold."""
        return max(piece.until for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What is merged, and what is no longer needed."""

    merges: tuple[Merge, ...]
    covered: tuple[Piece, ...]


def plan_merges(pieces: Sequence[Piece], now: datetime) -> MergePlan:
    """Decide. What bears a hold, and the last piece of each timeline, stay as they are; so does what is young."""
    movable = [piece for piece in pieces if _aged(piece, now) and not _held(piece) and not _last(piece, pieces)]
    covered = [piece for piece in movable if any(covers(other, piece) for other in pieces)]
    gone = {piece.snapshot.id for piece in covered}
    left = sorted((piece for piece in movable if piece.snapshot.id not in gone), key=lambda piece: piece.span)
    return MergePlan(tuple(_merges(left, now)), tuple(covered))


def _merges(pieces: Iterable[Piece], now: datetime) -> Iterator[Merge]:
    for _, fellows in groupby(pieces, lambda piece: (piece.span.system, piece.span.timeline, _bucket(piece, now))):
        for run in _runs(fellows):
            if len(run) > 1:
                first = run[0].span
                yield Merge(tuple(run), Span(first.system, first.timeline, first.begin, max(p.span.end for p in run)))


def _runs(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Pieces between which there is no gap."""
    run = list[Piece]()
    for piece in pieces:
        if run and piece.span.begin > max(each.span.end for each in run):
            yield run
            run = []
        run.append(piece)
    if run:
        yield run


def _bucket(piece: Piece, now: datetime) -> tuple[int, int]:
    """The hour to which a piece belongs, or the day if that is over for long enough."""
    day = timedelta(seconds=piece.until.timestamp() % 86400)
    over = now - (piece.until - day + timedelta(days=1)) >= _HOURS_FOR
    seconds = 86400 if over else 3600
    return seconds, int(piece.until.timestamp() // seconds)


def _aged(piece: Piece, now: datetime) -> bool:
    """Whether the hour of a piece has been over for long enough that nothing is added to it any more."""
    hour = timedelta(seconds=piece.until.timestamp() % 3600)
    return now - (piece.until - hour + timedelta(hours=1)) >= YOUNG


def _held(piece: Piece) -> bool:
    return any(tag.startswith(HOLD_TAG) for tag in piece.snapshot.tags)


def _last(piece: Piece, pieces: Iterable[Piece]) -> bool:
    """Whether the log is followed on from it."""
    fellows = [p for p in pieces if (p.span.system, p.span.timeline) == (piece.span.system, piece.span.timeline)]
    return piece == max(fellows, key=lambda each: (each.span.end, each.until, each.snapshot.id))


def covers(other: Piece, piece: Piece) -> bool:
    """Whether another holds all of a piece and is younger, so that nothing is lost, not even a moment."""
    one, two = other.span, piece.span
    same = (one.system, one.timeline) == (two.system, two.timeline)
    younger = (other.until, one.end, other.snapshot.id) > (piece.until, two.end, piece.snapshot.id)
    return same and two.size > 0 and one.begin <= two.begin and one.end >= two.end and younger


def stand_ins(piece: Piece, pieces: Iterable[Piece], gone: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces that hold all of one and are not to go themselves."""
    leaving = {each.snapshot.id for each in gone}
    return (other for other in pieces if other.snapshot.id not in leaving and covers(other, piece))


# -- carrying it out --------------------------------------------------------------------------------------------------


def merged(merge: Merge, vault: Vault, store: AppendStore, owner: Owner, program: str) -> Snapshot:
    """Store the piece that stands for others. Raises ``DamageError``, ``ObjectMissing`` where one cannot be read."""
    files: dict[str, File] = {}
    for piece in merge.pieces:
        for file in files_of(vault, piece.snapshot):
            known = files.get(file.name)
            if known is None or known.size < file.size:
                files[file.name] = file
    refuse_missing(vault, files.values())
    whole = [file for file in files.values() if not file.partial or file.full_name not in files]
    writer = Writer(vault, store)
    newest = merge.newest
    taken, size = max(piece.snapshot.time for piece in merge.pieces), newest.snapshot.file_size
    tree = log_tree(writer, whole, taken, owner)
    writer.flush()
    snapshot = log_snapshot(tree, newest.snapshot.source, merge.span, merge.until, taken, size, owner, program)
    return vault.save_snapshot(store, snapshot)


def refuse_missing(vault: Vault, files: Iterable[File]) -> None:
    """Raise ``ObjectMissing`` where the vault lacks a blob of a file: what names it must not be all that is kept."""
    for file in files:
        for blob in file.content:
            if not vault.index.has(bytes.fromhex(blob), BlobType.DATA):
                raise ObjectMissing(f"blob {blob[:8]} of {file.name} is in no index", "Run 'covenant check'.")


def forgetting(plan: MergePlan, into: Sequence[Snapshot], now: datetime) -> ForgetPlan:
    """What goes once the merged pieces are there: ``into`` has one for each merge, in order."""
    rows = [Judged(piece.snapshot, _COVERED) for piece in plan.covered]
    for merge, snapshot in zip(plan.merges, into, strict=True):
        why = (Reason("merged", f"merged into {snapshot.short_id}"),)
        rows += [Judged(piece.snapshot, why) for piece in merge.pieces if piece.snapshot.id != snapshot.id]
    kept = [Judged(snapshot, (Reason("merged", "stands for others"),)) for snapshot in into]
    return ForgetPlan(at=now, policy="", keep=tuple(kept), forget=tuple(rows))
