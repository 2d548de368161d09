"""A small copy of a piece of a vault, in which damage can be planted.

One file of a snapshot, or the beginning of a large one, is copied with the bytes that the vault holds into a store of
its own: sealed as they are, in a new pack, below a new tree and a new snapshot. It is a vault like the one it comes
from, with the same key, and what is done to it touches nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import msgspec

from covenant.kernel.errors import ObjectMissing, TargetError
from covenant.prove.ports import Access
from covenant.recover.listing import Found, walk
from covenant.vault.names import DATA, object_name
from covenant.vault.pack import BlobType, PackEntry
from covenant.vault.ports import Store
from covenant.vault.segment import Location
from covenant.vault.snapshot import Snapshot
from covenant.vault.tree import encode_tree
from covenant.vault.vault import Vault
from covenant.vault.writer import Writer

_LOOKED_AT = 100
"""Files with content, among which the smallest is chosen."""
_MOST_BYTES = 8 << 20
_MOST_PIECES = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """The copy: its store, which may be harmed, and the file in it with the places of its pieces."""

    store: Store
    vault: Vault
    snapshot: Snapshot
    path: str
    origin: str
    """The file in the snapshot that it was copied from."""
    pieces: tuple[Location, ...]

    @property
    def access(self) -> Access:
        """A way into it, with nothing of it read yet."""
        return Access(self.vault.anew())

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return sum(piece.size for piece in self.pieces)

    @property
    def pack(self) -> str:
        """The object that holds its first piece."""
        return object_name(DATA, self.pieces[0].pack.hex())


def smallest_file(access: Access, snapshot: Snapshot, path: str = "/") -> Found:
    """A file with content, as small as a short look can find. Raises ``TargetError`` where there is none."""
    everything = walk(access.vault, snapshot, path)
    files = list(islice((each for each in everything if each.node.type == "file" and each.node.content), _LOOKED_AT))
    if not files:
        raise TargetError(f"snapshot {snapshot.id[:8]} has no file with content")
    return min(files, key=lambda found: (found.node.size, found.path))


def take_sample(access: Access, snapshot: Snapshot, scratch: Callable[[], Store], path: str = "/") -> Sample:
    """Copy a file of the snapshot, or its beginning. Raises ``TargetError`` and whatever reading the vault raises."""
    found, source, store = smallest_file(access, snapshot, path), access.vault, scratch()
    copy = Vault(store, source.master, source.config)
    writer, kept, size = Writer(copy, store), list[str](), 0
    for text in (found.node.content or ())[:_MOST_PIECES]:
        place = _place(source, text)
        if kept and size + place.size > _MOST_BYTES:
            break
        sealed = source.store.get_range(object_name(DATA, place.pack.hex()), place.offset, place.length)
        writer.adopt(PackEntry(bytes.fromhex(text), *place[1:]), sealed)
        kept.append(text)
        size += place.size
    node = msgspec.structs.replace(found.node, content=kept, size=size, links=1)
    tree = writer.tree(encode_tree([node.text()])).hex()
    writer.flush()
    name = f"/{found.node.filename}"
    taken = Snapshot(time_=snapshot.time_, tree=tree, paths=[name], hostname=snapshot.hostname)
    taken = copy.save_snapshot(store, taken)
    fresh = copy.anew()
    return Sample(store, fresh, taken, name, found.path, tuple(_place(fresh, text) for text in kept))


def _place(vault: Vault, text: str) -> Location:
    place = vault.index.find(bytes.fromhex(text), BlobType.DATA)
    if place is None:
        raise ObjectMissing(f"data blob {text[:8]} is in no index")
    return place
