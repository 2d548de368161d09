"""The writer: each blob once, all of them durable after a flush, in a shape that packs alone can tell."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.vault.names import DATA, id_of
from covenant.vault.pack import BlobType, PackEntry, decode_header, encode_header, read_entries
from covenant.vault.reader import read_blob
from covenant.vault.writer import Writer
from tests.vaults import a_store, a_vault


def test_blobs_come_back_and_are_stored_once(tmp_path: Path) -> None:
    """The same bytes twice cost one blob, also in the next run, and both types are apart."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    writer = Writer(vault, store)
    blob, tree = b"a caption\n" * 500, b'{"nodes":[]}\n'

    ids = [writer.data(blob), writer.data(blob), writer.tree(tree), writer.data(tree)]
    writer.flush()
    again = Writer(vault, store)
    again.data(blob)
    again.flush()
    vault.forget_index()

    assert ids[0] == ids[1]
    assert (2, 1) == (writer.added.data_blobs, writer.added.tree_blobs)
    assert 0 == again.added.data_blobs
    assert blob == read_blob(vault, ids[0], BlobType.DATA)
    assert tree == read_blob(vault, ids[2], BlobType.TREE) == read_blob(vault, ids[3], BlobType.DATA)


def test_many_threads_keep_everything_once(tmp_path: Path) -> None:
    """Lanes race for the same blobs; each lands in exactly one pack, and packs hold one type."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    writer = Writer(vault, store, pack_size=64 << 10)
    blobs = [os.urandom(5000) for _ in range(200)]

    threads = [threading.Thread(target=lambda: [writer.data(blob) for blob in blobs]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.tree(b'{"nodes":[]}\n')
    writer.flush()
    vault.forget_index()

    stored = [read_entries(vault.sealer, store.get(listed.name)) for listed in store.list(DATA)]
    assert 201 == sum(map(len, stored)) == len(vault.index)
    assert all(len({entry.type for entry in entries}) == 1 for entries in stored)
    assert {id_of(listed.name) for listed in store.list(DATA)} == {pack.hex() for pack in vault.index.pack_ids()}


def test_a_blob_larger_than_any_pack_has_its_own(tmp_path: Path) -> None:
    """A directory with a million entries is one blob, whatever its size."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    writer = Writer(vault, store, pack_size=1 << 20)
    giant = os.urandom(11 << 20)

    writer.tree(b"small")
    blob_id = writer.tree(giant)
    writer.flush()

    assert giant == read_blob(vault, blob_id, BlobType.TREE)


def test_small_leftovers_are_put_together(tmp_path: Path) -> None:
    """Threads that did little each leave one pack together, not one each."""
    store = a_store(tmp_path / "v")
    writer = Writer(a_vault(store), store)

    for _ in range(4):
        thread = threading.Thread(target=lambda: writer.data(os.urandom(100)))
        thread.start()
        thread.join()
    writer.flush()

    assert 1 == sum(1 for _ in store.list(DATA))


def test_nothing_is_readable_that_was_never_kept(tmp_path: Path) -> None:
    """An unknown blob is missing, with a hint."""
    store = a_store(tmp_path / "v")

    with pytest.raises(ObjectMissing) as caught:
        read_blob(a_vault(store), bytes(32), BlobType.DATA)
    assert "check" in caught.value.hint


def test_headers_tell_what_is_in_a_pack() -> None:
    """Headers decode to the entries they were made from; cut off or senseless ones are damage."""
    entries = [PackEntry(b"a" * 32, 0, 0, 132, 0), PackEntry(b"b" * 32, 1, 132, 50, 99)]
    header = encode_header(entries)

    assert entries == decode_header(header)
    assert 37 + 41 == len(header)
    with pytest.raises(DamageError):
        decode_header(header[:-1])
    with pytest.raises(DamageError):
        decode_header(b"\x07" + header[1:])
