"""``covenant forget``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from covenant.cli import exits, formats
from covenant.cli.command import OPENING, command
from covenant.cli.output import as_dicts
from covenant.cli.parameters import span
from covenant.cli.session import Session
from covenant.cli.snapshot_list import filtering, readable
from covenant.cli.witnessing import note
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from covenant.kernel.keep import Keep
    from covenant.recover.choose import Filter
    from covenant.safeguard.forget import ForgetPlan
    from covenant.vault.snapshot import Snapshot

_COUNTED = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
_WITHIN = ("", "hourly", "daily", "weekly", "monthly", "yearly")


def _rules(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that make up a policy."""
    declared = click.option(
        "--keep-tag", "keep_tags", multiple=True, metavar="TAG[,TAG]", help="Keep what bears these tags."
    )(function)
    for period in reversed(_WITHIN):
        flag, which = (f"--keep-within-{period}", f"the newest {_of(period)}") if period else ("--keep-within", "all")
        about = f"Keep {which} of this stretch before the newest ('7d', '1y6m')."
        declared = click.option(flag, type=span, metavar="SPAN", help=about)(declared)
    for period in reversed(_COUNTED):
        about = f"Keep the newest {_of(period)}, so many." if period != "last" else "Keep the newest so many."
        declared = click.option(f"--keep-{period}", type=click.IntRange(min=-1), metavar="N", help=about)(declared)
    return declared


def _of(period: str) -> str:
    return "of each " + {"daily": "day"}.get(period, period.removesuffix("ly"))


@command(
    "forget",
    "covenant forget --dry-run",
    "covenant forget --keep-daily 7 --keep-weekly 4 --prune",
    "covenant forget 8da63f54",
    exits=(*OPENING, 1, 13, 22),
)
@click.argument("names", metavar="[SNAPSHOT]...", nargs=-1)
@_rules
@click.option("--group-by", default="host,paths", show_default=True, help="Count within each of these; '' for all.")
@filtering
@click.option("--dry-run", is_flag=True, help="Say which would go, and why each other stays; do nothing.")
@click.option("--prune", is_flag=True, help="Remove what no snapshot needs any more, too.")
def forget(
    session: Session, names: tuple[str, ...], wanted: Filter, group_by: str, dry_run: bool, prune: bool, **rules: Any
) -> int:
    """Let snapshots go: those that are named, or those that no rule keeps.

    Without names and rules, each source of covenant.toml is judged by its own retention. Data goes only with a prune.
    """
    from covenant.cli import letting_go
    from covenant.safeguard import forget as forgetting

    keep = _keep(rules)
    if names and keep:
        raise UsageError("both snapshots and rules are given", "Give one or the other.")
    with session.opened("none" if dry_run and session.said.no_lock else "exclusive") as opened:
        snapshots, damaged = readable(opened.vault)
        if names:
            ids = [opened.vault.find_snapshot(name).id for name in names]
            plans = [("", forgetting.plan_named(snapshots, ids, now=session.clock.now()))]
        elif keep:
            plans = [("", _judged(session, filter(wanted.fits, snapshots), keep, group_by))]
        else:
            plans = _by_source(session, [snapshot for snapshot in snapshots if wanted.fits(snapshot)])
        if (terms := opened.terms) is not None:
            plans = [(source, forgetting.around(plan, terms)) for source, plan in plans]
        if names:
            session.output.findings(finding for _, plan in plans for finding in plan.findings)
        letting_go.show_plans(session, [] if names else plans)
        forgotten = sum(len(plan.forget) for _, plan in plans)
        if not dry_run:
            for source, plan in plans:
                named = [row.snapshot.id for row in plan.forget]
                note(session, "forget", source, snapshots=named, policy=str(plan.policy or ""))
            forgotten = sum(forgetting.apply(plan, opened.vault, opened.whole) for _, plan in plans)
        would = "would forget" if dry_run else "forgot"
        session.output.say(f"{would} {formats.counted(forgotten, 'snapshot')}")
        pruned = None
        if prune and not dry_run:
            pruned = letting_go.prune(session, opened, letting_go.Thorough(), dry_run=False)
    findings = [*damaged, *(finding for _, plan in plans for finding in plan.findings)]
    refused = bool(pruned and pruned["findings"])
    session.output.findings(damaged)
    session.output.document(
        {
            "dry_run": dry_run,
            "forgotten": forgotten,
            "plans": [{"source": source, **plan.as_json()} for source, plan in plans],
            "prune": pruned,
            "findings": as_dicts(findings),
        }
    )
    return exits.FINDINGS if findings or refused else exits.DONE


def _keep(rules: dict[str, Any]) -> Keep | None:
    """The policy that the options make up, or ``None`` where none is given."""
    given: dict[str, Any] = {
        name.removeprefix("keep_"): value for name, value in rules.items() if name != "keep_tags" and value is not None
    }
    if rules["keep_tags"]:
        given["tags"] = tuple(tuple(listed.split(",")) for listed in rules["keep_tags"])
    if not given:
        return None
    from covenant.kernel.keep import Keep

    return Keep(**given)


def _judged(session: Session, snapshots: Any, keep: Keep, group_by: str) -> ForgetPlan:
    from covenant.safeguard import forget as forgetting
    from covenant.safeguard.grouping import axes

    return forgetting.plan(snapshots, keep, axes(group_by), now=session.clock.now())


def _by_source(session: Session, snapshots: list[Snapshot]) -> list[tuple[str, ForgetPlan]]:
    """A plan for each source of ``covenant.toml`` that has rules; all its snapshots are one group."""
    settings = session.settings
    sources = [] if settings is None else [source for source in settings.sources.values() if source.retention]
    if not sources:
        raise UsageError(
            "nothing says what to keep", "Give rules such as '--keep-daily 7', or name the snapshots to forget."
        )
    plans = []
    for source in sources:
        own = [snapshot for snapshot in snapshots if snapshot.source == source.name]
        if own and source.retention:
            plans.append((source.name, _judged(session, own, source.retention, "")))
    from covenant.bootstrap.log_keeping import with_logs
    from covenant.settings.policy import policy_of

    assert settings is not None
    judged = with_logs([plan for _, plan in plans], policy_of(settings))
    return [(source, plan) for (source, _), plan in zip(plans, judged, strict=True)]
