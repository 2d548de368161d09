"""Forgetting and pruning may be killed at any write: what was to stay is whole, and the next run goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.keep import Keep
from covenant.safeguard import forget, prune
from covenant.vault.names import SNAPSHOTS, object_name
from covenant.vault.ports import Store
from covenant.vault.vault import Vault
from tests.faults.crashes import deaths, dies_well
from tests.small_worlds import a_small_vault, contents, copied, label, noise, take

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OPTIONS = prune.PruneOptions(max_unused=0, pack_size=4096)


def days(vault: Vault, store: MemoryStore, number: int) -> None:
    """Snapshots of several days, each like the one before but for every third file."""
    files = {f"a/{n}": noise(f"0 {n}", 1500) for n in range(6)}
    for day in range(number):
        files |= {f"a/{n}": noise(f"{day} {n}", 1500) for n in range(day % 3, 6, 3)}
        take(vault, store, files, day=day)


def prune_it(vault: Vault, store: Store) -> None:
    """Prune thoroughly."""
    prune.apply_prune(prune.plan_prune(vault, OPTIONS), vault, store)


def forget_most(vault: Vault, store: Store) -> None:
    """Forget all but the last two."""
    forget.apply(forget.plan(vault.snapshots(), Keep(last=2), now=NOW), vault, store)


def kept_by(vault: Vault) -> dict[str, dict[str, bytes]]:
    """What the last two snapshots hold."""
    last = sorted(vault.snapshots(), key=lambda snapshot: snapshot.time)[-2:]
    return {label(snapshot): contents(vault, snapshot) for snapshot in last}


def test_a_forget_may_die_anywhere(tmp_path: Path) -> None:
    """What the policy keeps is never touched."""
    store, vault = a_small_vault()
    days(vault, store, 5)
    kept = kept_by(vault)

    died = dies_well(store, forget_most, kept, kept, tmp_path)

    assert 2 * 3 == died


@pytest.mark.parametrize("stray", [False, True], ids=["plain", "with what an earlier death left"])
def test_a_prune_may_die_anywhere(tmp_path: Path, stray: bool) -> None:
    """No needed blob is gone before its copy is durable and indexed, and no index names a pack that is gone."""
    store, vault = a_small_vault()
    days(vault, store, 5)
    kept = kept_by(vault)
    if stray:
        leave_rubbish(store, vault)
    forget_most(vault, store)

    died = dies_well(store, prune_it, kept, kept, tmp_path)

    assert died >= 2 * 10


def leave_rubbish(store: MemoryStore, vault: Vault) -> None:
    """Packs without an index, blobs that lie twice, and a snapshot's worth that nobody needs."""
    aside = copied(store)
    elsewhere = Vault(aside, vault.master, vault.config)
    for there, its_vault in ((store, vault), (aside, elsewhere)):
        gone = take(its_vault, there, {"twice": noise("twice", 3000)}, day=40)
        there.delete(object_name(SNAPSHOTS, gone.id))
    for name in {name for name, _ in aside.list("")} - {name for name, _ in store.list("")}:
        store.put(name, aside.get(name))
    store.put(object_name("data", "cd" * 32), b"unfinished")


def test_a_prune_that_died_is_not_begun_from_nothing() -> None:
    """New packs that are indexed already are taken for what they are, and not written again."""
    store, vault = a_small_vault()
    days(vault, store, 5)
    forget_most(vault, store)
    before = len(list(store.list("index")))
    death = next(death for death in deaths(store, prune_it) if len(list(death.store.list("index"))) > before)

    again = prune.plan_prune(Vault(death.store, vault.master, vault.config), OPTIONS)

    assert not again.packs(prune.Action.REPACK)
