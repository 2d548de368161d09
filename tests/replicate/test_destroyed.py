"""Regions are destroyed at random moments of backups, prunes and healing: what was acknowledged survives."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.adapters.stores.objects import ObjectStore
from covenant.adapters.stores.posix import PosixStore
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import CovenantError, StoreUnavailable
from covenant.kernel.keep import Keep
from covenant.replicate.census import look
from covenant.replicate.sync import carry_out, errands
from covenant.safeguard import forget, prune
from covenant.vault.keys import Cost
from covenant.vault.ports import Buffer, Store
from covenant.vault.vault import create_vault, open_vault
from tests.faults.stores import Died, DiesAfterWrite
from tests.replicate.worlds import Away, regional, regions_of
from tests.servers.seaweedfs import SeaweedServer, s3_server
from tests.small_worlds import Files, damage, everything, label, noise, restic_refuses, take
from tests.vaults import PASSWORD, a_store

__all__ = ["s3_server"]

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OPTIONS = prune.PruneOptions(max_unused=0, pack_size=4096)


class Doomed(Away):
    """A store whose every byte is gone after so many more writes, as by fire. It does not come back."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.writes_left: int | None = None
        self.burned = False

    def put(self, name: str, data: Buffer) -> None:
        self._burn()
        super().put(name, data)

    def delete(self, name: str) -> None:
        self._burn()
        super().delete(name)

    def _burn(self) -> None:
        if self.writes_left is None:
            return
        self.writes_left -= 1
        if self.writes_left < 0:
            self.burn()

    def burn(self) -> None:
        """All is gone, for good."""
        self.burned = self.away = True


class World:
    """Three regions, a quorum, and what was acknowledged."""

    def __init__(self, stores: list[Doomed], acknowledge: int) -> None:
        self.stores, self.acknowledge = stores, acknowledge
        self.acknowledged: dict[str, Files] = {}
        create_vault(self.view(), PASSWORD, Cost(n=1024), SystemClock())

    def view(self) -> Store:
        return regional(*self.stores, acknowledge=self.acknowledge)

    def back_up(self, day: int) -> None:
        store = regional(*self.stores, acknowledge=self.acknowledge)
        files = {f"a/{n}": noise(f"{day if n % 3 else 0} {n}", 1500) for n in range(5)}
        snapshot = take(open_vault(store, PASSWORD), store, files, day=day)
        self.acknowledged[label(snapshot)] = files
        store.finish()

    def let_go(self) -> None:
        """Forget all but the last two, then prune; what was to go counts no more from the moment that it may go."""
        store = regional(*self.stores, acknowledge=self.acknowledge)
        vault = open_vault(store, PASSWORD)
        plan = forget.plan(vault.snapshots(), Keep(last=2), now=NOW)
        for judged in plan.forget:
            self.acknowledged.pop(label(judged.snapshot), None)
        forget.apply(plan, vault, store)
        prune.apply_prune(prune.plan_prune(vault, OPTIONS), vault, store)

    def heal(self) -> None:
        """Bring back what is missing, replace what is damaged."""
        carry_out(errands(look(regions_of(self.stores))), lanes=2)

    def destroy(self, random: Random, acts: list[Callable[[], object]], lost: int) -> None:
        """Carry the acts out; at a random write of each, one more region burns, until ``lost`` have."""
        chosen = random.sample(self.stores, lost)
        doomed = [*chosen]
        for act in acts:
            if doomed and random.random() < 0.4:
                doomed.pop().writes_left = random.randrange(12)
            unlucky = random.choice(self.stores)
            unlucky.away |= random.random() < 0.7  # only for a while, unless it burned
            with contextlib.suppress(CovenantError):
                act()
            unlucky.away = unlucky.burned
        for store in chosen:
            store.burn()

    def survivors(self) -> list[Store]:
        return [store.inside for store in self.stores if not store.away]


