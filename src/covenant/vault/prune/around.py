"""What a prune must leave, because the store lets nobody delete it for a while.

A pack within its term stays, whoever needs it. An index file within its term stays too, and then so does every pack
that it names: I5, no index file ever names a pack that is gone. Only what would go is asked about, and where nothing
is held the decision is the one that was made without.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from covenant.kernel.errors import ObjectMissing
from covenant.vault.lanes import in_threads
from covenant.vault.names import DATA, INDEX, object_name
from covenant.vault.ports import Terms
from covenant.vault.prune.fate import Action, Fate
from covenant.vault.prune.plan import Held
from covenant.vault.prune.reindex import named_by, stale_files
from covenant.vault.vault import Vault


class Wished(NamedTuple):
    """What a prune does, if it may."""

    fates: list[Fate]
    unindexed: list[tuple[str, int]]
    absent: list[str]
    index_files: list[str]


def around(
    wished: Wished, vault: Vault, indexes: Iterable[str], twice: set[str], terms: Terms, lanes: int
) -> tuple[Wished, tuple[Held, ...]]:
    """What a prune does where ``terms`` are in force, and what it must leave until when."""
    going = {fate.pack.id for fate in wished.fates if fate.action is not Action.KEEP}
    packs = _terms(terms, DATA, [*going, *(pack for pack, _ in wished.unindexed)], lanes)
    files = dict[str, datetime]()
    stale, asked = wished.index_files, set[str]()
    pinned, twice = dict[str, datetime](), set(twice)
    # A file that stays keeps its packs; fewer packs that go make fewer files stale, so that this comes to an end.
    while unasked := [index_id for index_id in stale if index_id not in asked]:
        asked.update(unasked)
        files |= _terms(terms, INDEX, unasked, lanes)
        for index_id in files.keys() & set(unasked):
            for pack in named_by(vault, index_id):
                pinned[pack] = max(pinned.get(pack, files[index_id]), files[index_id])
        gone = (going | set(wished.absent)) - packs.keys() - pinned.keys()
        twice -= pinned.keys()
        stale = [one for one in stale_files(vault, indexes, gone, twice) if one not in files] if gone or twice else []
    if not packs and not files:
        return wished, ()
    unindexed = [(pack, size) for pack, size in wished.unindexed if pack not in packs and pack not in pinned]
    allowed = Wished(
        [_kept(fate, packs, pinned) for fate in wished.fates],
        unindexed,
        [pack for pack in wished.absent if pack not in pinned],
        stale,
    )
    return allowed, tuple(_held(wished, packs, pinned))


def _terms(terms: Terms, folder: str, ids: Iterable[str], lanes: int) -> dict[str, datetime]:
    """Those of the objects that are within a term, and until when."""

    def ask(object_id: str) -> tuple[str, datetime | None]:
        try:
            return object_id, terms.term(object_name(folder, object_id))
        except ObjectMissing:
            return object_id, None

    return {object_id: until for object_id, until in in_threads(ask, ids, 4 * lanes) if until is not None}


def _kept(fate: Fate, packs: dict[str, datetime], pinned: dict[str, datetime]) -> Fate:
    if fate.action is Action.KEEP:
        return fate
    why = _why(fate.pack.id, packs, pinned)
    return Fate(fate.pack, Action.KEEP, why[1]) if why else fate


def _why(pack: str, packs: dict[str, datetime], pinned: dict[str, datetime]) -> tuple[datetime, str] | None:
    """Until when a pack must stay, and why; ``None`` where it may go."""
    if pack in packs and packs[pack] >= pinned.get(pack, packs[pack]):
        return packs[pack], f"locked until {packs[pack]:%Y-%m-%d %H:%M:%S}"
    if pack in pinned:
        return pinned[pack], f"an index file that is locked until {pinned[pack]:%Y-%m-%d %H:%M:%S} names it"
    return None


def _held(wished: Wished, packs: dict[str, datetime], pinned: dict[str, datetime]) -> Iterator[Held]:
    surplus = {fate.pack.id: fate for fate in wished.fates if fate.action is not Action.KEEP}
    sizes = {
        pack: fate.pack.size if fate.action is Action.REMOVE else fate.pack.unused for pack, fate in surplus.items()
    }
    for pack, size in sorted((sizes | dict(wished.unindexed)).items()):
        if why := _why(pack, packs, pinned):
            yield Held(object_name(DATA, pack), size, *why)
