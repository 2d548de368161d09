"""The chores of a vault as the loop has them done: letting go, pruning, being looked through, catching up.

Whatever takes away asks ``confirm`` first, under the vault's own exclusive lock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from covenant.bootstrap import OpenVault, jobs
from covenant.catalog.records import Copies, Outcome, Proof
from covenant.kernel.errors import Refusal

if TYPE_CHECKING:
    from covenant.catalog.catalog import Catalog
    from covenant.kernel.policy import Policy
    from covenant.kernel.progress import Progress
    from covenant.loop.due import Due
    from covenant.safeguard.forget import ForgetPlan
    from covenant.settings.values import Settings
    from covenant.vault.snapshot import Snapshot

PARTS = 7
"""A check reads one of so many parts of the packs; after as many checks, everything was read."""

_LOCK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Task:
    """One chore, and what it needs."""

    due: Due
    opened: OpenVault
    settings: Settings
    policy: Policy
    catalog: Catalog
    progress: Progress
    confirm: Callable[[], None]


def carry_out(task: Task) -> Outcome:
    """Do the chore."""
    return _BY_KIND[task.due.kind](task)


# -- letting go -------------------------------------------------------------------------------------------------------


def forget(task: Task) -> Outcome:
    """Let snapshots go by each source's own retention; what may not go stays, whatever the rules say."""
    from covenant.loop.due import unpruned
    from covenant.safeguard import forget as forgetting

    before = unpruned(task.catalog.history().vault(task.due.vault))
    with task.opened.held("exclusive", _LOCK_SECONDS) as held:
        plans = forget_plans(task, list(held.vault.snapshots()))
        task.confirm()
        gone = sum(forgetting.apply(plan, held.vault, held.whole) for plan in plans)
    kept = sum(len(plan.keep) for plan in plans)
    return Outcome(
        tally={"forgotten": gone, "kept": kept, "unpruned": before + gone},
        message=f"forgot {gone}, kept {kept}",
    )


def forget_plans(task: Task, snapshots: list[Snapshot]) -> list[ForgetPlan]:
    """What each source of the vault lets go, as far as it may. A source without rules keeps everything."""
    from covenant.safeguard import forget as forgetting
    from covenant.safeguard.protecting import protected

    plans = []
    for promised in task.policy.sources.values():
        own = [snapshot for snapshot in snapshots if snapshot.source == promised.source]
        if promised.vault == task.due.vault and promised.keep is not None and own:
            plans.append(forgetting.plan(own, promised.keep, (), now=task.opened.clock.now()))
    return protected(plans)


def prune(task: Task) -> Outcome:
    """Remove what no snapshot needs any more."""
    from covenant.safeguard.prune import PruneOptions, apply_prune, plan_prune

    with task.opened.held("exclusive", _LOCK_SECONDS) as held:
        plan = plan_prune(held.vault, PruneOptions(), lanes=jobs.lanes(task.settings.limits))
        task.confirm()
        apply_prune(plan, held.vault, held.whole)
    totals = plan.totals
    return Outcome(
        tally={"removed": totals.remove, "rewritten": totals.repack}, message=f"removed {totals.remove} packs"
    )


# -- looking ----------------------------------------------------------------------------------------------------------


def check(task: Task) -> Outcome:
    """Check the structure, and read the next part of the packs back."""
    from covenant.vault.check.inspection import check as inspect
    from covenant.vault.check.reading import Settings
    from covenant.vault.check.subset import Part

    last = task.catalog.history().vault(task.due.vault).past.get("check")
    part = (last.good.tally.get("part", 0) if last and last.good else 0) % PARTS + 1
    with task.opened.held("shared", _LOCK_SECONDS) as held:
        settings = Settings(
            lanes=jobs.lanes(task.settings.limits), open_store=held.opener.reading, progress=task.progress
        )
        report = inspect(held.vault, held.clock, read_data=Part(part, PARTS), settings=settings)
    found = [str(finding) for finding in report.findings]
    task.confirm()
    task.catalog.prove(
        Proof(
            subject=task.due.vault,
            kind="check",
            at=task.opened.clock.now(),
            verdict="failed" if found else "passed",
            detail=f"{len(found)} findings, the first: {found[0]}" if found else f"part {part} of {PARTS} read back",
            vault=task.due.vault,
        )
    )
    return Outcome(
        tally={"part": part, "packs_read": report.counts.packs_read, "bytes_read": report.bytes_read},
        findings=len(found),
        message=found[0] if found else f"part {part} of {PARTS}, no damage",
        hint="Run 'covenant check' to see all of it." if found else "",
    )


def sync(task: Task) -> Outcome:
    """Where there is one region, there is nothing to catch up with: what lies in it is counted."""
    regions = task.policy.vaults[task.due.vault].regions
    if len(regions) > 1:
        raise Refusal("this version of the loop does not catch regions up", "Run 'covenant region sync'.")
    objects = [listed.size for listed in task.opened.reading.list("")]
    task.confirm()
    counted = Copies(
        vault=task.due.vault,
        region=regions[0],
        at=task.opened.clock.now(),
        reachable=True,
        objects=len(objects),
        bytes=sum(objects),
    )
    task.catalog.count([counted])
    return Outcome(tally={"objects": len(objects), "bytes": sum(objects)}, message=f"{len(objects):,} objects")


def lock(task: Task) -> Outcome:
    """Without terms of immutability there is nothing to extend."""
    return Outcome(message="no terms to extend")


_BY_KIND: dict[str, Callable[[Task], Outcome]] = {
    "forget": forget,
    "prune": prune,
    "check": check,
    "sync": sync,
    "lock": lock,
}
