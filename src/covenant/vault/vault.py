"""One repository, opened: what is in it, and how its objects are read and written.

A ``Vault`` by itself can only read. Whoever writes hands in the store to write to, with just the privilege that the
work needs: an ``AppendStore`` for backups, a ``Store`` for ``safeguard`` alone.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from covenant.kernel.clock import Clock
from covenant.kernel.errors import DamageError, ObjectExists, ObjectMissing, SnapshotMissing, VaultExists, VaultMissing
from covenant.vault.compression import Compressor, Decompressor
from covenant.vault.config import Config, decode_config, encode_config
from covenant.vault.crypto import MasterKey, Sealer
from covenant.vault.index import Index, IndexFile, decode_index
from covenant.vault.index_cache import load_segments
from covenant.vault.keys import Cost, find_master, seal_key
from covenant.vault.names import CONFIG, INDEX, KEYS, SNAPSHOTS, id_of, object_name
from covenant.vault.ports import AppendStore, ReadStore, another_copy
from covenant.vault.snapshot import Snapshot, decode_snapshot, encode_snapshot

_COMPRESSED_MARK = 2
_JSON_STARTS = b"[{"
_LARGEST_PLAIN = 256 << 20


class _Tools(threading.local):
    """What each thread needs of its own."""

    sealer: Sealer
    compressor: Compressor
    decompressor: Decompressor


class Vault:
    """A repository whose key we hold."""

    def __init__(
        self, store: ReadStore, master: MasterKey, config: Config, *, key_id: str = "", cache: Path | None = None
    ) -> None:
        self.store = store
        self.master = master
        self.config = config
        self.key_id = key_id
        self.cache = cache / config.id if cache else None
        self._tools = _Tools()

    def anew(self) -> Vault:
        """The same vault with nothing read yet: for work that begins later, and must see what others did meanwhile."""
        fresh = Vault(self.store, self.master, self.config, key_id=self.key_id)
        fresh.cache = self.cache
        return fresh

    @property
    def url(self) -> str:
        """Where it lies."""
        return self.store.url

    @property
    def sealer(self) -> Sealer:
        """This thread's sealer."""
        try:
            return self._tools.sealer
        except AttributeError:
            self._tools.sealer = Sealer(self.master)
            return self._tools.sealer

    @property
    def decompressor(self) -> Decompressor:
        """This thread's decompressor."""
        try:
            return self._tools.decompressor
        except AttributeError:
            self._tools.decompressor = Decompressor()
            return self._tools.decompressor

    # -- single objects -------------------------------------------------------------------------------------------

    def load(self, folder: str, object_id: str) -> bytes:
        """The plain bytes of a key-, pack-less object (index, snapshot, lock).

        Raises ``ObjectMissing``, and ``DamageError`` when it is not what its name says.
        """
        name = object_name(folder, object_id)
        sealed = self.store.get(name)
        if sha256(sealed).hexdigest() != object_id:
            raise DamageError(f"{name} is damaged", "Run 'covenant check' to see what else is, and what to do.")
        plain = self.sealer.open(sealed)
        if plain[:1] and plain[0] in _JSON_STARTS:
            return plain
        if not plain or plain[0] != _COMPRESSED_MARK:
            raise DamageError(f"{name} has an unknown encoding")
        return self.decompressor.expand(memoryview(plain)[1:], _LARGEST_PLAIN)

    def save(self, store: AppendStore, folder: str, plain: bytes) -> str:
        """Seal and store an object; durable on return. Returns its id."""
        if self.config.compresses:
            plain = bytes([_COMPRESSED_MARK]) + Compressor().always(plain)
        sealed = self.sealer.seal(plain)
        object_id = sha256(sealed).hexdigest()
        store.put(object_name(folder, object_id), sealed)
        return object_id

    # -- the index ------------------------------------------------------------------------------------------------

    @cached_property
    def index(self) -> Index:
        """The index, read when first needed."""
        return self.read_index()

    def read_index(self) -> Index:
        """The index as the vault has it now."""
        cache = self.cache / "index" if self.cache else None
        wanted = frozenset(id_of(listed.name) for listed in self.store.list(INDEX)) - {""}
        return Index(load_segments(cache, wanted, self.load_index))

    def forget_index(self) -> None:
        """Read the index anew when it is next needed."""
        self.__dict__.pop("index", None)

    def load_index(self, index_id: str) -> IndexFile:
        """One index file. Raises ``DamageError``, ``ObjectMissing``."""
        return decode_index(self.load(INDEX, index_id))

    # -- snapshots ------------------------------------------------------------------------------------------------

    def snapshot_ids(self) -> list[str]:
        """The ids of all snapshots, in no order."""
        return [snapshot_id for listed in self.store.list(SNAPSHOTS) if (snapshot_id := id_of(listed.name))]

    def load_snapshot(self, snapshot_id: str) -> Snapshot:
        """One snapshot, by its full id."""
        return decode_snapshot(self.load(SNAPSHOTS, snapshot_id), snapshot_id)

    def snapshots(self) -> Iterator[Snapshot]:
        """Every snapshot. Raises ``DamageError`` at one that is damaged; one removed meanwhile is passed over."""
        for snapshot_id in self.snapshot_ids():
            with contextlib.suppress(ObjectMissing):
                yield self.load_snapshot(snapshot_id)

    def find_snapshot(self, prefix: str) -> Snapshot:
        """The one snapshot whose id begins with ``prefix``. Raises ``SnapshotMissing``."""
        found = [snapshot_id for snapshot_id in self.snapshot_ids() if snapshot_id.startswith(prefix)]
        if len(found) == 1:
            return self.load_snapshot(found[0])
        number = "no snapshot" if not found else f"{len(found)} snapshots"
        raise SnapshotMissing(f"{number} of {self.url} begin with {prefix!r}", "List them with 'covenant snapshots'.")

    def save_snapshot(self, store: AppendStore, snapshot: Snapshot) -> Snapshot:
        """Store a snapshot: the last write of a backup (I3). Returns it with its id."""
        snapshot.id = self.save(store, SNAPSHOTS, encode_snapshot(snapshot))
        return snapshot


