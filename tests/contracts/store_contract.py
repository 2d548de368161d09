"""What every store must do, whatever it is made of: the promises of ``covenant.vault.ports``, as one suite.

A store's own test module has a class that derives from ``StoreContract`` and gives it the fixture ``store``: an empty
one that can be written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from covenant.kernel.errors import DamageError, ObjectExists, ObjectMissing, StoreError
from covenant.vault.ports import Listed, Store

WRITERS = 16
ODD_NAMES = [
    "config",
    "a",
    ".hidden",
    "..twice",
    "trailing.",
    "-dash",
    "_under/_score",
    "UPPER/lower",
    "deep/er/and/deep/er/still/x.y.z",
    "data/" + "f" * 64,
    "long/" + "n" * 200,
    "looks-tmp-123",
]
FOREIGN_NAMES = ["", "/", "/abs", "a//b", "a/", "../up", "a/../b", "a/./b", ".", "..", "a b", "ä", "a\0b", "a\n", "a~1"]


class StoreContract:
    many = 2_200
    """More objects than a provider tells of at once. A store that is made of proved ones needs fewer."""

    def test_what_was_put_is_got(self, store: Store) -> None:
        """An object comes back byte for byte."""
        store.put("data/ab/one", b"some bytes")

        assert b"some bytes" == store.get("data/ab/one")

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_any_buffer_is_taken(self, store: Store, kind: Callable[[bytes], bytes]) -> None:
        """Bytes, byte arrays and memory views are all the same to a store."""
        store.put("data/buffer", kind(b"in a buffer"))

        assert b"in a buffer" == store.get("data/buffer")

    def test_a_part_of_a_buffer_is_taken(self, store: Store) -> None:
        """A view into a larger buffer stores that part alone."""
        store.put("data/part", memoryview(bytearray(b"before|part|behind"))[7:11])

        assert b"part" == store.get("data/part")

    def test_a_buffer_may_be_used_again(self, store: Store) -> None:
        """Once put returns, changing the buffer does not change the object."""
        buffer = bytearray(b"first")

        store.put("data/reused", buffer)
        buffer[:] = b"other"

        assert b"first" == store.get("data/reused")

    def test_an_object_may_be_empty(self, store: Store) -> None:
        """Nothing is something: an empty object exists, has size 0 and is listed."""
        store.put("data/empty", b"")

        assert b"" == store.get("data/empty")
        assert 0 == store.size("data/empty")
        assert b"" == store.get_range("data/empty", 0, 0)
        assert [Listed("data/empty", 0)] == list(store.list("data"))

    def test_an_object_may_be_large(self, store: Store) -> None:
        """20 MiB, more than any pack, come back whole and in parts."""
        data = b"".join(sha256(number.to_bytes(4, "big")).digest() for number in range(20 * 2**20 // 32))

        store.put("data/large", data)

        assert len(data) == store.size("data/large")
        assert sha256(data).digest() == sha256(store.get("data/large")).digest()
        assert data[15_000_001:15_000_999] == store.get_range("data/large", 15_000_001, 998)

    @pytest.mark.parametrize(("offset", "length"), [(0, 10), (0, 1), (3, 4), (9, 1), (4, 0), (10, 0)])
    def test_a_range_is_exact(self, store: Store, offset: int, length: int) -> None:
        """A range holds exactly the bytes asked for, at both ends too."""
        store.put("data/range", b"0123456789")

        assert b"0123456789"[offset : offset + length] == store.get_range("data/range", offset, length)

    @pytest.mark.parametrize(("offset", "length"), [(0, 11), (5, 6), (10, 1), (99, 1), (11, 0)])
    def test_a_range_beyond_the_end_is_damage(self, store: Store, offset: int, length: int) -> None:
        """An object that ends too early was cut off, and is never read as shorter."""
        store.put("data/range", b"0123456789")

        with pytest.raises(DamageError):
            store.get_range("data/range", offset, length)

    def test_what_is_missing_is_missing(self, store: Store) -> None:
        """Every way to ask for an object that is not there says so with the same error."""
        store.put("data/there", b"x")

        for ask in (store.get, store.size, store.delete, lambda name: store.get_range(name, 0, 1)):
            with pytest.raises(ObjectMissing):
                ask("data/absent")

    def test_a_folder_is_no_object(self, store: Store) -> None:
        """A folder cannot be read, measured or deleted as an object."""
        store.put("data/ab/one", b"x")

        for ask in (store.get, store.size, store.delete, lambda name: store.get_range(name, 0, 1)):
            with pytest.raises(ObjectMissing):
                ask("data/ab")
        assert b"x" == store.get("data/ab/one")

    def test_never_over_another(self, store: Store) -> None:
        """A name that is taken stays as it is, whether the bytes differ or not."""
        store.put("config", b"first")

        for data in (b"second", b"first", b""):
            with pytest.raises(ObjectExists):
                store.put("config", data)
        assert b"first" == store.get("config")

    def test_one_winner_among_many_writers(self, store: Store) -> None:
        """Of 16 threads that put the same name at the same moment one succeeds, and its bytes are the object."""
        together = threading.Barrier(WRITERS)

        def write(number: int) -> bytes | None:
            data = f"written by {number}".encode() * 100
            together.wait()
            try:
                store.put("config", data)
            except ObjectExists:
                return None
            return data

        with ThreadPoolExecutor(WRITERS) as threads:
            written = list(threads.map(write, range(WRITERS)))

        assert [store.get("config")] == [data for data in written if data is not None]

    def test_many_threads_do_not_disturb_one_another(self, store: Store) -> None:
        """Objects put at the same time in the same new folders are all there."""
        names = [f"data/{number % 8:02x}/{number}" for number in range(64)]

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda name: store.put(name, name.encode()), names))

        assert sorted(Listed(name, len(name)) for name in names) == sorted(store.list("data"))
        assert all(name.encode() == store.get(name) for name in names)

    def test_what_was_deleted_is_gone(self, store: Store) -> None:
        """A deleted object is neither got nor listed, and its neighbours stay."""
        store.put("locks/one", b"1")
        store.put("locks/two", b"2")

        store.delete("locks/one")

        assert [Listed("locks/two", 1)] == list(store.list("locks"))
        with pytest.raises(ObjectMissing):
            store.get("locks/one")

    def test_a_name_can_be_used_again(self, store: Store) -> None:
        """After a delete the name is free."""
        store.put("locks/one", b"1")
        store.delete("locks/one")

        store.put("locks/one", b"one more")

        assert b"one more" == store.get("locks/one")

    def test_a_listing_knows_names_and_sizes(self, store: Store) -> None:
        """A folder's listing holds everything below it, however deep, and nothing else."""
        for name in ("config", "data/ab/one", "data/cd/two", "data/three", "database/four", "index/five"):
            store.put(name, name.encode())

        expected = [Listed(name, len(name)) for name in ("data/ab/one", "data/cd/two", "data/three")]
        assert expected == sorted(store.list("data"))
        assert expected == sorted(store.list("data/"))
        assert [Listed("data/ab/one", 11)] == list(store.list("data/ab"))

    def test_a_listing_of_everything(self, store: Store) -> None:
        """The empty prefix lists the whole store."""
        for name in ("config", "keys/one", "data/ab/two"):
            store.put(name, b"x")

        assert ["config", "data/ab/two", "keys/one"] == sorted(name for name, _ in store.list(""))

    @pytest.mark.parametrize("prefix", ["", "snapshots", "data/zz", "config/below"])
    def test_a_missing_folder_lists_nothing(self, store: Store, prefix: str) -> None:
        """Nothing there is no error."""
        assert [] == list(store.list(prefix))

    def test_an_object_is_not_its_own_folder(self, store: Store) -> None:
        """Listing below an object's own name finds nothing."""
        store.put("config", b"x")

        assert [] == list(store.list("config"))

    def test_many_names(self, store: Store) -> None:
        """A listing is whole where it takes more than one page of a provider's answer."""
        names = [f"data/{number % 256:02x}/{number:064x}" for number in range(self.many)]

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda name: store.put(name, b"x"), names))

        assert names == sorted((name for name, _ in store.list("data")), key=lambda name: name[8:])

    @pytest.mark.parametrize("name", ODD_NAMES)
    def test_odd_names_are_kept(self, store: Store, name: str) -> None:
        """Any name of the alphabet is kept exactly as it is."""
        store.put(name, name.encode())

        assert name.encode() == store.get(name)
        assert [Listed(name, len(name))] == list(store.list(""))
        store.delete(name)
        assert [] == list(store.list(""))

    @pytest.mark.parametrize("name", FOREIGN_NAMES)
    def test_other_names_are_refused(self, store: Store, name: str) -> None:
        """A name that could lead out of the store reaches nothing, however it is used."""
        for ask in (
            store.get,
            store.size,
            store.delete,
            lambda name: store.get_range(name, 0, 1),
            lambda name: store.put(name, b"x"),
        ):
            with pytest.raises(StoreError, match="cannot name an object"):
                ask(name)

    def test_the_address_is_told(self, store: Store) -> None:
        """A store says where it is, and no secret with it."""
        assert store.url
        assert "secret" not in store.url
