"""Dying at every write: an act is repeated, each time killed one write later, and what it leaves is judged.

The write at which it dies either never happens, or happens without an answer; both are tried at every write. After
each death the vault must be sound for our own check, a newcomer must find every snapshot that was acknowledged, with
exactly its files, and the act done again must come to its end. Every third death is also shown to the program restic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.vault.ports import Store
from covenant.vault.vault import Vault, open_vault
from tests.faults.stores import Died, DiesAfterWrite
from tests.small_worlds import Files, copied, damage, everything, restic_refuses
from tests.vaults import PASSWORD

Act = Callable[[Vault, Store], object]
Contents = dict[str, Files]
_RESTIC_EVERY = 3


@dataclass(frozen=True, slots=True)
class Death:
    """What an act left behind when it died at its ``n``-th write."""

    n: int
    before: bool
    store: MemoryStore

    def __str__(self) -> str:
        return f"died {'before' if self.before else 'after'} write {self.n}"


def deaths(ground: MemoryStore, act: Act) -> Iterator[Death]:
    """The act, killed at each of its writes, on a copy of the ground each time."""
    counting = DiesAfterWrite(copied(ground), None)
    act(open_vault(counting, PASSWORD), counting)
    assert counting.writes
    for n in range(counting.writes):
        for before in (True, False):
            store = copied(ground)
            dying = DiesAfterWrite(store, n, before)
            with pytest.raises(Died):
                act(open_vault(dying, PASSWORD), dying)
            yield Death(n, before, store)


def dies_well(ground: MemoryStore, act: Act, kept: Contents, after: Contents, scratch: Path) -> int:
    """Prove an act crash-safe; returns how many deaths it died.

    ``kept`` is what a newcomer must find whenever it died: those snapshots, with just these files; ``after`` all that
    it finds once the act has been done again. Between the two only snapshots of ``after`` or of the ground may stand.
    """
    known = everything(ground) | after
    died = 0
    for death in deaths(ground, act):
        died += 1
        found = everything(death.store)
        assert kept == {name: files for name, files in found.items() if name in kept}, death
        assert all(known[name] == files for name, files in found.items()), death
        assert [] == damage(death.store), death
        if death.before and death.n % _RESTIC_EVERY == 0:
            assert "" == restic_refuses(death.store, scratch / "died"), death
        act(open_vault(death.store, PASSWORD), death.store)
        assert after == everything(death.store), death
        assert [] == damage(death.store), death
    assert "" == restic_refuses(death.store, scratch / "done")
    return died
