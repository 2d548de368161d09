"""Copying snapshots into another vault, which has another key.

Blobs are read pack by pack, proved, and sealed anew under the target's key; a vault of format version 2 compresses
them whether or not the source did. What the target has already is not read. A copy that dies is simply begun again:
blobs that arrived are found there. Snapshots come last, so none stands in the target before all it needs (I3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from covenant.kernel.errors import ObjectMissing, Refusal
from covenant.kernel.progress import Progress, Silent
from covenant.vault.affected import files_with
from covenant.vault.bulk import in_pack, whole
from covenant.vault.census import Census
from covenant.vault.lanes import in_threads, worthwhile
from covenant.vault.pack import BlobType, PackEntry
from covenant.vault.ports import AppendStore
from covenant.vault.reachable import mark_reachable
from covenant.vault.snapshot import Snapshot, encode_snapshot
from covenant.vault.vault import Vault
from covenant.vault.writer import Added, Writer


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of a copy: the snapshots as the target has them, those that it had before, and what was new in it."""

    copied: tuple[Snapshot, ...]
    present: tuple[Snapshot, ...]
    added: Added


def copy(
    source: Vault,
    target: Vault,
    store: AppendStore,
    snapshots: Iterable[Snapshot],
    *,
    progress: Progress | None = None,
    lanes: int = 2,
) -> Copied:
    """Copy ``snapshots`` of ``source`` into ``target``, whose store is ``store``.

    A snapshot is there already when one with the same time, tree, paths, host, user and tags is. Raises ``Refusal``
    for a vault and itself, ``DamageError`` or ``ObjectMissing`` for what the source cannot give, before any snapshot
    is stored.
    """
    if source.config.id == target.config.id and source.url == target.url:
        raise Refusal("source and target are the same vault", "Choose another target; copy files to clone a vault.")
    for vault in (source, target):
        vault.forget_index()  # it may have been read before the lock was held
    there = {_identity(snapshot) for snapshot in target.snapshots()}
    wanted = sorted(snapshots, key=lambda snapshot: snapshot.time)
    missing = [snapshot for snapshot in wanted if _identity(snapshot) not in there]
    writer = Writer(target, store)
    if missing:
        _copy_blobs(source, writer, missing, progress or Silent(), lanes)
    copied = [target.save_snapshot(store, _as_copied(snapshot)) for snapshot in missing]  # I3: last
    present = tuple(snapshot for snapshot in wanted if _identity(snapshot) in there)
    return Copied(tuple(copied), present, writer.added)


def _identity(snapshot: Snapshot) -> bytes:
    """What stays the same when a snapshot is copied."""
    return encode_snapshot(msgspec.structs.replace(snapshot, parent=None, original=None, summary=None, id=""))


def _as_copied(snapshot: Snapshot) -> Snapshot:
    """The target's own: a parent may not exist there, and where it came from is remembered."""
    return msgspec.structs.replace(snapshot, parent=None, original=snapshot.original or snapshot.id, id="")


def _copy_blobs(source: Vault, writer: Writer, snapshots: Sequence[Snapshot], progress: Progress, lanes: int) -> None:
    """Bring over every blob that is needed and not there; durable and indexed on return."""
    census = _needed(source, writer.vault, snapshots, lanes)
    tallies = census.tally()
    size = sum(tally.needed_bytes for tally in tallies)
    progress.expect(bytes=size)

    def carry(work: tuple[bytes, list[PackEntry]]) -> None:
        pack, entries = work
        for read in in_pack(source, pack, entries):
            keep = writer.tree if read.place.type == BlobType.TREE else writer.data
            keep(whole(source, read))
        progress.advance(bytes=sum(entry.length for entry in entries))

    listings = [listing for listing, tally in enumerate(tallies) if tally.needed_blobs]
    threads = worthwhile(lanes, size, sum(tally.needed_blobs for tally in tallies))
    for _ in in_threads(carry, census.needed_in(listings), threads):
        pass
    writer.flush()


def _needed(source: Vault, target: Vault, snapshots: Sequence[Snapshot], lanes: int) -> Census:
    """The blobs of the source that the snapshots need and the target lacks. Raises ``ObjectMissing``."""
    census = Census(source.index.segments)
    mark_reachable(source, census, (snapshot.tree for snapshot in snapshots), lanes)
    if census.missing:
        files = files_with(source, snapshots, census.missing)
        raise ObjectMissing(
            f"cannot copy: {len(census.missing)} needed blobs are in no index; affected: {', '.join(files)}",
            "Run 'covenant check' on the source, or copy other snapshots.",
        )
    census.settle(lambda listing: 0.0)
    census.drop(target.index.has)
    return census