def create_vault(
    store: AppendStore,
    password: str,
    cost: Cost,
    clock: Clock,
    *,
    username: str = "",
    hostname: str = "",
    cache: Path | None = None,
) -> Vault:
    """Make a new, empty vault: the key first, the config last, for a vault begins to exist with its config.

    Raises ``VaultExists``, also when two are made at the same time: only one config can be put.
    """
    if any(True for _ in store.list(KEYS)) or _exists(store, CONFIG):
        raise VaultExists(f"there is a vault at {store.url} already", "Choose another address, or use this vault.")
    master, config = MasterKey.generate(), Config.generate()
    key = seal_key(master, password, cost, created=clock.now(), username=username, hostname=hostname)
    key_id = sha256(key).hexdigest()
    store.put(object_name(KEYS, key_id), key)
    try:
        store.put(CONFIG, Sealer(master).seal(encode_config(config)))
    except ObjectExists:
        raise VaultExists(
            f"another vault was made at {store.url} at the same time", "Remove one of its keys and try again."
        ) from None
    return Vault(store, master, config, key_id=key_id, cache=cache)


def open_vault(store: ReadStore, password: str, *, cache: Path | None = None) -> Vault:
    """Open an existing vault. Raises ``VaultMissing``, ``WrongPassword``, ``DamageError``, ``VaultError``."""
    try:
        sealed = store.get(CONFIG)
    except ObjectMissing:
        raise VaultMissing(f"no vault at {store.url}", "Check the address, or make one with 'covenant init'.") from None
    key_id, master = find_master(store, password)
    try:
        config = decode_config(Sealer(master).open(sealed))
    except DamageError as error:
        if another_copy(store, CONFIG):
            return open_vault(store, password, cache=cache)
        raise DamageError(
            f"the config of {store.url} is damaged: {error}",
            "Copy the config object from another region or an older copy of the vault.",
        ) from error
    return Vault(store, master, config, key_id=key_id, cache=cache)


def _exists(store: ReadStore, name: str) -> bool:
    try:
        store.size(name)
    except ObjectMissing:
        return False
    return True
