"""A backup of a system that sends itself: stored as it arrives, the directories written when everything has.

Memory holds a few windows of bytes, and for each file what its node will say: 32 bytes a blob. The order of writes is
that of every backup: packs (I1), indexes (I2), trees among them, and the snapshot last (I3).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from covenant.kernel.errors import CovenantError, Interrupted
from covenant.kernel.findings import Finding
from covenant.protect.arriving import AS_IT_COMES, Arrival, Arriving, Kept, Patched, Stream
from covenant.protect.before import ID, Before
from covenant.protect.tally import Tally, gone_since
from covenant.protect.windows import Slots, Windows
from covenant.vault.gotext import quoted_name, time_text
from covenant.vault.tree import (
    MODE_DIR,
    MODE_SYMLINK,
    encode_tree,
    link_text,
    metadata_text,
    node_text,
    owner_text,
)
from covenant.vault.writer import Added, Writer

if TYPE_CHECKING:
    from covenant.protect.backup import Job

_KIND_BITS = {"file": 0, "dir": MODE_DIR, "symlink": MODE_SYMLINK}


class Received(NamedTuple):
    """What arrived: its tree, and everything that a snapshot says of it."""

    tree: str
    paths: tuple[str, ...]
    position: str
    moment: datetime
    tally: Tally
    added: Added
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Folder:
    """A directory, once everything in it is known by name."""

    entry: Arrival | None = None
    folders: dict[str, _Folder] = field(default_factory=dict)
    files: dict[str, tuple[Arrival, Slots]] = field(default_factory=dict)


def receive(job: Job, source: Arriving) -> Received:
    """Take in everything that the source sends.

    Raises ``Interrupted`` when told to stop, after making durable what came.
    """
    before = Before(job.vault, job.parent) if job.parent else None
    with source.receive(before, job.stop, job.progress) as stream:
        receiving = _Receiving(job, stream, before)
        tree = receiving.run()
        tally = receiving.tally
        tally.files_gone = gone_since(job.parent, tally)
        return Received(
            tree,
            stream.paths,
            stream.position,
            stream.moment,
            tally,
            receiving.writer.added,
            tuple(stream.findings),
            tuple(stream.notes),
        )


class _Receiving:
    """One stream on its way into the vault."""

    def __init__(self, job: Job, stream: Stream, before: Before | None) -> None:
        settings = job.settings
        self._job = job
        self._stream = stream
        self._before = before
        self.writer = Writer(job.vault, job.store, pack_size=settings.pack_size, level=settings.level)
        self._windows = Windows(self.writer, settings.lanes, stream.block)
        self._top = _Folder()
        self.tally = Tally()

    def run(self) -> str:
        """Store everything; returns the tree's id when all of it is durable and indexed."""
        try:
            for arrival in self._stream.arrivals():
                self._take(arrival)
            self._windows.finish()
            tree = self._store(self._top, "/")
            self.writer.flush()
        except Interrupted as stopped:
            self._keep_what_came()
            raise Interrupted(
                "the backup was stopped", "Run it again: what arrived already is in the vault and is not stored twice."
            ) from stopped
        finally:
            self._windows.dismiss()
        return tree

    def _keep_what_came(self) -> None:
        """Make durable what arrived, so that the next backup need not store it again."""
        with contextlib.suppress(CovenantError):
            self._windows.finish()
            self.writer.flush()

    def _take(self, arrival: Arrival) -> None:
        if self._job.stop.is_set():
            raise Interrupted("the backup was stopped")
        *above, name = arrival.path.strip("/").split("/")
        folder = self._top
        for part in above:
            folder = folder.folders.setdefault(part, _Folder())
        if arrival.kind == "dir":
            folder.folders.setdefault(name, _Folder()).entry = arrival
            return
        slots = Slots()
        if arrival.size == AS_IT_COMES:
            arrival = arrival._replace(size=self._take_output(arrival, slots), pieces=iter(()))
        folder.files[name] = (arrival._replace(pieces=iter(())), slots)
        for piece in arrival.pieces:
            if isinstance(piece, Kept):
                self._windows.keep(slots, piece)
            elif isinstance(piece, Patched):
                self._windows.patch(slots, piece)
            else:
                self._windows.take(slots, piece)
        self._windows.close_part()

    def _take_output(self, arrival: Arrival, slots: Slots) -> int:
        """Take in what a program puts out, which was cut by its content already; returns how much it was."""
        size = 0
        for piece in arrival.pieces:
            assert not isinstance(piece, Kept | Patched)
            self._windows.take(slots, piece)
            self._windows.close_part()
            size += len(piece)
        return size

    # -- the directories, when everything has arrived -----------------------------------------------------------------

    def _store(self, folder: _Folder, path: str) -> str:
        """Store a directory, those below it first; returns its tree's id."""
        self.tally.directories += 1
        nodes = {name: self._file(arrival, slots) for name, (arrival, slots) in folder.files.items()}
        for name, below in folder.folders.items():
            nodes[name] = node_text(_described(name, below.entry), None, self._store(below, f"{path}{name}/"))
        ordered = sorted(nodes, key=lambda name: name.encode(errors="surrogateescape"))
        return self.writer.tree(encode_tree(nodes[name] for name in ordered)).hex()

    def _file(self, arrival: Arrival, slots: Slots) -> str:
        name = arrival.path.rpartition("/")[2]
        if arrival.kind != "file":
            return node_text(_described(name, arrival), None)
        ids = bytes(slots.ids)
        self._count(arrival, ids)
        return node_text(_described(name, arrival), list(_hexed(ids)))

    def _count(self, arrival: Arrival, ids: bytes) -> None:
        held = self._before.file(arrival.path) if self._before else None
        self.tally.bytes += arrival.size
        if held is None:
            self.tally.files_new += 1
        elif held.blobs == ids:
            self.tally.files_unmodified += 1
        else:
            self.tally.files_changed += 1


def _hexed(ids: bytes) -> Iterator[str]:
    return (ids[at : at + ID].hex() for at in range(0, len(ids), ID))


def _described(name: str, entry: Arrival | None) -> str:
    """The text of a node up to its content. A directory that did not arrive itself is made up."""
    if entry is None:
        entry = Arrival("", "dir", 0o700, 0, owner_text(0, 0, "", ""))
    moment = time_text(entry.mtime_ns)
    return metadata_text(
        quoted_name(name),
        entry.kind,
        entry.mode | _KIND_BITS[entry.kind],
        (moment, moment, moment),
        entry.owner,
        (0, 0, entry.size if entry.kind == "file" else 0, 0 if entry.kind == "dir" else 1),
        link_text(entry.target, None) if entry.kind == "symlink" else "",
    )
