"""Rewriting, tagging, copying, backing up and changing a password may be killed at any write."""

from __future__ import annotations

from pathlib import Path

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.errors import WrongPassword
from covenant.protect.backup import Settings
from covenant.safeguard import rewrite, tag
from covenant.vault.copy import copy
from covenant.vault.passwords import change_password
from covenant.vault.ports import Store
from covenant.vault.vault import Vault, open_vault
from tests.faults.crashes import deaths, dies_well
from tests.faults.stores import DiesAfterWrite
from tests.small_worlds import (
    BEGINNING,
    Files,
    a_small_vault,
    contents,
    copied,
    damage,
    everything,
    label,
    noise,
    restic_refuses,
    take,
)
from tests.vaults import CHEAP, PASSWORD, back_up

FIRST: Files = {"a/x": noise("x", 900), "a/y.tmp": b"y", "b/z": b"z"}
SECOND: Files = FIRST | {"a/w": noise("w", 1200)}


@pytest.fixture
def ground() -> MemoryStore:
    """A vault with two snapshots."""
    store, vault = a_small_vault()
    take(vault, store, FIRST, tags=("legal",))
    take(vault, store, SECOND, day=1)
    return store


def without(files: Files, ending: str) -> Files:
    """The files whose names end otherwise."""
    return {path: content for path, content in files.items() if not path.endswith(ending)}


def test_a_tag_may_die_anywhere(ground: MemoryStore, tmp_path: Path) -> None:
    """Each moment keeps its files under the old tags or the new; in the end under the new alone."""

    def act(vault: Vault, store: Store) -> None:
        tag.apply(tag.plan(sorted(vault.snapshots(), key=lambda each: each.time), add=["new"]), vault, store)

    before = everything(ground)
    after = {f"{name} new": files for name, files in before.items()}

    assert 2 * 4 == dies_well(ground, act, {}, after, tmp_path)
    for death in deaths(ground, act):
        found = everything(death.store)
        assert all(name in found or f"{name} new" in found for name in before), death


def test_a_rewrite_may_die_anywhere(ground: MemoryStore, tmp_path: Path) -> None:
    """Whenever it dies, the old snapshot or the new one is there, and whole."""

    def act(vault: Vault, store: Store) -> None:
        rewrite.apply(rewrite.plan(vault, vault.snapshots(), ["*.tmp"], forget=True), vault, store)

    before = everything(ground)
    after = {name: without(files, ".tmp") for name, files in before.items()}
    died = 0
    for death in deaths(ground, act):
        vault = open_vault(death.store, PASSWORD)
        for snapshot in vault.snapshots():
            assert contents(vault, snapshot) in (before[label(snapshot)], after[label(snapshot)]), death
        assert before.keys() == {label(snapshot) for snapshot in vault.snapshots()}, death
        assert [] == damage(death.store), death
        if died % 6 == 0:
            assert "" == restic_refuses(death.store, tmp_path / "died"), death
        act(vault, death.store)
        assert after == everything(death.store), death
        assert 2 == len(list(death.store.list("snapshots"))), death
        died += 1

    assert died >= 2 * 6


def test_a_copy_may_die_anywhere(ground: MemoryStore, tmp_path: Path) -> None:
    """The target keeps what it had, and begun again it comes to its end."""
    source = open_vault(ground, PASSWORD)
    target_store, target = a_small_vault()
    take(target, target_store, {"own": noise("own", 800)}, day=9)
    had = everything(target_store)

    def act(vault: Vault, store: Store) -> None:
        copy(source, vault, store, source.snapshots())

    died = dies_well(target_store, act, had, had | everything(ground), tmp_path)

    assert died >= 2 * 5


def test_a_backup_may_die_anywhere(tmp_path: Path) -> None:
    """Earlier snapshots stay whole; begun again it comes to its end, and restic reads what came of it."""
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    for n in range(5):
        (folder / "deep" / f"{n}.raw").write_bytes(noise(f"{n}", 40_000))
    ground, vault = a_small_vault()
    settings = Settings(lanes=1, pack_size=32_768)
    back_up(vault, ground, folder, settings=settings)
    (folder / "deep" / "0.raw").write_bytes(noise("changed", 90_000))
    (folder / "new").write_bytes(noise("new", 50_000))
    kept = everything(ground)

    def act(vault: Vault, store: Store) -> None:
        back_up(vault, store, folder, settings=settings)

    died = 0
    for death in deaths(ground, act):
        found = everything(death.store)
        assert kept.items() <= found.items(), death
        assert [] == damage(death.store), death
        if died % 6 == 0:
            assert "" == restic_refuses(death.store, tmp_path / "died"), death
        act(open_vault(death.store, PASSWORD), death.store)
        newest = max(everything(death.store).items())[1]
        assert noise("changed", 90_000) == newest[f"{folder}/deep/0.raw".lstrip("/")], death
        died += 1

    assert died >= 2 * 5


def test_a_change_of_password_may_die_anywhere(ground: MemoryStore) -> None:
    """At every moment one of the two opens the vault, and begun again from that one it comes to its end."""

    def act(vault: Vault, store: Store) -> None:
        change_password(vault, store, "new", CHEAP, created=BEGINNING, username="u", hostname="h")

    before = everything(ground)
    died = 0
    for death in deaths(ground, act):
        vault = _opened(death.store)
        act(vault, death.store)
        assert before == {label(each): contents(vault, each) for each in open_vault(death.store, "new").snapshots()}
        with pytest.raises(WrongPassword):
            open_vault(death.store, PASSWORD)
        died += 1

    assert 2 * 2 == died


def _opened(store: MemoryStore) -> Vault:
    try:
        return open_vault(store, PASSWORD)
    except WrongPassword:
        return open_vault(store, "new")


def test_death_is_met_where_it_was_planned(ground: MemoryStore) -> None:
    """The crash tests themselves can fail: a store that dies loses what it was about to write."""
    store = copied(ground)
    dying = DiesAfterWrite(store, 0)

    with pytest.raises(BaseException):  # noqa: B017, PT011 - death is no error
        take(open_vault(dying, PASSWORD), dying, {"new": b"new"}, day=3)

    assert everything(ground) == everything(store)
