"""Listing the blobs of a vault anew from its packs.

Index files are only a summary of the packs' headers. One that is damaged or gone is made again: packs that no good
index file names are asked for their headers; packs that are gone are named no more. Where a pack's header is damaged
too but an index file still describes the pack, those of its blobs that prove whole stay listed.

Order: the new index files, then the old ones go (I5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from covenant.kernel.errors import DamageError, ObjectMissing, Refusal
from covenant.kernel.findings import Finding
from covenant.vault.crypto import OVERHEAD
from covenant.vault.index import IndexedPack
from covenant.vault.names import DATA, INDEX, id_of, object_name
from covenant.vault.pack import HEADER_LENGTH_SIZE, PackEntry, header_size
from covenant.vault.ports import Store
from covenant.vault.repair.listing import (
    Listing,
    carried_over,
    load_plausible,
    plausible_entries,
    remove,
    write_listings,
)
from covenant.vault.repair.plan import Act, RepairPlan, Step
from covenant.vault.repair.rescue import read_header, try_blobs
from covenant.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class IndexPlan(RepairPlan):
    """Which index files are written anew (``stale``; ``unreadable`` ones from the packs alone), and from what.

    ``by_header`` are packs to be listed as their headers say, ``partly`` packs of which only some blobs are whole,
    ``gone`` packs to be named no more. ``seen`` is what the vault had when the plan was made.
    """

    stale: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    by_header: tuple[tuple[str, int], ...] = ()
    partly: tuple[Listing, ...] = field(default=(), repr=False)
    gone: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()


def plan_index(vault: Vault, *, read_all_packs: bool = False) -> IndexPlan:
    """Decide what must be listed anew. With ``read_all_packs`` every pack's header is believed before any index."""
    return _Survey(vault, read_all_packs).plan()


def apply_index(plan: IndexPlan, vault: Vault, store: Store) -> None:
    """Carry out a plan, under an exclusive lock. Raises ``Refusal`` if index files have come or gone since."""
    if plan.seen != _index_ids(vault):
        raise Refusal("the vault has changed since this repair was planned", "Plan it again.")
    write_listings(vault, store, _new_listings(plan, vault))
    remove(store, INDEX, (*plan.stale, *plan.unreadable))
    vault.forget_index()


def _new_listings(plan: IndexPlan, vault: Vault) -> Iterator[Listing]:
    anew = {pack for pack, _ in plan.by_header} | {pack.hex() for pack, _ in plan.partly}
    yield from carried_over(vault, plan.stale, anew | plan.gone)
    yield from plan.partly
    for pack, size in plan.by_header:
        yield bytes.fromhex(pack), read_header(vault.sealer, vault.store, pack, size)


def _index_ids(vault: Vault) -> frozenset[str]:
    return frozenset(id_of(listed.name) for listed in vault.store.list(INDEX)) - {""}


class _Survey:
    """What the index files say, held against the packs that there are."""

    def __init__(self, vault: Vault, read_all_packs: bool) -> None:
        self._vault = vault
        self._all = read_all_packs
        self._sizes = {id_of(listed.name): listed.size for listed in vault.store.list(DATA)}
        self._sizes.pop("", None)
        self._seen = _index_ids(vault)
        self._named: set[str] = set()
        self._stale: dict[str, str] = {}
        self._unreadable: dict[str, str] = {}
        self._by_header: dict[str, int] = {}
        self._partly: dict[str, tuple[PackEntry, ...]] = {}
        self._gone: set[str] = set()
        self._findings: list[Finding] = []

    def plan(self) -> IndexPlan:
        """The plan."""
        for index_id in sorted(self._seen):
            self._judge_index(index_id)
        unindexed = [pack for pack in sorted(self._sizes) if pack not in self._named]
        for pack in unindexed:
            self._take_up(pack)
        return IndexPlan(
            tuple(self._steps(unindexed)),
            tuple(self._findings),
            tuple(self._stale),
            tuple(self._unreadable),
            tuple(self._by_header.items()),
            tuple((bytes.fromhex(pack), entries) for pack, entries in self._partly.items()),
            frozenset(self._gone),
            self._seen,
        )

    def _judge_index(self, index_id: str) -> None:
        try:
            packs = load_plausible(self._vault, index_id).packs
        except ObjectMissing:
            return
        except DamageError as error:
            self._unreadable[index_id] = str(error)
            return
        if self._all:
            self._stale[index_id] = "every pack is listed anew"
        for pack in packs:
            self._named.add(pack.id)
            self._judge_pack(index_id, pack)

    def _judge_pack(self, index_id: str, pack: IndexedPack) -> None:
        size = self._sizes.get(pack.id)
        if size is None:
            self._gone.add(pack.id)
            self._stale[index_id] = f"pack {pack.id[:8]} is gone"
            return
        entries = plausible_entries(pack)
        if self._all or size != _implied_size(entries):
            self._stale.setdefault(index_id, f"it has pack {pack.id[:8]} otherwise than it is")
            if pack.id not in self._by_header and not self._believe_header(pack.id):
                rescue = try_blobs(self._vault, pack.id, entries)
                self._partly[pack.id] = rescue.whole
                hint = "Run 'covenant repair packs' to store them in a sound pack."
                message = f"its header cannot be read; {len(rescue.whole)} of {len(entries)} blobs are whole"
                self._findings.append(Finding("pack-damaged", object_name(DATA, pack.id), message, hint))

    def _believe_header(self, pack: str) -> bool:
        try:
            read_header(self._vault.sealer, self._vault.store, pack, self._sizes[pack])
        except (DamageError, ObjectMissing):
            return False
        self._by_header[pack] = self._sizes[pack]
        return True

    def _take_up(self, pack: str) -> None:
        if not self._believe_header(pack):
            message = "no index names it, and its header cannot be read: its blobs are not to be found"
            hint = "Copy it from another region, if there is one."
            self._findings.append(Finding("pack-damaged", object_name(DATA, pack), message, hint))

    def _steps(self, unindexed: list[str]) -> Iterator[Step]:
        anew = set(self._by_header)
        for pack in unindexed:
            if pack in anew:
                yield Step(Act.WRITE, object_name(DATA, pack), "no index names it: listed by its header")
        if self._stale:
            yield Step(Act.WRITE, INDEX, f"what {len(self._stale)} index files say of the packs that are there")
        for index_id, reason in (*self._stale.items(), *self._unreadable.items()):
            yield Step(Act.REMOVE, object_name(INDEX, index_id), reason)


def _implied_size(entries: list[PackEntry]) -> int:
    blobs = sum(entry.length + header_size(entry.plain_length) for entry in entries)
    return blobs + OVERHEAD + HEADER_LENGTH_SIZE
