"""``covenant lock``: what nobody may delete, and until when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from covenant.cli import exits, formats
from covenant.cli.command import OPENING, command, family
from covenant.cli.output import as_dicts
from covenant.cli.parameters import interval
from covenant.cli.session import Session
from covenant.kernel.durations import format_interval

if TYPE_CHECKING:
    from covenant.cli.output import Output
    from covenant.safeguard.bucket_rules import Rule, RulePlan
    from covenant.vault.snapshot import Snapshot

lock = family("lock", "Terms of immutability: what nobody may delete until when.")

_NOWHERE: Mapping[str, Mapping[str, datetime | None]] = {"none": defaultdict(lambda: None)}
"""What a vault says of any snapshot where no region keeps terms."""
_BY_RULES = "governance, by rules that an administrator can lift; not measured"

_term = click.option(
    "--term", type=interval, metavar="TIME", help="The term of all snapshots ('30d'), whatever covenant.toml promises."
)


@command("show", "covenant lock show", "covenant lock show --term 30d", exits=(*OPENING, 1, 22, 26, 27), group=lock)
@_term
def show(session: Session, term: timedelta | None) -> int:
    """Say of each snapshot until when nobody shall be able to delete it, and what the store says.

    The store is asked about every snapshot under a term. What a prune must leave until when says 'covenant prune
    --dry-run'.
    """
    from covenant.bootstrap import terms as locking
    from covenant.safeguard.terms import promised

    with session.read() as opened:
        snapshots = list(opened.vault.snapshots())
        held = promised(snapshots, _terms(session, snapshots, term), session.clock.now())
        by_rules = locking.held_by_rules(opened, [one.snapshot for one in held])
        said = locking.held_until(opened, [one.snapshot.id for one in held]) | by_rules
        labels = dict.fromkeys(by_rules, _BY_RULES) | locking.labels(opened)
    rows = [
        (one, region, by_region[one.snapshot.id]) for one in held for region, by_region in (said or _NOWHERE).items()
    ]
    short = sum(until is None or until < one.until for one, _, until in rows)
    output = session.output
    output.table(
        ("ID", "Source", "Promised until", "Region", "Locked until"),
        (
            (
                one.snapshot.short_id,
                one.snapshot.source,
                formats.local(one.until),
                region,
                formats.local(until) if until else "not locked",
            )
            for one, region, until in rows
        ),
    )
    for region in said:
        output.say(f"region {region}: {labels.get(region, 'never measured')}")
    output.say(f"{formats.counted(len(held), 'snapshot')} under a term, {short} times not locked for as long")
    output.document(
        {
            "snapshots": [
                {
                    "id": one.snapshot.id,
                    "source": one.snapshot.source,
                    "promised_until": one.until.isoformat(),
                    "region": region,
                    "locked_until": until.isoformat() if until else None,
                }
                for one, region, until in rows
            ],
            "short": short,
            "immutability": labels,
        }
    )
    return exits.FINDINGS if short else exits.DONE


@command(
    "extend",
    "covenant lock extend --term 30d --dry-run",
    "covenant lock extend",
    exits=(*OPENING, 1, 22, 26, 27),
    group=lock,
)
@_term
@click.option("--dry-run", is_flag=True, help="Say what would be extended, and why, and do nothing.")
@click.option("--again", is_flag=True, help="Believe nothing that is remembered: ask the store about every object.")
def extend(session: Session, term: timedelta | None, dry_run: bool, again: bool) -> int:
    """Let nobody delete what snapshots need, for as long as was promised. Terms are extended and never shortened.

    It is cheap where nothing is to be done. Stopped anywhere, it is simply run again.
    """
    from covenant.bootstrap import terms as locking

    with session.read() as opened:
        terms = _terms(session, opened.vault.snapshots(), term)
        done = locking.extend(opened, terms, session.clock.now(), again=again, dry_run=dry_run)
    output = session.output
    if dry_run:
        rows = ((step.name, formats.local(step.until), step.why) for step in done.plan.extensions)
        output.table(("Object", "Until", "Why"), rows)
        _show_rules(output, done.rules)
    would = "would extend" if dry_run else "extended"
    objects = len(done.plan.extensions) - (0 if dry_run else len(done.findings) - len(done.plan.findings))
    output.say(
        f"{would} the terms of {formats.counted(objects, 'object')} for "
        f"{formats.counted(len(done.plan.promised), 'snapshot')}"
    )
    if done.rules:
        news = sum(len(planned.news) for planned in done.rules.values())
        output.say(f"{'would set' if dry_run else 'set'} {formats.counted(news, 'lock rule')}")
    output.findings(done.findings)
    rules = {region: [step.as_json() for step in planned.steps] for region, planned in done.rules.items()}
    output.document({"dry_run": dry_run, "rules": rules, **done.plan.as_json(), "findings": as_dicts(done.findings)})
    return exits.FINDINGS if done.findings else exits.DONE


def _show_rules(output: Output, rules: Mapping[str, RulePlan]) -> None:
    """Each rule of ours in each region, with the reason for what becomes of it."""
    rows = [
        (region, step.rule.prefix, _length(step.rule), step.action, step.why)
        for region, planned in rules.items()
        for step in planned.steps
    ]
    if rows:
        output.table(("Region", "Prefix", "Locked", "Action", "Why"), rows)


def _length(rule: Rule) -> str:
    if rule.age is not None:
        return f"{format_interval(rule.age)} from its upload"
    return f"until {formats.local(rule.until)}" if rule.until is not None else "for ever"


def _terms(session: Session, snapshots: Iterable[Snapshot], term: timedelta | None) -> dict[str, timedelta]:
    """The term of each source."""
    if term is not None:
        return {snapshot.source: term for snapshot in snapshots}
    from covenant.bootstrap.terms import promised_terms
    from covenant.settings.policy import policy_of

    return promised_terms(policy_of(session.required_settings()))
