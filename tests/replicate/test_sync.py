"""Regions are brought up to date and healed, byte for byte, and nothing is ever taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.replicate.census import count, look
from covenant.replicate.holdings import Holdings, right_size, side_by_side
from covenant.replicate.sightings import Sighting, Sightings
from covenant.replicate.sync import carry_out, errands, verify
from covenant.vault.names import CONFIG, DATA, INDEX, KEYS, SNAPSHOTS
from covenant.vault.ports import Listed, Store
from tests.faults.stores import Died, DiesAfterWrite, WriteOnce
from tests.replicate.worlds import NAMES, regions_of
from tests.small_worlds import a_small_vault, copied, noise, restic_refuses, take


def a_full_store() -> MemoryStore:
    """A vault with three snapshots."""
    store, vault = a_small_vault()
    for day in range(3):
        take(vault, store, {f"a/{n}": noise(f"{day} {n}", 3000) for n in range(4)}, day=day)
    return store


def bytes_of(store: Store) -> dict[str, bytes]:
    """Everything in a store."""
    return {name: store.get(name) for name, _ in store.list("")}


def synced(*stores: Store) -> None:
    """All regions brought up to date."""
    assert () == carry_out(errands(look(regions_of(stores)))).findings


def a_pack(store: Store) -> str:
    """The first pack of a store."""
    return min(name for name, _ in store.list(DATA))


def test_an_empty_region_becomes_the_same_vault(tmp_path: Path) -> None:
    """After a sync every region has the same bytes, and restic finds the new one sound."""
    full, empty, other = a_full_store(), MemoryStore(), MemoryStore()

    synced(full, empty, other)

    assert bytes_of(full) == bytes_of(empty) == bytes_of(other)
    assert "" == restic_refuses(empty, tmp_path / "copy")


def test_a_sync_is_a_union() -> None:
    """What either of two regions alone holds is in both afterwards."""
    one, two = a_full_store(), MemoryStore()
    synced(one, two)
    names = sorted(name for name, _ in one.list(DATA))
    expected = bytes_of(one)
    one.delete(names[0])
    two.delete(names[1])

    synced(one, two)

    assert expected == bytes_of(one) == bytes_of(two)


@pytest.mark.parametrize("before", [True, False])
def test_a_sync_may_die_at_any_write(before: bool) -> None:
    """What stands in the new region never names what is not there, config comes last, and a second run ends it."""
    full = a_full_store()
    order = [KEYS, DATA, INDEX, SNAPSHOTS, CONFIG]
    for n in range(len(bytes_of(full))):
        inside = MemoryStore()
        dying = DiesAfterWrite(inside, n, before)
        with pytest.raises(Died):
            carry_out(errands(look(regions_of((full, dying)))), lanes=1)

        there = {name.partition("/")[0] for name, _ in inside.list("")}
        complete = order[: max((order.index(folder) for folder in there), default=0)]
        for folder in complete:
            assert len(list(full.list(folder))) == len(list(inside.list(folder))), (n, folder)
        synced(full, inside)
        assert bytes_of(full) == bytes_of(inside)


def test_a_damaged_copy_is_never_carried_on() -> None:
    """Of two copies the one that does not match its name is left, whichever is asked first."""
    bad, good, empty = a_full_store(), MemoryStore(), MemoryStore()
    synced(bad, good)
    name = a_pack(bad)
    whole = bad.get(name)
    bad.overwrite(name, whole[:-1] + bytes([whole[-1] ^ 1]))

    synced(bad, good, empty)

    assert whole == empty.get(name)


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty"])
@pytest.mark.parametrize("where", [0, 1, 2])
def test_damage_in_any_region_is_found_and_healed(where: int, damage: str) -> None:
    """Found by reading everything, the copy is replaced byte for byte."""
    stores = [a_full_store(), MemoryStore(), MemoryStore()]
    synced(*stores)
    expected = bytes_of(stores[0])
    name = a_pack(stores[0])
    harmed = {"flipped": bytes([expected[name][0] ^ 1]) + expected[name][1:], "cut": expected[name][:-9], "empty": b""}
    stores[where].overwrite(name, harmed[damage])
    seen = look(regions_of(stores))

    found = verify(seen)
    done = carry_out(errands(seen, found))

    assert (Sighting(NAMES[where], name, "damaged"),) == found
    assert (1, ()) == (done.replaced, done.findings)
    assert [expected] * 3 == [bytes_of(store) for store in stores]


def test_what_breaks_off_is_found_without_reading() -> None:
    """A listing tells the copy that is too short; nothing else is read or written."""
    stores = [a_full_store(), MemoryStore(), MemoryStore()]
    synced(*stores)
    name = a_pack(stores[0])
    stores[1].overwrite(name, stores[1].get(name)[:-1])

    work = list(errands(look(regions_of(stores))))

    assert [(name, ("b",))] == [(errand.name, tuple(region.name for region in errand.damaged)) for errand in work]


def test_what_may_not_be_replaced_is_a_finding() -> None:
    """A damaged copy under a term of immutability stays, and is said."""
    good, kept = a_full_store(), MemoryStore()
    synced(good, kept)
    name = a_pack(good)
    kept.overwrite(name, b"short")

    done = carry_out(errands(look(regions_of((good, WriteOnce(kept))))))

    assert [("copy-denied", name)] == [(finding.kind, finding.subject) for finding in done.findings]
    assert b"short" == kept.get(name)


def test_what_no_region_has_whole_is_a_finding() -> None:
    """Nothing is made up: an object that is damaged everywhere stays, and is said."""
    one, two = a_full_store(), MemoryStore()
    synced(one, two)
    name = a_pack(one)
    one.overwrite(name, b"bad")
    two.overwrite(name, b"bad too")

    done = carry_out(errands(look(regions_of((one, two)))))

    assert ["copy-lost"] == [finding.kind for finding in done.findings]


def test_copies_are_counted() -> None:
    """How many objects have three, two and one copies, and which promise holds."""
    stores = [a_full_store(), MemoryStore(), MemoryStore()]
    synced(*stores)
    everything = len(bytes_of(stores[0]))
    names = sorted(name for name, _ in stores[0].list(DATA))
    stores[1].delete(names[0])
    before = count(look(regions_of(stores)), "abc", 2)
    stores[2].delete(names[0])

    after = count(look(regions_of(stores)), "abc", 2)

    assert ({3: everything - 1, 2: 1}, "quorum") == (dict(before.copies), before.promise)
    assert ({3: everything - 1, 1: 1}, "broken") == (dict(after.copies), after.promise)
    assert (names[0],) == after.fewest
    assert [0, 1, 1] == [standing.missing for standing in after.standings]


def test_sightings_outlive_the_process(tmp_path: Path) -> None:
    """What one process saw another finds, until it is healed."""
    sighting, other = Sighting("a", "data/ab/x", "damaged"), Sighting("b", "data/ab/y", "missing")
    Sightings(tmp_path / "seen").add(sighting)
    later = Sightings(tmp_path / "seen")
    later.add(other)
    assert ((other,), {sighting, other}) == (later.fresh(), set(later.all()))

    later.settle([sighting])

    assert (other,) == Sightings(tmp_path / "seen").all()


def test_listings_side_by_side() -> None:
    """Every object appears once, with its size in each region; most copies decide which size is right."""
    name = "data/ab/" + "ab" * 32
    held = [Holdings([Listed(name, 5)]), Holdings([Listed(name, 4), Listed("config", 1)]), Holdings()]

    assert [(name, (5, 4, None)), ("config", (None, 1, None))] == list(side_by_side(held))
    assert (5, 4, 5) == (right_size((5, 4, None)), right_size((4, 4, 9)), right_size((None, 5, 5)))


def test_a_store_is_copied_by_its_bytes() -> None:
    """The tests' own copy of a store is like a synced one."""
    full, other = a_full_store(), MemoryStore()
    synced(full, other)

    assert bytes_of(copied(full)) == bytes_of(other)
