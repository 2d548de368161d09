"""New snapshots in the place of those that have lost something.

A blob is lost when no index names it, so the index and the packs are repaired first. The new snapshot says which one
it was made from (``original``) and that it was (tag ``repaired``). The old one stays unless it is told to go, and then
goes after the new one is durable; with it go snapshots of which nothing can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.kernel.findings import Finding
from covenant.vault.names import SNAPSHOTS, object_name
from covenant.vault.ports import Store
from covenant.vault.repair.listing import remove
from covenant.vault.repair.mending import Mender
from covenant.vault.repair.plan import Act, RepairPlan, Step
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from covenant.vault.writer import Writer

REPAIRED_TAG = "repaired"


@dataclass(frozen=True, slots=True)
class SnapshotsPlan(RepairPlan):
    """Which snapshots are made anew, which cannot be read at all, and whether the old ones go."""

    mended: tuple[str, ...] = ()
    hopeless: tuple[str, ...] = ()
    forget: bool = False


def plan_snapshots(vault: Vault, *, forget: bool = False) -> SnapshotsPlan:
    """Find what every snapshot has lost. Writes nothing."""
    mender = Mender(vault)
    mended, hopeless, findings = list[str](), list[str](), list[Finding]()
    for snapshot_id in sorted(vault.snapshot_ids()):
        try:
            snapshot = vault.load_snapshot(snapshot_id)
        except ObjectMissing:
            continue
        except DamageError as error:
            hopeless.append(snapshot_id)
            findings.append(Finding("snapshot-damaged", object_name(SNAPSHOTS, snapshot_id), str(error)))
            continue
        before = len(mender.losses)
        tree = mender.mend(snapshot.tree, snapshot.short_id)
        if tree is None:
            hopeless.append(snapshot_id)
        elif len(mender.losses) > before:
            mended.append(snapshot_id)
    steps = tuple(_steps(mended, hopeless, forget))
    return SnapshotsPlan(steps, (*findings, *mender.losses), tuple(mended), tuple(hopeless), forget)


def apply_snapshots(plan: SnapshotsPlan, vault: Vault, store: Store) -> list[Snapshot]:
    """Carry out a plan, under an exclusive lock; returns the new snapshots."""
    writer = Writer(vault, store)
    mender = Mender(vault, writer)
    snapshots = [vault.load_snapshot(snapshot_id) for snapshot_id in plan.mended]
    trees = [mender.mend(snapshot.tree, snapshot.short_id) for snapshot in snapshots]
    writer.flush()
    made = [
        vault.save_snapshot(store, _repaired(snapshot, tree))
        for snapshot, tree in zip(snapshots, trees, strict=True)
        if tree is not None
    ]
    if plan.forget:
        remove(store, SNAPSHOTS, (*plan.mended, *plan.hopeless))
    return made


def _repaired(snapshot: Snapshot, tree: str) -> Snapshot:
    tags = [*(tag for tag in snapshot.tags if tag != REPAIRED_TAG), REPAIRED_TAG]
    return msgspec.structs.replace(snapshot, tree=tree, original=snapshot.original or snapshot.id, tags_=tags)


def _steps(mended: list[str], hopeless: list[str], forget: bool) -> Iterator[Step]:
    for snapshot_id in mended:
        yield Step(Act.WRITE, object_name(SNAPSHOTS, snapshot_id), "a snapshot like it, without what is lost")
    for snapshot_id in (*mended, *hopeless) if forget else ():
        reason = "replaced by the repaired one" if snapshot_id in mended else "nothing of it can be read"
        yield Step(Act.REMOVE, object_name(SNAPSHOTS, snapshot_id), reason)
