"""A small vault, ways to damage its objects, and an oracle that knows who must suffer.

The oracle looks at the sound vault alone: which blobs lie in the damaged stretch by the pack's own header, and which
files and directories need them. It shares no code with ``vault.check``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.clock import SystemClock
from covenant.vault.check.inspection import check
from covenant.vault.check.report import CheckReport
from covenant.vault.check.subset import All
from covenant.vault.keys import seal_key
from covenant.vault.names import DATA, KEYS, LOCKS, object_name
from covenant.vault.pack import BlobType, PackEntry, read_entries
from covenant.vault.reader import read_blob, read_tree
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from tests.small_worlds import Files, a_small_vault, copied, noise, take
from tests.vaults import CHEAP

Blob: TypeAlias = tuple[int, bytes]
Damage: TypeAlias = Callable[[bytes], bytes | None]
"""What becomes of an object's bytes; ``None`` where it is deleted."""


@dataclass(frozen=True, slots=True)
class World:
    """A sound vault, and all that an oracle must know of it."""

    store: MemoryStore
    vault: Vault
    snapshots: tuple[Snapshot, ...]
    packs: dict[str, list[PackEntry]]

    def objects(self, folder: str) -> list[str]:
        """The names of the objects in one folder."""
        return sorted(name for name, _ in self.store.list(folder))

    def packs_of(self, kind: BlobType) -> list[str]:
        """The names of the packs that hold blobs of one type."""
        return [name for name, entries in sorted(self.packs.items()) if entries[0].type == kind]

    def damaged(self, *damages: tuple[str, Damage]) -> Vault:
        """The same vault with these objects damaged, opened by someone who had the key already."""
        store = copied(self.store)
        for name, damage in damages:
            left = damage(store.get(name))
            store.delete(name)
            if left is not None:
                store.put(name, left)
        return reopened(self.vault, store)

    def lost(self, name: str, damage: Damage) -> set[Blob]:
        """The blobs whose bytes a pack no longer has as they were."""
        before = self.store.get(name)
        after = damage(before) or b""
        return {
            (entry.type, entry.id)
            for entry in self.packs[name]
            if before[entry.offset : entry.offset + entry.length] != after[entry.offset : entry.offset + entry.length]
        }

    def sufferers(self, lost: set[Blob]) -> set[str]:
        """Every ``snapshot:path`` that needs a lost blob; a directory that cannot be read ends in ``/``."""
        return {file for snapshot in self.snapshots for file in self._below(snapshot, lost)}

    def _below(self, snapshot: Snapshot, lost: set[Blob]) -> Iterator[str]:
        waiting = [(f"{snapshot.short_id}:/", snapshot.tree)]
        while waiting:
            prefix, tree = waiting.pop()
            if (BlobType.TREE, bytes.fromhex(tree)) in lost:
                yield prefix
                continue
            for node in read_tree(self.vault, tree):
                if node.subtree:
                    waiting.append((f"{prefix}{node.filename}/", node.subtree))
                elif any((BlobType.DATA, bytes.fromhex(piece)) in lost for piece in node.content or ()):
                    yield f"{prefix}{node.filename}"


def a_world() -> World:
    """Three snapshots that share most of their files, in many small packs; two keys and a lock."""
    store, vault = a_small_vault()
    files: Files = {f"shoot-{n % 3}/raw/{n}.dng": noise(f"photo {n}", 300 * n) for n in range(12)}
    files |= {f"shoot-{n}/notes.txt": b"notes of shoot %d\n" % n * 40 for n in range(3)} | {"empty": b""}
    first = take(vault, store, files, day=0)
    second = take(vault, store, files | {"shoot-0/raw/new.dng": noise("new", 5000)}, day=1)
    third = take(vault, store, {path: files[path] for path in files if not path.startswith("shoot-1")}, day=2)
    key = seal_key(vault.master, "another", CHEAP, created=SystemClock().now())
    store.put(object_name(KEYS, sha256(key).hexdigest()), key)
    vault.save(store, LOCKS, b'{"time":"2026-01-01T00:00:00Z","exclusive":false,"pid":1}')
    packs = {name: read_entries(vault.sealer, store.get(name)) for name, _ in store.list(DATA)}
    return World(store, reopened(vault, store), (first, second, third), packs)


def reopened(vault: Vault, store: MemoryStore) -> Vault:
    """The vault in another store, with nothing remembered."""
    return Vault(store, vault.master, vault.config, key_id=vault.key_id)


def checked(vault: Vault) -> CheckReport:
    """What a check of everything finds."""
    return check(vault, SystemClock(), read_data=All())


def affected(report: CheckReport) -> set[str]:
    """Every file that some finding names."""
    return {file for finding in report.findings for file in finding.affects}


def readable(vault: Vault, snapshot: Snapshot, but_not: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Path and content of every file of a snapshot that is not said to suffer. Raises if one cannot be read."""
    bad = set(but_not)
    waiting = [(f"{snapshot.short_id}:/", snapshot.tree)]
    while waiting:
        prefix, tree = waiting.pop()
        if prefix in bad:
            continue
        for node in read_tree(vault, tree):
            path = f"{prefix}{node.filename}"
            if node.subtree:
                waiting.append((f"{path}/", node.subtree))
            elif path not in bad:
                pieces = [read_blob(vault, bytes.fromhex(piece), BlobType.DATA) for piece in node.content or ()]
                yield path, b"".join(pieces)


# -- damages ---------------------------------------------------------------------------------------------------------


def flip(bit: int) -> Damage:
    """One bit is another, counted from the end where negative."""

    def flipped(data: bytes) -> bytes:
        at = bit % (len(data) * 8)
        return data[: at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1 :]

    return flipped


def shorten(data: bytes) -> bytes:
    """The last byte is gone."""
    return data[:-1]


def halve(data: bytes) -> bytes:
    """The second half is gone."""
    return data[: len(data) // 2]


def empty(_: bytes) -> bytes:
    """Nothing is left but the name."""
    return b""


def lengthen(data: bytes) -> bytes:
    """One byte too many."""
    return data + b"\0"


def delete(_: bytes) -> None:
    """It is gone."""


def replace(other: bytes) -> Damage:
    """It has the content of another object."""
    return lambda _: other


def subjects(report: CheckReport) -> set[str]:
    """Everything that some finding is about."""
    return {finding.subject for finding in report.findings}
