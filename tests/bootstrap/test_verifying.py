"""Months of reading back, carried out over real stores: who counts every read says that every byte was read in time.

Objects come and go, one region goes away for days, the reader is stopped in the middle, its memory is lost once. An
oracle counts at the stores themselves what was read when, and knows nothing of what the code remembers.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.bootstrap import chores, open_vault, opener, verifying
from covenant.bootstrap.chores import Task
from covenant.catalog.catalog import Catalog, open_catalog
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import Interrupted, StoreUnavailable
from covenant.kernel.progress import Silent
from covenant.loop.due import Due
from covenant.prove.accounts import from_json
from covenant.prove.reading_back import Manner
from covenant.prove.rolling import Account
from covenant.replicate.region import Region
from covenant.replicate.regional import RegionalStore
from covenant.vault.names import CONFIG, INDEX, object_name
from covenant.vault.ports import Listed
from tests.clocks import FrozenClock
from tests.faults.stores import Sound
from tests.loop import worlds
from tests.vaults import PASSWORD, a_store, a_vault

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
WITHIN = timedelta(days=10)
STEP = timedelta(hours=6)


class Counting(Sound):
    """A store that counts when each object was last read whole, and can be away."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__(MemoryStore())
        self.clock = clock
        self.since: dict[str, datetime] = {}
        self.away = False
        self.read = 0
        self.stop: threading.Event | None = None
        self.stop_after = 0

    def get(self, name: str) -> bytes:
        self._here()
        data = super().get(name)
        self.since[name] = self.clock.now()
        self.read += len(data)
        if self.stop is not None and self.read >= self.stop_after:
            self.stop.set()
        return data

    def size(self, name: str) -> int:
        self._here()
        return super().size(name)

    def list(self, prefix: str) -> Iterator[Listed]:
        self._here()
        return super().list(prefix)

    def _here(self) -> None:
        if self.away:
            raise StoreUnavailable("away, as planned by this test")


@dataclass
class World:
    """A vault of two regions, whose objects are bytes under their hashes: nothing is opened in them."""

    folder: Path
    random: Random
    clock: FrozenClock = field(default_factory=lambda: FrozenClock(BEGIN))
    accounts: dict[str, Account] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stores = {name: Counting(self.clock) for name in ("home", "attic")}
        self.vault = a_vault(self.stores["home"])
        self.names: list[str] = []
        for name, _ in list(self.stores["home"].list("")):
            if name != CONFIG:
                self.stores["attic"].put(name, self.stores["home"].get(name))
        self.stores["attic"].put(CONFIG, self.stores["home"].get(CONFIG))
        for store in self.stores.values():
            store.since = dict.fromkeys((name for name, _ in store.list("")), BEGIN)

    def put(self, count: int) -> None:
        for _ in range(count):
            data = self.random.randbytes(self.random.choice([100, 2000, 9000]))
            name = object_name(INDEX, sha256(data).hexdigest())
            self.names.append(name)
            for store in self.stores.values():
                store.put(name, data)
                store.since[name] = self.clock.now()

    def let_go(self, count: int) -> None:
        for name in self.random.sample(self.names, min(count, len(self.names))):
            self.names.remove(name)
            for store in self.stores.values():
                store.delete(name)
                del store.since[name]

    def read(self, *, broken_off: bool = False) -> verifying.Verified:
        """What the daemon does at each moment: read what is due until the next one."""
        stop = threading.Event()
        for store in self.stores.values():
            store.stop = stop if broken_off else None
        regions = [Region(name, store, self.clock) for name, store in self.stores.items()]
        places = [SimpleNamespace(name=name, spec=SimpleNamespace(url=name, options={})) for name in self.stores]
        opener = SimpleNamespace(regional=lambda: RegionalStore(regions, 2, self.clock), places=places, sightings=None)
        opened: Any = SimpleNamespace(opener=opener, vault=self.vault)
        manner = Manner(clock=self.clock, progress=Silent(), lanes=1, stop=stop)
        choose = verifying.what_is_due(self.clock.now(), WITHIN, STEP)
        done = verifying.verify(opened, self.folder, WITHIN, choose, manner, before=self.accounts)
        self.accounts = dict(done.accounts)
        return done

    def hold_against_truth(self, region: str) -> timedelta:
        """How long an object really waits; and nothing is said to have been read later than it was."""
        truth = min(self.stores[region].since.values())
        said = self.accounts[region].oldest
        assert said is not None
        assert said <= truth + STEP, (region, said, truth)
        return self.clock.now() - truth


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: what is remembered is written a thousand times."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as made:
        yield Path(made)


