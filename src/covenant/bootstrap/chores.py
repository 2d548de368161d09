"""The chores of a vault as the loop has them done: letting go, pruning, being looked through, catching up.

Whatever takes away asks ``confirm`` first, under the vault's own exclusive lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.bootstrap import OpenVault, jobs
from covenant.bootstrap.counting import copies_of
from covenant.bootstrap.log_keeping import merge_pieces, with_logs
from covenant.bootstrap.storing import archived, content_of
from covenant.catalog.records import Outcome, Proof
from covenant.kernel.errors import Interrupted

if TYPE_CHECKING:
    from datetime import timedelta

    from covenant.catalog.catalog import Catalog
    from covenant.catalog.history import VaultHistory
    from covenant.kernel.policy import Policy
    from covenant.kernel.progress import Progress
    from covenant.loop.due import Due
    from covenant.safeguard.forget import ForgetPlan
    from covenant.settings.values import Settings
    from covenant.vault.snapshot import Snapshot

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
    stop: threading.Event
    marks: Path
    """The folder where it is remembered what was read back when."""


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
        task.confirm()
        merged = sum(merge_pieces(held, source) for source in _logged(task))
        plans = forget_plans(task, list(held.vault.snapshots()))
        if (terms := held.terms) is not None:
            plans = [forgetting.around(plan, terms) for plan in plans]
        task.confirm()
        gone = sum(forgetting.apply(plan, held.vault, held.whole) for plan in plans)
    kept = sum(len(plan.keep) for plan in plans)
    log = f", merged {merged} pieces of logs away" if merged else ""
    return Outcome(
        tally={"forgotten": gone, "kept": kept, "unpruned": before + gone + merged},
        message=f"forgot {gone}, kept {kept}{log}",
    )


def _logged(task: Task) -> list[str]:
    """The sources of the vault whose change log is followed."""
    promised = task.policy.sources.values()
    return [each.source for each in promised if each.vault == task.due.vault and each.followed]


def forget_plans(task: Task, snapshots: list[Snapshot]) -> list[ForgetPlan]:
    """What each source of the vault lets go, as far as it may. A source without rules keeps everything."""
    from covenant.safeguard import forget as forgetting
    from covenant.safeguard.protecting import protected

    plans = []
    for promised in task.policy.sources.values():
        own = [snapshot for snapshot in snapshots if snapshot.source == promised.source]
        if promised.vault == task.due.vault and promised.keep is not None and own:
            plans.append(forgetting.plan(own, promised.keep, (), now=task.opened.clock.now()))
    return with_logs(protected(plans), task.policy)


def prune(task: Task) -> Outcome:
    """Remove what no snapshot needs any more."""
    from covenant.safeguard.prune import PruneOptions, apply_prune, plan_prune

    with task.opened.held("exclusive", _LOCK_SECONDS) as held:
        options = PruneOptions(repack_small=bool(_logged(task)))  # a log is sealed in many small packs
        lanes = jobs.lanes(task.settings.limits)
        plan = plan_prune(held.vault, options, lanes=lanes, terms=held.terms, archived=archived(held.opener))
        task.confirm()
        refused = apply_prune(plan, held.vault, held.whole)
    totals = plan.totals
    left = f", left {totals.held} that are locked" if totals.held else ""
    return Outcome(
        tally={"removed": totals.remove, "rewritten": totals.repack, "held": totals.held},
        findings=len(refused),
        message=str(refused[0]) if refused else f"removed {totals.remove} packs{left}",
    )


# -- looking ----------------------------------------------------------------------------------------------------------


def check(task: Task) -> Outcome:
    """Check the structure; what the packs hold, ``verify`` reads back."""
    from covenant.vault.check.inspection import check as inspect

    with task.opened.held("shared", _LOCK_SECONDS) as held:
        report = inspect(held.vault, held.clock)
    found = [str(finding) for finding in report.findings]
    task.confirm()
    _prove(
        task, "failed" if found else "passed", f"{len(found)} findings, the first: {found[0]}" if found else "no damage"
    )
    return Outcome(
        tally={"packs": report.counts.packs, "blobs": report.counts.blobs, "trees": report.counts.trees},
        findings=len(found),
        message=found[0] if found else "no damage",
        hint="Run 'covenant check' to see all of it." if found else "",
    )


def verify(task: Task) -> Outcome:
    """Read back in every region what the promise asks for until the next time; told to stop, it keeps what it has."""
    from covenant.bootstrap import verifying
    from covenant.prove.accounts import from_json, to_json
    from covenant.prove.reading_back import Manner

    promised, past = task.policy.vaults[task.due.vault], task.catalog.history().vault(task.due.vault)
    assert promised.verify_within is not None  # or there is no such chore
    within, last = promised.verify_within.value, past.proofs.get(task.due.kind)
    choose = verifying.what_is_due(task.opened.clock.now(), within, _until_next(task, past))
    manner = Manner(clock=task.opened.clock, progress=task.progress, lanes=1, stop=task.stop)
    with task.opened.held("shared", _LOCK_SECONDS) as held:
        done = verifying.verify(
            held, task.marks, within, choose, manner, before=from_json(last.detail) if last else None
        )
    verifying.note(task.opened.opener, done)
    task.confirm()
    _prove(task, done.verdict, to_json(done.accounts.values()))
    if task.stop.is_set():
        raise Interrupted("reading back made way", "What was read is remembered; it goes on where it was.")
    unread = {name: why for name, why in done.not_verified.items() if name not in done.to_be_thawed}
    found = [*map(str, done.damaged), *(f"region {name}: {why}" for name, why in unread.items())]
    read = sum(tally.bytes for tally in done.tallies.values())
    return Outcome(
        tally={"objects": sum(tally.objects for tally in done.tallies.values()), "bytes": read},
        findings=len(found),
        message=found[0] if found else f"read {read:,} bytes back, no damage",
        hint="Run 'covenant verify --due' to see all of it." if found else "",
    )


def _until_next(task: Task, past: VaultHistory) -> timedelta:
    """How long it will be until the next reading: as scheduled, or as it was until now where that is seldomer."""
    scheduled = task.policy.vaults[task.due.vault].chores["verify"].value.longest_gap()
    last, now = past.past.get("verify"), task.opened.clock.now()
    return max(scheduled, now - last.good.started_at) if last and last.good else scheduled


def _prove(task: Task, verdict: str, detail: str) -> None:
    task.catalog.prove(
        Proof(
            subject=task.due.vault,
            kind=task.due.kind,
            at=task.opened.clock.now(),
            verdict=verdict,
            detail=detail,
            vault=task.due.vault,
        )
    )


def sync(task: Task) -> Outcome:
    """Bring every region up to what the others hold, mend what was seen damaged, and count the copies anew."""
    from covenant.replicate import failover, sync
    from covenant.replicate.census import count, look

    store = task.opened.opener.regional()
    with task.opened.held("shared", _LOCK_SECONDS):
        seen = look(store.regions)
        task.confirm()
        work = sync.errands(seen, store.sightings.all())
        done = sync.carry_out(work, task.progress, is_content=content_of(task.opened))
        failover.spread_epoch(store.regions, seen.roll)
        missing = {sighting for sighting in store.sightings.all() if sighting.trouble == "missing"}
        store.sightings.settle(set(done.healed) | missing)
        promised = task.policy.vaults[task.due.vault]
        kept = {snapshot.id: snapshot.time for snapshot in task.opened.vault.snapshots()}
        census = count(look(store.regions), promised.regions, promised.acknowledge.value, store.sightings.all(), kept)
    task.catalog.count(copies_of(census, task.due.vault, task.opened.clock.now()))
    found = [str(finding) for finding in done.findings]
    away = [each.region for each in census.standings if not (each.reached and each.member)]
    found += [f"region {name} was left out" for name in away]
    said = f"brought {done.objects:,} objects, replaced {done.replaced:,}"
    return Outcome(
        tally={"objects": done.objects, "bytes": done.bytes, "replaced": done.replaced},
        findings=len(found),
        message="; ".join((said, *found[:3])),
        hint="See 'covenant region status'." if found else "",
    )


def lock(task: Task) -> Outcome:
    """Tell the stores what was promised of objects: extend terms of immutability, and let buckets archive at an age.

    Cheap where there is nothing to tell.
    """
    from covenant.bootstrap.storing import promise_archiving
    from covenant.bootstrap.terms import extend_terms

    told = sum(promise_archiving(task.opened.opener).values())
    with task.opened.held("shared", _LOCK_SECONDS) as held:
        task.confirm()
        done = extend_terms(held, task.policy, held.clock.now())
    found = [str(finding) for finding in done.findings]
    extended = len(done.plan.extensions) + sum(len(planned.news) for planned in done.rules.values())
    return Outcome(
        tally={"extended": extended},
        findings=len(found),
        message=found[0] if found else f"extended {extended:,} terms" + (", told buckets to archive" if told else ""),
    )


_BY_KIND: dict[str, Callable[[Task], Outcome]] = {
    "forget": forget,
    "prune": prune,
    "check": check,
    "verify": verify,
    "sync": sync,
    "lock": lock,
}
