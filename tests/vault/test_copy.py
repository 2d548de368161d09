"""Copying to another vault: everything arrives, once, under the other key."""

from __future__ import annotations

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.errors import DamageError, ObjectMissing, Refusal
from covenant.vault.copy import copy
from covenant.vault.names import DATA, SNAPSHOTS
from covenant.vault.segment import Location
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from tests.faults.stores import DiesAfterWrite
from tests.small_worlds import a_small_vault, contents, damage, everything, noise, take

OLD = {f"a/{n}": noise(f"{n}", 2000) for n in range(5)} | {"words": b"words and words and words " * 20}
NEW = OLD | {"a/0": noise("new", 1500)}


@pytest.fixture
def source() -> tuple[MemoryStore, Vault, Snapshot, Snapshot]:
    """A vault with two snapshots."""
    store, vault = a_small_vault()
    return store, vault, take(vault, store, OLD, tags=("legal",)), take(vault, store, NEW, day=1)


def test_snapshots_arrive_with_all_they_need(source: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """Content, tree, moment and tags are the same; the key is not, and nothing of the source's lies in the target."""
    store, vault, first, second = source
    target_store, target = a_small_vault()

    copied = copy(vault, target, target_store, [second, first]).copied

    assert everything(store) == everything(target_store)
    assert [] == damage(target_store)
    assert [(first.tree, first.id), (second.tree, second.id)] == [(each.tree, each.original) for each in copied]
    assert vault.master != target.master
    assert not {name for name, _ in store.list(DATA)} & {name for name, _ in target_store.list(DATA)}


def test_what_is_there_is_not_copied_again(source: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """The second time nothing is written; a snapshot taken meanwhile brings only what is new."""
    store, vault, first, second = source
    target_store, target = a_small_vault()
    copy(vault, target, target_store, [first, second])
    counting = DiesAfterWrite(target_store, None)

    again = copy(vault, target, counting, [first, second])
    third = take(vault, store, NEW | {"b": b"new"}, day=2)
    more = copy(vault, target, target_store, [first, second, third])

    assert (0, 2, 0) == (counting.writes, len(again.present), again.added.data_blobs)
    assert (1, 1, 1) == (len(more.copied), more.added.data_blobs, more.added.tree_blobs)


def test_only_the_chosen_snapshot_is_copied(source: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """Blobs that only another one needs stay behind."""
    _, vault, first, _ = source
    target_store, target = a_small_vault()

    copied = copy(vault, target, target_store, [first])

    assert [OLD] == list(everything(target_store).values())
    assert sum(-(-len(content) // 700) for content in OLD.values()) == copied.added.data_blobs


def test_a_copy_of_a_copy_remembers_the_first(source: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """``original`` is the id under which it was taken; copied back, it is known."""
    store, vault, first, _ = source
    second_store, second_vault = a_small_vault()
    third_store, third_vault = a_small_vault()
    (once,) = copy(vault, second_vault, second_store, [first]).copied

    (twice,) = copy(second_vault, third_vault, third_store, [once]).copied

    assert first.id == twice.original
    assert (twice,) == copy(third_vault, vault, store, [twice]).present


def test_damage_is_not_copied(source: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """A blob that is not what its name says ends the copy; no snapshot that would need it is stored."""
    store, vault, first, _ = source
    for name, size in store.list(DATA):
        if not any(place.pack.hex() in name for place in _trees(vault)):
            store.overwrite(name, bytes(size))
    target_store, target = a_small_vault()

    with pytest.raises(DamageError):
        copy(vault, target, target_store, [first])

    assert [] == list(target_store.list(SNAPSHOTS))


def test_a_blob_that_is_missing_is_said_with_its_files(source: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """A pack that no index names any more: the files are named before anything is written."""
    store, vault, first, _ = source
    for name, _size in list(store.list("index"))[:1]:
        store.delete(name)
    vault.forget_index()
    target_store, target = a_small_vault()

    with pytest.raises(ObjectMissing):
        copy(vault, target, target_store, [first])

    assert [] == list(target_store.list(SNAPSHOTS))


def test_a_vault_is_not_copied_into_itself(source: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """It would do nothing, and is surely a mistake."""
    store, vault, first, _ = source

    with pytest.raises(Refusal):
        copy(vault, vault, store, [first])

    assert OLD == contents(vault, first)


def _trees(vault: Vault) -> list[Location]:
    return [
        segment.location(position)
        for segment in vault.index.segments
        for position in range(segment.count)
        if segment.type_at(position)
    ]