@pytest.mark.parametrize(("seed", "days"), [(1, 40), (2, 40), pytest.param(3, 500, marks=pytest.mark.soak)])
def test_every_byte_in_every_region_is_read_in_time(folder: Path, seed: int, days: int) -> None:
    """Over weeks and months with objects coming and going, outages, readings broken off and the memory lost once: at no
    moment does any object of any region wait for longer than was promised, and nothing is claimed that the stores do
    not confirm."""
    world = World(folder, Random(seed))
    world.put(60)
    longest, away_until = timedelta(), BEGIN
    for step in range(4 * days):
        world.clock.set(BEGIN + step * STEP)
        random = world.random
        if random.random() < 0.03:
            away_until = world.clock.now() + timedelta(hours=random.uniform(6, 36))
        world.stores["attic"].away = world.clock.now() < away_until
        if not world.stores["attic"].away:  # nothing is put that all must have, while one of them is away
            world.put(random.choice([0, 0, 1, 2]))
            world.let_go(random.choice([0, 0, 1, 2]))
            world.put(25 if random.random() < 0.02 else 0)
        if step == 90:
            for marks in folder.glob("*.marks"):
                marks.unlink()
        world.read(broken_off=random.random() < 0.1)

        longest = max(longest, *map(world.hold_against_truth, world.stores))

    assert longest <= WITHIN
    assert longest > 0.6 * WITHIN, "it was read so often that the simulation proves nothing"


def test_no_more_is_read_than_the_promise_asks_for(folder: Path) -> None:
    """Each byte is read about as often as four fifths of the promised time have passed."""
    world = World(folder, Random(3))
    world.put(200)
    size = sum(size for _, size in world.stores["home"].list(""))
    for store in world.stores.values():
        store.read = 0
    for step in range(4 * 8):
        world.clock.set(BEGIN + step * STEP)
        world.read()

    times = 8 / (0.8 * WITHIN.days)
    assert [times, times] == [pytest.approx(store.read / size, rel=0.25) for store in world.stores.values()]


def a_task(folder: Path, stop: threading.Event, catalog: Catalog, bandwidth: int | None = None) -> Task:
    """The chore over a real vault in a folder that holds a few objects; promised within ten days, read each hour."""
    if not (folder / "vault").exists():
        a_vault(a_store(folder / "vault"))
        for number in range(9):
            data = b"%d" % number * 3000
            a_store(folder / "vault").put(object_name(INDEX, sha256(data).hexdigest()), data)
    opening = replace(opener(str(folder / "vault"), {}), bandwidth=bandwidth)
    opened = open_vault(opening, PASSWORD, SystemClock(), None)
    promised = replace(worlds.a_vault(verify=worlds.HOURLY), verify_within=worlds.said(WITHIN))
    due = Due(
        subject="default", vault="default", kind="verify", due_at=BEGIN, deadline=BEGIN, priority=1, reason="due"
    )  # fmt: skip
    policy = worlds.a_policy(vault=promised)
    nothing: Any = None
    return Task(due, opened, nothing, policy, catalog, Silent(), lambda: None, stop, folder / "marks")


def proved(catalog: Catalog) -> Account:
    """How far the catalog says that the vault is proved."""
    return from_json(catalog.history().vault("default").proofs["verify"].detail)["default"]


def test_a_chore_that_is_told_to_stop_keeps_what_it_read(tmp_path: Path) -> None:
    """Whoever makes way says so, has it in the catalog how far it came, and goes on from there."""
    stop = threading.Event()
    stop.set()
    with open_catalog(tmp_path / "catalog.db") as catalog:
        with pytest.raises(Interrupted, match="made way"):
            chores.verify(a_task(tmp_path, stop, catalog))
        before = proved(catalog)
        done = chores.verify(a_task(tmp_path, threading.Event(), catalog))
        after = proved(catalog)

    assert (0, before.objects) == (before.read_objects, after.objects)
    assert after.read_objects == done.tally["objects"] > 0
    assert 0 == done.findings


def test_reading_back_keeps_to_the_bandwidth(tmp_path: Path) -> None:
    """Where covenant.toml bounds the line, the daemon's reading waits like everything else."""
    with open_catalog(tmp_path / "catalog.db") as catalog:
        task = a_task(tmp_path, threading.Event(), catalog, bandwidth=20_000)
        manner = Manner(clock=SystemClock(), progress=Silent(), lanes=1)
        began = time.monotonic()

        done = verifying.verify(task.opened, task.marks, WITHIN, verifying.everything, manner)

    read = done.tallies["default"].bytes
    assert time.monotonic() - began > (read - 20_000) / 20_000 * 0.9
    assert read > 27_000


def test_no_region_waits_for_the_end_of_another(tmp_path: Path) -> None:
    """Broken off in the middle, what was read lies in both regions, and not all of it in the first."""
    world = World(tmp_path, Random(5))
    world.put(40)
    for store in world.stores.values():
        store.read, store.stop_after = 0, 30_000
    world.clock.set(BEGIN + 0.9 * WITHIN)  # all of it is overdue

    done = world.read(broken_off=True)

    assert {"home": True, "attic": True} == {name: tally.objects > 2 for name, tally in done.tallies.items()}
    assert all(tally.objects < 40 for tally in done.tallies.values())