def proved(world: World, survivors: list[Store], scratch: Path) -> None:
    """Everything acknowledged is in what is left, and the survivors, brought together, are sound for restic."""
    carry_out(errands(look(regions_of(survivors))))
    for survivor in survivors:
        found = everything(survivor)
        assert world.acknowledged == {name: found.get(name) for name in world.acknowledged}
        assert [] == damage(survivor)
        assert "" == restic_refuses(survivor, scratch / "survivor")


def acts_of(world: World) -> list[Callable[[], object]]:
    """Backups, a forget with a prune, healing, and backups again."""
    days = [lambda day=day: world.back_up(day) for day in range(5)]
    return [*days[:3], world.let_go, world.heal, *days[3:]]


@pytest.mark.parametrize("seed", range(5))
def test_acknowledged_by_all_survives_the_loss_of_any_two(seed: int, tmp_path: Path) -> None:
    """Two of three regions burn at random writes; the third has everything, and restic finds it sound."""
    world = World([Doomed(MemoryStore(name)) for name in "abc"], acknowledge=3)
    world.back_up(9)

    world.destroy(Random(seed), acts_of(world), lost=2)

    assert 1 == len(world.survivors())
    assert world.acknowledged
    proved(world, world.survivors(), tmp_path)


@pytest.mark.parametrize("seed", range(5))
def test_acknowledged_by_two_survives_the_loss_of_any_one(seed: int, tmp_path: Path) -> None:
    """One of three regions burns; the union of the other two has everything."""
    world = World([Doomed(MemoryStore(name)) for name in "abc"], acknowledge=2)
    world.back_up(9)

    world.destroy(Random(seed), acts_of(world), lost=1)

    assert 2 == len(world.survivors())
    assert world.acknowledged
    proved(world, world.survivors(), tmp_path)


def test_folders_and_a_real_bucket_survive_two(tmp_path: Path, s3_server: SeaweedServer) -> None:
    """The same on two folders and a real S3 server; each in turn is the one that is left."""
    for left in range(3):
        bucket = ObjectStore.open(s3_server.new_url(), s3_server.options())
        stores: list[Store] = [a_store(tmp_path / f"{left}a"), bucket, a_store(tmp_path / f"{left}c")]
        world = World([Doomed(store) for store in stores], acknowledge=3)
        world.back_up(0)
        world.back_up(1)
        for number, store in enumerate(world.stores):
            store.writes_left = None if number == left else 3 + number
        with pytest.raises(CovenantError):
            world.back_up(2)
        for number, store in enumerate(world.stores):
            store.away = number != left
            if store.away and isinstance(store.inside, PosixStore):
                shutil.rmtree(store.inside.url)

        proved(world, world.survivors(), tmp_path)


@pytest.mark.parametrize("before", [True, False])
def test_who_writes_may_die_at_any_write_in_any_region(before: bool, tmp_path: Path) -> None:
    """Whatever died half-way in three regions, a sync makes all three the same, sound, with all that counted."""
    ground = World([Doomed(MemoryStore(name)) for name in "abc"], acknowledge=3)
    ground.back_up(0)
    ground.back_up(1)
    deaths = 0
    for n in range(0, 40, 2):
        insides = [MemoryStore(name) for name in "abc"]
        for inside, store in zip(insides, ground.stores, strict=True):
            for name, _ in store.list(""):
                inside.put(name, store.get(name))
        dying: list[Store] = [insides[0], DiesAfterWrite(insides[1], n, before), insides[2]]
        view = regional(*dying)
        try:
            take(open_vault(view, PASSWORD), view, {f"b/{m}": noise(f"n {m}", 1500) for m in range(5)}, day=7)
            break
        except (Died, StoreUnavailable):
            deaths += 1
        proved(ground, list(insides), tmp_path)
        contents = [{name: inside.get(name) for name, _ in inside.list("")} for inside in insides]
        assert contents[0] == contents[1] == contents[2]

    assert deaths > 1
