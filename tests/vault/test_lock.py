"""Locks: several may add, one alone may take away, and the dead are not waited for."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from covenant.adapters.stores.posix import PosixStore
from covenant.kernel.errors import VaultLocked
from covenant.vault.lock import Locks, Owner
from covenant.vault.vault import Vault
from tests.clocks import FrozenClock
from tests.vaults import a_store, a_vault

ALIVE = os.getpid()
DEAD = 2**22 + 1


@pytest.fixture
def place(tmp_path: Path) -> tuple[Vault, PosixStore]:
    """A vault and its store."""
    store = a_store(tmp_path / "v")
    return a_vault(store), store


def locks(place: tuple[Vault, PosixStore], clock: FrozenClock, pid: int = ALIVE, host: str = "studio") -> Locks:
    """The vault's locks as one process sees them."""
    return Locks(*place, Owner(host, "tester", pid), clock)


def test_two_may_add_side_by_side(place: tuple[Vault, PosixStore]) -> None:
    """Shared locks do not exclude one another, and are gone afterwards."""
    clock = FrozenClock()
    with locks(place, clock).shared(), locks(place, clock).shared():
        assert 2 == len(locks(place, clock).list())

    assert [] == locks(place, clock).list()


@pytest.mark.parametrize("first", ["shared", "exclusive"])
def test_taking_away_excludes_everyone(place: tuple[Vault, PosixStore], first: str) -> None:
    """Who wants the vault alone waits for all others, and they for him; the refusal names the holder."""
    clock = FrozenClock()
    second = "exclusive" if first == "shared" else "shared"
    with (
        getattr(locks(place, clock), first)(),
        pytest.raises(VaultLocked, match=f"tester@studio, process {ALIVE}"),
        getattr(locks(place, clock), second)(),
    ):
        pass

    assert [] == locks(place, clock).list()


def test_waiting_is_bounded(place: tuple[Vault, PosixStore]) -> None:
    """Who waits ten minutes has waited ten minutes."""
    clock = FrozenClock()
    with locks(place, clock).exclusive():
        begin = clock.monotonic()
        with pytest.raises(VaultLocked), locks(place, clock).shared(wait_seconds=600):
            pass

    assert 600 <= clock.monotonic() - begin < 640


def leave_behind(place: tuple[Vault, PosixStore], clock: FrozenClock, pid: int, host: str) -> None:
    """A lock whose holder never lets go."""
    locks(place, clock, pid, host)._acquire(True, 0)


def test_a_dead_process_holds_nothing(place: tuple[Vault, PosixStore]) -> None:
    """A lock of this machine whose process is gone is passed over, and removed when asked."""
    clock = FrozenClock()
    leave_behind(place, clock, DEAD, "studio")

    with locks(place, clock).exclusive():
        pass
    assert 1 == locks(place, clock).remove()
    assert [] == locks(place, clock).list()


def test_another_machine_is_given_half_an_hour(place: tuple[Vault, PosixStore]) -> None:
    """Whether a process elsewhere lives cannot be known; its lock is stale when it was not refreshed."""
    clock = FrozenClock()
    leave_behind(place, clock, DEAD, "elsewhere")

    with pytest.raises(VaultLocked), locks(place, clock).shared():
        pass
    assert 0 == locks(place, clock).remove()
    clock.set(clock.now() + timedelta(minutes=31))
    with locks(place, clock).shared():
        pass
    assert 1 == locks(place, clock).remove()


def test_who_slept_too_long_has_lost_the_vault(place: tuple[Vault, PosixStore]) -> None:
    """After half an hour without a refresh others may have been let in: nothing may be confirmed any more."""
    clock = FrozenClock()
    lapsing = locks(place, clock).shared()
    held = lapsing.__enter__()
    held.confirm()
    clock.set(clock.now() + timedelta(minutes=31))
    with locks(place, clock, host="elsewhere").exclusive():
        pass

    with pytest.raises(VaultLocked, match="not refreshed"):
        held.confirm()
    with pytest.raises(VaultLocked, match="not refreshed"):
        lapsing.__exit__(None, None, None)
    assert [] == locks(place, clock).list()


def test_a_late_refresh_does_not_bring_the_vault_back(place: tuple[Vault, PosixStore]) -> None:
    """The gap stays a gap, however fresh the lock looks afterwards."""
    clock = FrozenClock()
    lapsing = locks(place, clock).shared()
    held = lapsing.__enter__()
    clock.set(clock.now() + timedelta(minutes=31))
    held.refreshed()

    with pytest.raises(VaultLocked, match="not refreshed"):
        lapsing.__exit__(None, None, None)


def test_an_unreadable_lock_counts_until_it_is_removed(place: tuple[Vault, PosixStore]) -> None:
    """What we cannot read might be someone at work."""
    clock, (_, store) = FrozenClock(), place
    store.put("locks/" + "0" * 64, b"nonsense")

    with pytest.raises(VaultLocked), locks(place, clock).shared():
        pass
    assert 1 == locks(place, clock).remove(all_of_them=True)
