"""Carrying out a prune, in an order in which it may be killed anywhere.

I5: what is needed is written anew, and durable, before anything goes; no index file ever names a pack that is gone.

    1. new packs, and index files that name them     a blob may now lie in two packs, which readers do not mind
    2. new index files for the packs that stay       some packs are now named twice
    3. the old index files go                        some packs are now named by none
    4. those packs go

Killed at any point, the next prune plans from what it finds and goes on. What the store does not let go, although
the plan thought that it would, is told and left; where that is an index file, the packs that it names are left too.
"""

from __future__ import annotations

from collections.abc import Iterable

from covenant.kernel.errors import ObjectMissing, Refusal, StoreDenied
from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress, Silent
from covenant.vault.lanes import in_threads, worthwhile
from covenant.vault.names import DATA, INDEX, id_of, object_name
from covenant.vault.ports import Store
from covenant.vault.prune.fate import Action
from covenant.vault.prune.plan import PrunePlan
from covenant.vault.prune.reindex import named_by, write_anew
from covenant.vault.prune.repack import repack
from covenant.vault.vault import Vault

_NOT_RELEASED = "Prune again when its term has passed; if there is none, check what the credentials may do."


def apply_prune(
    plan: PrunePlan, vault: Vault, store: Store, *, lanes: int = 2, progress: Progress | None = None
) -> tuple[Finding, ...]:
    """Carry out a plan under the same exclusive lock under which it was made; tells what the store did not let go.

    Raises ``Refusal`` if the vault has changed since, ``DamageError`` or ``ObjectMissing`` where a needed blob turns
    out to be unreadable: then nothing has been removed.
    """
    _refuse_changed(plan, vault)
    if plan.empty:
        return ()
    progress = progress or Silent()
    progress.expect(bytes=plan.totals.bytes_repacked)
    moved = plan.packs(Action.REPACK)
    gone = [fate.pack.id for fate in (*moved, *plan.packs(Action.REMOVE))]
    if moved:
        blobs = sum(fate.pack.used_blobs for fate in moved)
        threads = worthwhile(lanes, plan.totals.bytes_repacked, blobs)
        ids = [fate.pack.id for fate in moved]
        repack(vault, store, plan.census, ids, plan.options, lanes=threads, progress=progress)
    write_anew(vault, store, plan.index_files, {*gone, *plan.absent}, _twice(plan))
    kept = _delete(store, INDEX, plan.index_files, lanes)  # I5: before the packs
    named = {pack for index_id, _ in kept for pack in named_by(vault, index_id)}
    vault.forget_index()
    going = [pack for pack in (*gone, *(pack for pack, _ in plan.unindexed)) if pack not in named]
    return tuple(finding for _, finding in (*kept, *_delete(store, DATA, going, lanes)))


def _twice(plan: PrunePlan) -> dict[str, int]:
    """The stored sizes of the packs that several index files list."""
    twice = {pack.hex() for pack in plan.census.twice_listed()}
    return {fate.pack.id: fate.pack.size for fate in plan.fates if fate.pack.id in twice}


def _refuse_changed(plan: PrunePlan, vault: Vault) -> None:
    """A snapshot or a pack that came later is not in the plan, and would lose what the plan lets go."""
    indexes = {id_of(listed.name) for listed in vault.store.list(INDEX)} - {""}
    if plan.indexes != indexes or not plan.snapshots.issuperset(vault.snapshot_ids()):
        raise Refusal("the vault has changed since this prune was planned", "Plan it again.")


def _delete(store: Store, folder: str, ids: Iterable[str], lanes: int) -> list[tuple[str, Finding]]:
    """Delete objects; returns those that the store keeps against our will."""

    def delete(object_id: str) -> tuple[str, Finding] | None:
        name = object_name(folder, object_id)
        try:
            store.delete(name)
        except ObjectMissing:
            return None  # gone is what it was to be
        except StoreDenied as refusal:
            return object_id, Finding("object-not-released", name, refusal.message, _NOT_RELEASED)
        return None

    return [kept for kept in in_threads(delete, ids, lanes) if kept is not None]
