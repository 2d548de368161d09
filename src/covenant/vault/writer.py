"""Adding blobs to a vault.

Each thread has a lane of its own: a cipher, a compressor and an unfinished pack into which blobs are encrypted in
place. Lanes share only the question whether a blob is already known. A lane that fills its pack stores it before it
goes on, so memory is bounded by lanes and a slow store slows the reading.

Order of writes (I2): packs, then the index files that name them. The snapshot comes last and from elsewhere (I3).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from covenant.vault.chunker import LARGEST
from covenant.vault.compression import DEFAULT_LEVEL, Compressor
from covenant.vault.index import BLOBS_PER_FILE, Index, encode_index
from covenant.vault.names import DATA, INDEX, object_name
from covenant.vault.pack import DEFAULT_PACK_SIZE, BlobType, PackBuilder, PackEntry
from covenant.vault.ports import AppendStore, Buffer, put_content
from covenant.vault.vault import Vault

_PACKS_PER_INDEX = 64


@dataclass(slots=True)
class Added:
    """What was new: how many blobs of each type, their plain bytes, and what they take in the vault."""

    data_blobs: int = 0
    tree_blobs: int = 0
    data_bytes: int = 0
    tree_bytes: int = 0
    stored_bytes: int = 0

    def __iadd__(self, other: Added) -> Added:
        for field in self.__slots__:
            setattr(self, field, getattr(self, field) + getattr(other, field))
        return self


class _Lane:
    """What one thread works with."""

    def __init__(self, writer: Writer) -> None:
        self.sealer = writer.vault.sealer
        self.compressor = Compressor(writer.level) if writer.vault.config.compresses else None
        self.builders: dict[BlobType, PackBuilder] = {}
        self.pack_size = writer.pack_size
        self.added = Added()

    def builder(self, blob_type: BlobType) -> PackBuilder:
        """The unfinished pack for blobs of one type."""
        builder = self.builders.get(blob_type)
        if builder is None:
            builder = self.builders[blob_type] = PackBuilder(self.pack_size, LARGEST)
        return builder


class Writer:
    """Takes blobs, keeps each once, and stores them in packs.

    What the vault has already is in its index, which is read for it, unless another ``index`` is given: who brings only
    what is new gives an empty one, and reads nothing.
    """

    def __init__(
        self,
        vault: Vault,
        store: AppendStore,
        *,
        pack_size: int = DEFAULT_PACK_SIZE,
        level: int = DEFAULT_LEVEL,
        writes_index: bool = True,
        index: Index | None = None,
    ) -> None:
        self.vault = vault
        self.pack_size = pack_size
        self.level = level
        self._store = store
        self._index = vault.index if index is None else index
        self._writes_index = writes_index
        self._lock = threading.Lock()
        self._claimed: tuple[set[bytes], set[bytes]] = (set(), set())
        self._own = threading.local()
        self._lanes: list[_Lane] = []

    def data(self, plain: Buffer) -> bytes:
        """Keep a piece of a file; returns its id. Durable only after ``flush``."""
        return self._keep(BlobType.DATA, plain)

    def tree(self, plain: Buffer) -> bytes:
        """Keep a directory; returns its id. Durable only after ``flush``."""
        return self._keep(BlobType.TREE, plain)

    @property
    def added(self) -> Added:
        """What was new so far."""
        total = Added()
        for lane in self._lanes:
            total += lane.added
        return total

    def forget(self) -> None:
        """Forget which blobs are known: whoever held the vault meanwhile may have removed any of them."""
        self._index = Index()

    def adopt(self, entry: PackEntry, sealed: Buffer) -> None:
        """Keep a blob of this same vault that is sealed already: the way prune repacks."""
        lane = self._lane()
        if not self._claim(entry.type, entry.id):
            return
        builder = self._room(lane, BlobType(entry.type), entry.length)
        builder.adopt(entry, sealed)
        self._stored_if_full(lane, builder, BlobType(entry.type))

    def flush(self) -> None:
        """Store everything unfinished; on return all blobs are durable and indexed. No other thread may be adding."""
        for blob_type in BlobType:
            for builder in self._merged_leftovers(blob_type):
                self._store_pack(builder)
        if self._writes_index:
            self._write_index(at_least=1)

    def take_packs(self) -> list[tuple[bytes, list[PackEntry]]]:
        """The packs stored since the last call, for whoever writes the index in this writer's place."""
        with self._lock:
            return self._index.take_unwritten()

    def register(self, packs: list[tuple[bytes, list[PackEntry]]]) -> None:
        """Take up packs that a writer in another process has stored."""
        with self._lock:
            for pack, entries in packs:
                self._index.add(pack, entries)
        self._write_index(at_least=BLOBS_PER_FILE)

    # -- one blob -------------------------------------------------------------------------------------------------

    def _keep(self, blob_type: BlobType, plain: Buffer) -> bytes:
        blob_id = sha256(plain).digest()
        if self._claim(blob_type, blob_id):
            lane = self._lane()
            packed = self._shrunk(lane, blob_type, plain)
            stored, plain_length = (plain, 0) if packed is None else (packed, len(plain))
            builder = self._room(lane, blob_type, len(stored))
            before = builder.size
            builder.add(lane.sealer, blob_id, blob_type, stored, plain_length)
            self._count(lane.added, blob_type, len(plain), builder.size - before)
            self._stored_if_full(lane, builder, blob_type)
        return blob_id

    def _claim(self, blob_type: int, blob_id: bytes) -> bool:
        """Whether the caller shall store this blob, because no one has."""
        claimed = self._claimed[blob_type]
        with self._lock:
            if blob_id in claimed or self._index.has(blob_id, blob_type):
                return False
            claimed.add(blob_id)
            return True

    def _lane(self) -> _Lane:
        try:
            lane: _Lane = self._own.lane
        except AttributeError:
            lane = self._own.lane = _Lane(self)
            with self._lock:
                self._lanes.append(lane)
        return lane

    @staticmethod
    def _shrunk(lane: _Lane, blob_type: BlobType, plain: Buffer) -> bytes | None:
        if lane.compressor is None:
            return None
        if blob_type is BlobType.TREE:  # restic compresses every tree
            return lane.compressor.always(plain)
        return lane.compressor.shrink(plain)

    @staticmethod
    def _count(added: Added, blob_type: BlobType, plain: int, stored: int) -> None:
        if blob_type is BlobType.DATA:
            added.data_blobs += 1
            added.data_bytes += plain
        else:
            added.tree_blobs += 1
            added.tree_bytes += plain
        added.stored_bytes += stored

    # -- packs ----------------------------------------------------------------------------------------------------

    def _room(self, lane: _Lane, blob_type: BlobType, length: int) -> PackBuilder:
        """A builder with room for ``length`` bytes; a blob too large for any gets one of its own."""
        builder = lane.builder(blob_type)
        if not builder.fits(length):
            if builder.entries:
                self._store_pack(builder)
            if not builder.fits(length):
                return PackBuilder(0, length)
        return builder

    def _stored_if_full(self, lane: _Lane, builder: PackBuilder, blob_type: BlobType) -> None:
        if builder.full or builder is not lane.builders[blob_type]:
            self._store_pack(builder)

    def _store_pack(self, builder: PackBuilder) -> None:
        pack = builder.finish(self.vault.sealer)
        name = object_name(DATA, pack.id.hex())
        if all(entry.type == BlobType.DATA for entry in pack.entries):
            put_content(self._store, name, pack.data)
        else:
            self._store.put(name, pack.data)
        with self._lock:
            self._index.add(pack.id, pack.entries)
            for entry in pack.entries:
                self._claimed[entry.type].discard(entry.id)
        builder.reset()
        if self._writes_index:
            self._write_index(at_least=BLOBS_PER_FILE)

    def _merged_leftovers(self, blob_type: BlobType) -> Iterator[PackBuilder]:
        """What the lanes have not finished, put together into as few packs as it takes."""
        left = [lane.builders[blob_type] for lane in self._lanes if blob_type in lane.builders]
        left = sorted((builder for builder in left if builder.entries), key=lambda builder: -builder.size)
        while left:
            largest = left.pop(0)
            for builder in list(left):
                if largest.size + builder.size < self.pack_size + LARGEST and largest.fits(builder.size):
                    for entry in builder.entries:
                        largest.adopt(entry, builder.sealed(entry))
                    builder.reset()
                    left.remove(builder)
            yield largest

    # -- index ----------------------------------------------------------------------------------------------------

    def _write_index(self, at_least: int) -> None:
        """Write an index file if that many blobs, or very many packs, have none."""
        with self._lock:
            if self._index.unwritten < at_least and self._index.unwritten_packs < _PACKS_PER_INDEX:
                return
            if not self._index.unwritten:
                return
            packs = self._index.take_unwritten()
        index_id = self.vault.save(self._store, INDEX, encode_index(packs))
        with self._lock:
            self._index.close(packs, index_id)
