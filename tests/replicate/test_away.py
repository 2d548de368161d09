"""Regions that go away: what still works, what is refused, and what must never happen."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import CovenantError, Refusal, StoreError, StoreUnavailable, VaultLocked
from covenant.replicate.failover import FailoverPlan, fail_over, plan_failover, spread_epoch
from covenant.replicate.region import Region
from covenant.replicate.roll import Epoch, call_roll
from covenant.vault.keys import Cost
from covenant.vault.lock import Locks, Owner
from covenant.vault.names import CONFIG, DATA, LOCKS
from covenant.vault.ports import Buffer, Store
from covenant.vault.vault import create_vault, open_vault
from tests.faults.stores import Sound
from tests.replicate.worlds import Away, regional, regions_of
from tests.small_worlds import everything, noise, take
from tests.vaults import PASSWORD

ID = "ab" * 32


def three(acknowledge: int = 2) -> list[Away]:
    """Three regions that hold one vault."""
    stores = [Away(MemoryStore(name)) for name in "abc"]
    create_vault(regional(*stores, acknowledge=acknowledge), PASSWORD, Cost(n=1024), SystemClock())
    return stores


def take_one(stores: list[Away], day: int = 0, acknowledge: int = 2) -> None:
    """One more snapshot by a newcomer."""
    store = regional(*stores, acknowledge=acknowledge)
    take(open_vault(store, PASSWORD), store, {"file": noise(str(day), 3000)}, day=day)
    store.finish()


def away(stores: list[Away], *names: str) -> None:
    """These are away, and the others here."""
    for name, store in zip("abc", stores, strict=True):
        store.away = name in names


def made_primary(stores: list[Away], name: str, by: str = "us") -> Epoch:
    """A fail-over."""
    regions = regions_of(stores)
    return fail_over(plan_failover(regions, name, by), regions)


@pytest.mark.parametrize("lost", ["b", "c"])
def test_a_quorum_goes_on_without_one(lost: str) -> None:
    """Under two of three, backups go on while a region other than the primary is away."""
    stores = three()
    away(stores, lost)

    take_one(stores)

    assert 1 == len(everything(regional(*stores, acknowledge=2)))


def test_all_means_all() -> None:
    """Under acknowledgement by all, nothing is acknowledged that one region lacks."""
    stores = three(acknowledge=3)
    away(stores, "c")

    with pytest.raises(StoreError):
        take_one(stores, acknowledge=3)


def test_without_the_primary_it_is_read_only() -> None:
    """Writing is refused with the way out; reading works."""
    stores = three()
    take_one(stores)
    away(stores, "a")

    with pytest.raises(StoreUnavailable) as refused:
        take_one(stores, 1)

    assert "covenant region failover" in refused.value.hint
    assert 1 == len(everything(regional(*stores, acknowledge=2)))


@pytest.mark.parametrize("left", ["a", "b", "c"])
def test_one_region_is_enough_to_read(left: str) -> None:
    """Acknowledged by all three, everything is read from whichever is left."""
    stores = three(acknowledge=3)
    take_one(stores, acknowledge=3)
    away(stores, *set("abc") - {left})

    assert 1 == len(everything(regional(*stores)))


def test_nothing_is_deleted_while_one_is_away() -> None:
    """A pack is in every region after a refused deletion; a lock can go."""
    stores = three()
    store = regional(*stores, acknowledge=2)
    store.put(f"data/ab/{ID}", b"not its bytes")
    store.put(f"{LOCKS}/{ID}", b"lock")
    store.finish()
    away(stores, "b")
    newcomer = regional(*stores, acknowledge=2)

    with pytest.raises(Refusal, match="is away"):
        newcomer.delete(f"data/ab/{ID}")
    newcomer.delete(f"{LOCKS}/{ID}")

    assert [1, 1, 1] == [len(list(inside.inside.list(DATA))) for inside in stores]


def test_who_overlooked_a_region_deletes_nothing() -> None:
    """A region that was away while the vault was listed, and is back, may hold what the plan does not know of."""
    stores = three()
    store = regional(*stores, acknowledge=2)
    store.put(f"data/ab/{ID}", b"not its bytes")
    store.finish()
    away(stores, "c")
    planner = regional(*stores, acknowledge=2)
    assert 1 == len(list(planner.list(DATA)))
    away(stores)

    with pytest.raises(Refusal):
        planner.delete(f"data/ab/{ID}")


def test_an_empty_region_has_no_vote() -> None:
    """A region that lost everything is not asked what there is, and keeps deletions from happening."""
    stores = three()
    stores[2].inside = MemoryStore()
    store = regional(*stores, acknowledge=2)

    assert ("a", "b") == store.roll().members
    with pytest.raises(Refusal):
        store.delete(CONFIG)


def test_a_partition_never_gives_two_exclusive_locks() -> None:
    """Two who see different regions: whoever they are, at most one holds the vault alone."""
    sights = [("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c")]
    for mine in sights:
        for yours in sights:
            ground = [MemoryStore(name) for name in "abc"]
            create_vault(regional(*ground, acknowledge=2), PASSWORD, Cost(n=1024), SystemClock())
            held = 0
            ours, theirs = (
                regional(*(Away(store, away=store.url[-1] not in seen) for store in ground), acknowledge=2)
                for seen in (mine, yours)
            )
            locks = [
                Locks(open_vault(view, PASSWORD), view, Owner(f"host-{n}", "us", 1), SystemClock(), 0)
                for n, view in enumerate((ours, theirs))
            ]
            try:
                with locks[0].exclusive():
                    held += 1
                    with locks[1].exclusive():
                        held += 1
            except (VaultLocked, CovenantError):
                pass

            assert held < 2, (mine, yours)
            assert held == (len(mine) > 1), (mine, yours)


def test_two_exclusive_locks_at_once_give_way() -> None:
    """Of two that begin at the same moment and see all regions, not both get it."""
    for _ in range(10):
        stores = three()
        views = [regional(*stores, acknowledge=2) for _ in range(2)]
        locks = [
            Locks(open_vault(view, PASSWORD), view, Owner(f"h{n}", "u", 1), SystemClock(), 0)
            for n, view in enumerate(views)
        ]

        def hold(lock: Locks) -> bool:
            try:
                with lock.exclusive():
                    SystemClock().sleep(0.05)
                    return True
            except VaultLocked:
                return False

        with ThreadPoolExecutor(2) as threads:
            got = list(threads.map(hold, locks))

        assert sum(got) < 2


def test_a_fail_over_makes_another_region_the_primary() -> None:
    """With the first region away, writing goes on under the next epoch."""
    stores = three()
    away(stores, "a")

    epoch = made_primary(stores, "b")

    take_one(stores)
    assert (1, "b") == (epoch.number, epoch.primary)


def test_an_old_primary_that_returns_cannot_write() -> None:
    """Who began under the old epoch is refused at the next write that counts."""
    stores = three()
    old = regional(*stores, acknowledge=2)
    vault = open_vault(old, PASSWORD)
    take(vault, old, {"file": b"before"}, day=1)
    away(stores, "a")
    made_primary(stores, "b")
    away(stores)

    with pytest.raises(Refusal, match="became the primary"):
        take(vault, old, {"file": b"after"}, day=2)


def test_a_minority_cannot_write_nor_fail_over() -> None:
    """Whoever sees one of three regions does neither."""
    stores = three()
    away(stores, "b", "c")

    with pytest.raises(StoreUnavailable):
        made_primary(stores, "a")
    with pytest.raises(StoreUnavailable):
        regional(*stores, acknowledge=1).put(f"{LOCKS}/{ID}", b"lock")


def test_one_of_two_regions_goes_on_alone_and_it_is_the_first() -> None:
    """The first of two may write without the second, the second not without the first."""
    for lost, can in ((1, True), (0, False)):
        stores = [Away(MemoryStore(name)) for name in "ab"]
        create_vault(regional(*stores, acknowledge=1), PASSWORD, Cost(n=1024), SystemClock())
        stores[lost].away = True
        store = regional(*stores, acknowledge=1)
        try:
            store.put(f"{LOCKS}/{ID}", b"lock")
            got = True
        except StoreUnavailable:
            got = False

        assert can == got


def winner(plan: FailoverPlan, regions: Sequence[Region]) -> str:
    """Whom this fail-over made the primary, or nobody."""
    try:
        return fail_over(plan, regions).primary
    except Refusal:
        return ""


def test_of_two_fail_overs_at_once_exactly_one_wins() -> None:
    """Both plan before either acts; one is told that the other was quicker, and everyone agrees."""
    for _ in range(20):
        stores = three()
        away(stores, "a")
        regions = [regions_of(stores) for _ in range(2)]
        plans = [plan_failover(regions[n], name, f"by {name}") for n, name in enumerate("bc")]

        with ThreadPoolExecutor(2) as threads:
            won = [name for name in threads.map(winner, plans, regions) if name]
            epoch = call_roll(regions[0], threads).epoch

        assert 1 == len(won)
        assert epoch is not None
        assert won == [epoch.primary]


def test_a_fail_over_that_died_is_finished_by_asking_again() -> None:
    """Recorded in one region only, it counts for nobody, stops writers, and is finished by the same command."""
    stores = three()
    stores[0].put(Epoch(1, "b", "died").name, Epoch(1, "b", "died").encode())
    with pytest.raises(Refusal, match="not finished"):
        take_one(stores)

    epoch = made_primary(stores, "b", "again")

    assert Epoch(1, "b", "died") == epoch
    take_one(stores)


def test_who_was_away_learns_of_the_epoch() -> None:
    """A region that returns, or lost the race, is told by a sync."""
    stores = three()
    stores[0].put(Epoch(1, "a", "lost").name, Epoch(1, "a", "lost").encode())
    away(stores, "a")
    for store in stores[1:]:
        store.put(Epoch(1, "b", "won").name, Epoch(1, "b", "won").encode())
    away(stores)
    regions = regions_of(stores)
    with ThreadPoolExecutor(3) as threads:
        roll = call_roll(regions, threads)
        told = spread_epoch(regions, roll)
        after = call_roll(regions, threads)

    assert 1 == told
    assert [Epoch(1, "b", "won")] * 3 == [found.epoch for found in after.presences.values()]


def test_damage_in_the_nearest_region_costs_nothing() -> None:
    """Whole reads and ranges of blobs come from another copy, and the damaged one is remembered."""
    stores = three(acknowledge=3)
    take_one(stores, acknowledge=3)
    packs = [name for name, _ in stores[0].inside.list(DATA)]
    for name in packs:
        whole = stores[0].inside.get(name)
        assert isinstance(stores[0].inside, MemoryStore)
        stores[0].inside.overwrite(name, bytes(byte ^ 1 for byte in whole))
    store = regional(*stores)
    for other in store.regions[1:]:
        other.ask(lambda _: SystemClock().sleep(0.2), measured=True)

    found = everything(store)

    assert [{"file": noise("0", 3000)}] == list(found.values())
    assert {("a", name) for name in packs} == {(seen.region, seen.name) for seen in store.sightings.all()}


def test_a_damaged_config_is_read_from_another_region() -> None:
    """Nobody can tell by its name; who opens the vault can, and asks for another."""
    stores = three()
    assert isinstance(stores[0].inside, MemoryStore)
    stores[0].inside.overwrite(CONFIG, b"x" * len(stores[0].get(CONFIG)))
    store = regional(*stores, acknowledge=2)
    for other in store.regions[1:]:
        other.ask(lambda _: SystemClock().sleep(0.2), measured=True)

    assert open_vault(store, PASSWORD).config.id


def test_a_lock_that_went_does_not_come_back_late() -> None:
    """A lock that is let go while it is still on its way to a slow region is nowhere afterwards."""
    grounds = [MemoryStore(name) for name in "abc"]
    slow = Held(grounds[2])
    store = regional(grounds[0], grounds[1], slow)
    for ground in grounds:
        ground.put(CONFIG, b"config")
    store.put(f"{LOCKS}/{ID}", b"lock")
    release = threading.Timer(0.2, slow.go.set)
    release.start()

    store.delete(f"{LOCKS}/{ID}")

    release.join()
    store.finish()
    assert [[], [], []] == [list(ground.list(LOCKS)) for ground in grounds]


class Held(Sound):
    """A store that takes no lock before it may ``go``."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.go = threading.Event()

    def put(self, name: str, data: Buffer) -> None:
        if name.startswith(LOCKS):
            self.go.wait(10)
        super().put(name, data)
