"""Forgetting and pruning as the command line does them: the plan is shown, then carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from covenant.cli import formats
from covenant.cli.output import as_dicts
from covenant.cli.session import Session
from covenant.cli.snapshot_list import own_tags
from covenant.cli.witnessing import note
from covenant.vault.pack import DEFAULT_PACK_SIZE

if TYPE_CHECKING:
    from covenant.bootstrap import OpenVault
    from covenant.safeguard.forget import ForgetPlan, Judged
    from covenant.safeguard.prune import PrunePlan


@dataclass(frozen=True, slots=True)
class Thorough:
    """How thorough a prune was asked to be; a float for ``max_unused`` is a share, an int are bytes."""

    max_unused: float | int | None = None
    max_repack_size: int | None = None
    repack_uncompressed: bool = False
    repack_small: bool = False


def prune(session: Session, opened: OpenVault, thorough: Thorough, *, dry_run: bool) -> dict[str, Any]:
    """Plan, show, and carry out; returns what is to be reported. The caller holds the exclusive lock."""
    from covenant.bootstrap.storing import archived
    from covenant.safeguard.prune import PruneOptions, apply_prune, plan_prune

    limits = session.known_limits()
    unused = thorough.max_unused
    options = PruneOptions(
        max_unused=unused if isinstance(unused, float) else 0.05,
        max_unused_bytes=unused if isinstance(unused, int) else None,
        max_repack_size=thorough.max_repack_size,
        repack_uncompressed=thorough.repack_uncompressed,
        repack_small=thorough.repack_small,
        pack_size=session.environment.pack_size or (limits and limits.pack_size) or DEFAULT_PACK_SIZE,
    )
    plan = plan_prune(opened.vault, options, lanes=session.lanes, terms=opened.terms, archived=archived(opened.opener))
    totals = plan.totals
    output = session.output
    would = "would " if dry_run else ""
    output.say(
        f"of {formats.counted(totals.packs, 'pack')} ({formats.size(totals.bytes)}): {would}keep {totals.keep:,}, "
        f"{would}rewrite {totals.repack:,}, {would}remove {totals.remove:,}"
    )
    if dry_run:
        rows = [(fate.pack.id[:8], str(fate.action), formats.size(fate.pack.size), fate.why) for fate in plan.fates]
        rows += [(pack[:8], "remove", formats.size(size), "no index names it") for pack, size in plan.unindexed]
        output.table(("Pack", "Action", "Size", "Why"), rows, right=(2,))
        output.say(f"would free {formats.size(totals.freed)}")
        _say_held(session, plan)
        return {"dry_run": True, **plan.as_json()}
    note(session, "prune", packs=totals.remove, rewritten=totals.repack, bytes=totals.freed)
    with session.progress("prune") as progress:
        findings = apply_prune(plan, opened.vault, opened.whole, lanes=session.lanes, progress=progress)
    output.say(f"freed {formats.size(totals.freed)}; {formats.size(totals.unused_after)} stay unused")
    _say_held(session, plan)
    output.findings(findings)
    return {
        "dry_run": False,
        "totals": asdict(totals),
        "held": [held.as_json() for held in plan.held],
        "findings": as_dicts(findings),
    }


def _say_held(session: Session, plan: PrunePlan) -> None:
    """What must be left, and until when."""
    if plan.held:
        first, last = (formats.local(pick(held.until for held in plan.held)) for pick in (min, max))
        until = first if first == last else f"{first} to {last}"
        session.output.say(
            f"locked: {formats.counted(len(plan.held), 'pack')} that would go must stay until {until} "
            f"({formats.size(plan.totals.bytes_held)})"
        )


def show_plans(session: Session, plans: Sequence[tuple[str, ForgetPlan]]) -> None:
    """A table for each plan, with the reason for every row."""
    output = session.output
    for title, plan in plans:
        rows = sorted(
            [*(("keep", row) for row in plan.keep), *(("forget", row) for row in plan.forget)],
            key=lambda fate: fate[1].snapshot.time,
        )
        policy = f"policy: {plan.policy}" if plan.policy else ""
        output.say(", ".join(part for part in (title, policy) if part))
        output.table(("Fate", "ID", "Time", "Host", "Tags", "Paths", "Why"), (_row(*row) for row in rows))
        output.findings(plan.findings)


def _row(fate: str, judged: Judged) -> tuple[str, ...]:
    snapshot = judged.snapshot
    return (
        fate,
        snapshot.short_id,
        formats.local(snapshot.time),
        snapshot.hostname,
        ",".join(own_tags(snapshot)),
        " ".join(snapshot.paths or ()),
        judged.why(),
    )
