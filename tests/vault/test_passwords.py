"""Passwords come and go; the vault always opens with one."""

from __future__ import annotations

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.errors import DamageError, Refusal, UsageError, WrongPassword
from covenant.vault.passwords import add_password, change_password, find_password, list_passwords, remove_password
from covenant.vault.vault import Vault, open_vault
from tests.faults.stores import FlipsLastByte
from tests.small_worlds import BEGINNING, a_small_vault
from tests.vaults import CHEAP, PASSWORD

WHO = {"created": BEGINNING, "username": "ann", "hostname": "studio"}


def opens(store: MemoryStore, password: str) -> bool:
    """Whether a newcomer gets in."""
    try:
        open_vault(store, password)
    except WrongPassword:
        return False
    return True


@pytest.fixture
def world() -> tuple[MemoryStore, Vault]:
    """A vault, opened with its one password."""
    return a_small_vault()


def test_an_added_password_opens_beside_the_first(world: tuple[MemoryStore, Vault]) -> None:
    """Both open, and the listing says whose they are and which is in use."""
    store, vault = world

    key_id = add_password(vault, store, "second", CHEAP, **WHO)  # type: ignore[arg-type]

    assert (True, True) == (opens(store, PASSWORD), opens(store, "second"))
    assert {(vault.key_id, "", True), (key_id, "ann", False)} == {
        (each.id, each.username, each.current) for each in list_passwords(vault)
    }
    assert key_id == find_password(vault, key_id[:10]).id


def test_a_removed_password_opens_no_more(world: tuple[MemoryStore, Vault]) -> None:
    """The other still does."""
    store, vault = world
    key_id = add_password(vault, store, "second", CHEAP, **WHO)  # type: ignore[arg-type]

    remove_password(vault, store, key_id)

    assert (True, False) == (opens(store, PASSWORD), opens(store, "second"))


def test_the_last_password_stays(world: tuple[MemoryStore, Vault]) -> None:
    """A vault without a key is lost."""
    store, vault = world

    with pytest.raises(Refusal, match="last"):
        remove_password(vault, store, vault.key_id)

    assert opens(store, PASSWORD)


def test_the_password_in_use_stays(world: tuple[MemoryStore, Vault]) -> None:
    """Only its owner's successor may remove it."""
    store, vault = world
    add_password(vault, store, "second", CHEAP, **WHO)  # type: ignore[arg-type]

    with pytest.raises(Refusal, match="in use"):
        remove_password(vault, store, vault.key_id)

    assert opens(store, PASSWORD)


def test_a_changed_password_takes_the_place_of_the_old(world: tuple[MemoryStore, Vault]) -> None:
    """The new one opens, the old one does not, and the vault goes on under it."""
    store, vault = world

    change_password(vault, store, "second", CHEAP, **WHO)  # type: ignore[arg-type]
    change_password(vault, store, "third", CHEAP, **WHO)  # type: ignore[arg-type]

    assert (False, False, True) == (opens(store, PASSWORD), opens(store, "second"), opens(store, "third"))
    assert [True] == [each.current for each in list_passwords(vault)]


def test_a_new_key_that_the_store_garbles_costs_nothing(world: tuple[MemoryStore, Vault]) -> None:
    """It is read back and opened before the old one goes; so the old password still opens."""
    store, vault = world
    garbling = FlipsLastByte(store, lambda name: vault.key_id not in name)
    distrustful = Vault(garbling, vault.master, vault.config, key_id=vault.key_id)

    with pytest.raises(DamageError):
        change_password(distrustful, store, "second", CHEAP, **WHO)  # type: ignore[arg-type]

    assert garbling.flipped
    assert opens(store, PASSWORD)
    assert vault.key_id == distrustful.key_id


def test_an_empty_password_is_none(world: tuple[MemoryStore, Vault]) -> None:
    """An unset variable in a script must not open a vault to everyone."""
    store, vault = world

    with pytest.raises(UsageError):
        add_password(vault, store, "", CHEAP, **WHO)  # type: ignore[arg-type]
