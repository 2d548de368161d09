"""Sealing a change log: each piece of it becomes a snapshot of the kind ``log``, whose tree holds the log's own files.

A file that grows is in every piece that it grew in. Its new bytes become blobs of their own, and its node lists the
blobs of the piece before and then the new ones: nothing is stored twice, and any program that reads the vault's format
restores the log's files as they are. One that is not full yet is called ``<name>.partial``.

Between two pieces the vault is not held, so whatever others do there they can do. What a piece takes over from the one
before it is safe as long as that one's snapshot is there; this is looked up, under the lock, before a new one names it.

Order of writes: packs (I1), the index (I2), the snapshot (I3). Only then does the source hear of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from covenant.kernel.clock import Clock
from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.protect.ports import Batch, Growth
from covenant.vault.index import Index
from covenant.vault.lock import Owner
from covenant.vault.log_files import PARTIAL, File, files_of, log_snapshot, log_tree
from covenant.vault.names import SNAPSHOTS, object_name
from covenant.vault.pieces import Piece
from covenant.vault.ports import AppendStore
from covenant.vault.snapshot import FILE_SIZE
from covenant.vault.vault import Vault
from covenant.vault.writer import Added, Writer

_BLOB = 4 << 20
_PACK = 16 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """The vault, held for one piece: ``confirm`` makes sure of it before the snapshot is stored."""

    store: AppendStore
    confirm: Callable[[], None]


@dataclass(slots=True)
class SealingJob:
    """Whose log is sealed, and into which vault. ``hold`` holds it for one piece, waiting for whoever has it alone."""

    source: str
    vault: Vault
    store: AppendStore
    hold: Callable[[], AbstractContextManager[Held]]
    owner: Owner
    clock: Clock
    program: str = "covenant"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A piece that is durable, and what was new in it."""

    piece: Piece
    added: Added
    seconds: float


class Sealing:
    """Seals one source's log, piece after piece. ``last`` is what the vault has of it: the last piece it goes on from.

    Not thread-safe.
    """

    def __init__(self, job: SealingJob, last: Piece | None) -> None:
        self._job = job
        self._last = last
        self._growing: dict[str, File] = {}
        if last is not None:
            job.vault.forget_index()  # whoever sealed the last piece wrote to it what we have not read
            self._growing = {each.name: each for each in files_of(job.vault, last.snapshot) if each.partial}
        self._writer = Writer(job.vault, job.store, pack_size=_PACK, index=Index())

    @property
    def last(self) -> Piece | None:
        """The last piece that is durable."""
        return self._last

    def seal(self, batch: Batch) -> Sealed:
        """Make a batch durable. Raises the vault's and the store's errors; then nothing of it counts."""
        job, begin = self._job, self._job.clock.monotonic()
        with job.hold() as held:
            if not batch.growths and not batch.beside:
                return self._again(batch, held, begin)
            self._writer.forget()
            before = self._writer.added
            files = [self._grown(growth) for growth in batch.growths]
            if any(growth.offset for growth in batch.growths):
                self._look_back()
            tree = self._tree(batch, files)
            self._writer.flush()
            piece = self._stored(held, batch, tree)
        self._growing = {file.name: file for file in files if file.partial}
        return Sealed(piece, _since(before, self._writer.added), job.clock.monotonic() - begin)

    def _again(self, batch: Batch, held: Held, begin: float) -> Sealed:
        """Nothing was logged since the last piece: say so, with its tree and a later moment."""
        assert self._last is not None
        self._look_back()
        piece = self._stored(held, batch._replace(span=self._last.span), self._last.snapshot.tree)
        return Sealed(piece, Added(), self._job.clock.monotonic() - begin)

    def _look_back(self) -> None:
        """Make sure that the piece whose blobs are taken over is there. Raises ``ObjectMissing``."""
        if self._last is not None:
            try:
                self._job.vault.store.size(object_name(SNAPSHOTS, self._last.snapshot.id))
            except ObjectMissing as error:
                raise ObjectMissing(
                    f"the last piece of the log of '{self._job.source}' was removed: {error}",
                    "It is begun anew from there.",
                ) from error

    def _grown(self, growth: Growth) -> File:
        """A file with what it gained."""
        known = self._growing.get(growth.name + PARTIAL, File(growth.name, (), 0))
        if known.size != growth.offset:
            raise DamageError(
                f"{growth.name} has {known.size:,} bytes in the vault and goes on at {growth.offset:,}",
                "Begin anew: the log is followed from where the vault has it.",
            )
        view = memoryview(growth.data)
        new = [self._writer.data(view[at : at + _BLOB]).hex() for at in range(0, len(view), _BLOB)]
        size = known.size + len(view)
        view.release()
        name = growth.name if size >= growth.full else growth.name + PARTIAL
        return File(name, (*known.content, *new), size)

    def _tree(self, batch: Batch, files: list[File]) -> str:
        beside = [
            File(name, (self._writer.data(content).hex(),) if content else (), len(content))
            for name, content in batch.beside
        ]
        return log_tree(self._writer, [*files, *beside], batch.taken, self._job.owner)

    def _stored(self, held: Held, batch: Batch, tree: str) -> Piece:
        held.confirm()  # I4
        sizes = [growth.full for growth in batch.growths] + [self._last.snapshot.file_size if self._last else FILE_SIZE]
        owner, program = self._job.owner, self._job.program
        snapshot = log_snapshot(tree, self._job.source, batch.span, batch.until, batch.taken, sizes[0], owner, program)
        self._job.vault.save_snapshot(self._job.store, snapshot)  # I3: the snapshot is written last
        self._last = Piece(snapshot, batch.span, batch.until)
        return self._last


def _since(before: Added, now: Added) -> Added:
    return Added(*(getattr(now, name) - getattr(before, name) for name in Added.__slots__))
