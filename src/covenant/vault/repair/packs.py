"""Saving the whole blobs of damaged packs.

Order: the blobs in new packs, index files that name these, index files without the damaged packs, the old index files
go, the damaged packs go. A pack that the store would not give stays: nothing is known to be wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.kernel.findings import Finding
from covenant.vault.index import Index
from covenant.vault.names import DATA, INDEX, id_of, object_name
from covenant.vault.pack import PackEntry
from covenant.vault.ports import Store
from covenant.vault.repair.listing import carried_over, load_plausible, plausible_entries, remove, write_listings
from covenant.vault.repair.plan import Act, RepairPlan, Step
from covenant.vault.repair.rescue import Rescue, read_header, sealed_blob, try_blobs, without_doubles
from covenant.vault.vault import Vault
from covenant.vault.writer import Writer

_REFUSED = "the store does not give all of it; it stays"
_SNAPSHOTS_HINT = "Run 'covenant repair snapshots' to make snapshots without them."


@dataclass(frozen=True, slots=True)
class PacksPlan(RepairPlan):
    """What is saved of each damaged pack, and which index files must stop naming them."""

    rescues: tuple[Rescue, ...] = field(default=(), repr=False)
    stale: tuple[str, ...] = ()


def plan_packs(vault: Vault, packs: Iterable[str]) -> PacksPlan:
    """Decide what to save of these packs (ids, as ``CheckReport.damaged_packs`` has them): every blob is tried.

    Raises ``DamageError`` where an index file is damaged: the index must be repaired first.
    """
    wanted = sorted(set(packs))
    described, stale = _described(vault, set(wanted))
    rescues, findings = list[Rescue](), list[Finding]()
    for pack in wanted:
        entries = list(without_doubles([*_by_header(vault, pack), *described.get(pack, ())]))
        rescue = try_blobs(vault, pack, entries)
        if rescue.refused:
            findings.append(Finding("pack-unreadable", object_name(DATA, pack), _REFUSED))
            continue
        rescues.append(rescue)
        if rescue.lost:
            message = f"{len(rescue.lost)} of {len(entries)} blobs are lost"
            findings.append(Finding("pack-damaged", object_name(DATA, pack), message, _SNAPSHOTS_HINT))
    going = {rescue.pack for rescue in rescues}
    files = tuple(index_id for index_id, named in stale.items() if named & going)
    return PacksPlan(tuple(_steps(rescues, files)), tuple(findings), tuple(rescues), files)


def apply_packs(plan: PacksPlan, vault: Vault, store: Store) -> None:
    """Carry out a plan, under an exclusive lock.

    Raises ``DamageError`` if a blob that was whole no longer is; nothing has been removed then.
    """
    blank = Vault(vault.store, vault.master, vault.config)
    blank.index = Index()  # so that nothing counts as kept already because a damaged pack has it
    writer = Writer(blank, store)
    for rescue in plan.rescues:
        for entry in rescue.whole:
            writer.adopt(entry, sealed_blob(vault, rescue.pack, entry))
    writer.flush()
    going = [rescue.pack for rescue in plan.rescues]
    write_listings(vault, store, carried_over(vault, plan.stale, going))
    remove(store, INDEX, plan.stale)
    vault.forget_index()
    remove(store, DATA, going)


def _described(vault: Vault, packs: set[str]) -> tuple[dict[str, list[PackEntry]], dict[str, set[str]]]:
    """What the index files say of these packs, and which index files name which of them."""
    described: dict[str, list[PackEntry]] = {}
    naming: dict[str, set[str]] = {}
    for listed in vault.store.list(INDEX):
        index_id = id_of(listed.name)
        for pack in load_plausible(vault, index_id).packs if index_id else ():
            if pack.id in packs:
                described.setdefault(pack.id, []).extend(plausible_entries(pack))
                naming.setdefault(index_id, set()).add(pack.id)
    return described, naming


def _by_header(vault: Vault, pack: str) -> list[PackEntry]:
    try:
        return read_header(vault.sealer, vault.store, pack, vault.store.size(object_name(DATA, pack)))
    except (DamageError, ObjectMissing):
        return []


def _steps(rescues: list[Rescue], stale: tuple[str, ...]) -> Iterator[Step]:
    for rescue in rescues:
        total = len(rescue.whole) + len(rescue.lost)
        reason = f"{len(rescue.whole)} of {total} blobs are whole and are stored in a new pack"
        yield Step(Act.WRITE, object_name(DATA, rescue.pack), reason)
    for index_id in stale:
        yield Step(Act.REMOVE, object_name(INDEX, index_id), "written anew without the damaged packs")
    for rescue in rescues:
        yield Step(Act.REMOVE, object_name(DATA, rescue.pack), "all that can be read of it lies elsewhere by then")
