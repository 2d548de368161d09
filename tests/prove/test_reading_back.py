"""Reading back: damage is named, what cannot be read has not passed, and what was read is remembered."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import ObjectArchived, StoreError
from covenant.kernel.progress import Silent
from covenant.prove.marks import Mark
from covenant.prove.reading_back import Errand, Manner, Tally, read_back
from covenant.prove.rolling import Copy, State
from covenant.replicate.region import Region
from covenant.vault.check.proof import prove_object
from covenant.vault.names import CONFIG, DATA, object_name
from covenant.vault.ports import Store
from covenant.vault.vault import Vault
from tests.faults.stores import Sound
from tests.replicate.worlds import Away, regions_of
from tests.small_worlds import a_small_vault, copied, noise, take


@pytest.fixture(scope="module")
def kept() -> tuple[MemoryStore, Vault]:
    """A vault with a snapshot of a few packs."""
    store, vault = a_small_vault()
    take(vault, store, {f"a/{n}": noise(f"{n}", 3000) for n in range(6)})
    return store, vault


def errands(region: Region, names: Iterable[str]) -> Iterator[Errand]:
    """Every object of a region, unread so far."""
    return (Errand(region, Copy(name, 0, 0, State.UNREAD)) for name in names)


def names_of(store: Store) -> list[str]:
    """Everything in a store."""
    return sorted(name for name, _ in store.list(""))


def read(*stores: Store, vault: Vault | None = None, **manner: object) -> tuple[dict[str, Tally], dict[str, State]]:
    """Read everything that the first store holds in all of them: what it came to, and what was remembered."""
    seen: dict[str, State] = {}

    def keep(region: str, looks: Mapping[str, Mark]) -> None:
        seen.update({f"{region}/{name}": mark.state for name, mark in looks.items()})

    regions, names = regions_of(stores), names_of(stores[0])
    proofs = {} if vault is None else {region.name: partial(prove_object, vault) for region in regions}
    given = {"clock": SystemClock(), "progress": Silent(), "proofs": proofs, **manner}
    work = (errand for region in regions for errand in errands(region, names))
    return read_back(work, keep, Manner(**given)), seen  # type: ignore[arg-type]


def test_what_is_whole_is_read_to_the_last_byte(kept: tuple[MemoryStore, Vault]) -> None:
    """Every object of every region counts once, with all its bytes, and is remembered as whole."""
    store, vault = kept
    everything = sum(size for _, size in store.list(""))

    tallies, seen = read(copied(store), copied(store), vault=vault)

    assert {"a": everything, "b": everything} == {name: tally.bytes for name, tally in tallies.items()}
    assert {f"{region}/{name}": State.WHOLE for region in "ab" for name in names_of(store)} == seen


@pytest.mark.parametrize("kind", [DATA, "index", "snapshots", "keys", CONFIG])
@pytest.mark.parametrize("damage", ["flipped", "cut", "empty"])
def test_damage_is_named_where_it_is(kept: tuple[MemoryStore, Vault], kind: str, damage: str) -> None:
    """Whatever object has other bytes in one region is named with that region, and no other with it."""
    store, vault = kept
    bad = copied(store)
    name = next(name for name in names_of(store) if name.startswith(kind))
    whole = store.get(name)
    bad.overwrite(name, {"flipped": whole[:-1] + bytes([whole[-1] ^ 1]), "cut": whole[:-1], "empty": b""}[damage])

    tallies, seen = read(copied(store), bad, vault=vault)

    assert [[], [name]] == [[finding.subject for finding in tallies[region].damaged] for region in "ab"]
    assert [f"b/{name}"] == [name for name, state in seen.items() if state is State.DAMAGED]
    assert "region 'b'" in tallies["b"].damaged[0].message


def test_what_was_written_damaged_is_found_by_the_key(kept: tuple[MemoryStore, Vault]) -> None:
    """A pack whose name fits its bytes, and whose blobs do not open, is damaged in every copy: none mends another."""
    store, vault = kept
    from hashlib import sha256

    name = next(name for name in names_of(store) if name.startswith(DATA))
    rotten = bytes([store.get(name)[0] ^ 1]) + store.get(name)[1:]
    born_so = object_name(DATA, sha256(rotten).hexdigest())
    bad = copied(store)
    bad.put(born_so, rotten)

    tallies, seen = read(bad, vault=vault)
    unopened, _ = read(bad)

    assert [("object-unsound", born_so)] == [(found.kind, found.subject) for found in tallies["a"].damaged]
    assert State.DAMAGED is seen[f"a/{born_so}"]
    assert [] == unopened["a"].damaged


def test_a_region_that_is_away_has_not_passed(kept: tuple[MemoryStore, Vault]) -> None:
    """Nothing of it counts as read, all of it as not verified, with the reason; and it is not asked for each object."""
    store, _ = kept
    away = Away(copied(store), away=True)

    tallies, seen = read(copied(store), away)

    assert (0, len(names_of(store))) == (tallies["b"].objects, tallies["b"].unread)
    assert "away" in tallies["b"].why
    assert not any(name.startswith("b/") for name in seen)
    assert away.refused < 10
    assert len(names_of(store)) == tallies["a"].objects


class Failing(Sound):
    """A store whose disk cannot read one object."""

    def __init__(self, store: Store, name: str) -> None:
        super().__init__(store)
        self._name = name

    def get(self, name: str) -> bytes:
        if name == self._name:
            raise StoreError(f"'{name}' cannot be read: input/output error")
        return super().get(name)


def test_a_disk_that_cannot_read_proves_nothing(kept: tuple[MemoryStore, Vault]) -> None:
    """What a store fails to give is neither whole nor damaged: it is not verified, and the others are read."""
    store, _ = kept
    name = names_of(store)[3]

    tallies, seen = read(Failing(copied(store), name))

    assert (1, "input/output error") == (tallies["a"].unread, tallies["a"].why.rpartition(": ")[2])
    assert {f"a/{other}" for other in names_of(store) if other != name} == set(seen)


class Archive(Sound):
    """A store whose packs must be thawed before they can be read."""

    def get(self, name: str) -> bytes:
        if name.startswith(DATA):
            raise ObjectArchived(f"'{name}' lies in an archival class")
        return super().get(name)


def test_what_must_be_thawed_first_is_not_verified(kept: tuple[MemoryStore, Vault]) -> None:
    """What lies in an archival class is neither whole nor damaged, and is remembered as that."""
    store, _ = kept
    packs = {name for name in names_of(store) if name.startswith(DATA)}

    tallies, seen = read(Archive(copied(store)))

    assert (len(packs), 0, []) == (tallies["a"].archived, tallies["a"].unread, tallies["a"].damaged)
    assert {f"a/{name}" for name in packs} == {name for name, state in seen.items() if state is State.ARCHIVED}


def test_what_was_let_go_meanwhile_is_neither(kept: tuple[MemoryStore, Vault]) -> None:
    """An object that is gone when its turn comes is not damaged and not proved."""
    store, _ = kept
    fewer = copied(store)
    gone = names_of(store)[2]
    fewer.delete(gone)

    tallies, seen = read(store, fewer)

    assert (1, 0, []) == (tallies["b"].gone, tallies["b"].unread, tallies["b"].damaged)
    assert f"b/{gone}" not in seen


def test_told_to_stop_it_keeps_what_it_has(kept: tuple[MemoryStore, Vault]) -> None:
    """What was read before the stop is remembered, and nothing that was not."""
    store, _ = kept
    stop = threading.Event()

    class Stopping(Sound):
        def get(self, name: str) -> bytes:
            if len(self.got) == 3:
                stop.set()
            self.got.append(name)
            return super().get(name)

        got: list[str] = []  # noqa: RUF012 - of this one store

    tallies, seen = read(Stopping(copied(store)), lanes=1, stop=stop)

    assert 4 == tallies["a"].objects == len(seen)


def test_a_defect_in_a_lane_is_not_silent(kept: tuple[MemoryStore, Vault]) -> None:
    """Where reading itself breaks, that is raised, and never taken for the end of the work."""
    store, _ = kept

    class Broken(Sound):
        def get(self, name: str) -> bytes:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read(Broken(copied(store)))
