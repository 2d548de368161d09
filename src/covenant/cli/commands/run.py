"""``covenant run``: the daemon, and ``covenant run show``: one of its runs."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import click

from covenant.cli import exits, formats
from covenant.cli.command import EXITS, command
from covenant.cli.parameters import interval
from covenant.cli.session import Session
from covenant.kernel.errors import UsageError

_EXITS = (0, 1, 2, 30, 31, 33, 130)


@click.group("run", invoke_without_command=True)
@click.option("--once", is_flag=True, help="Do what is due now, and end: for cron.")
@click.option("--json", is_flag=True, help="Tell each event as a line of JSON.")
@click.option("--quiet", is_flag=True, help="Tell nothing but errors.")
@click.option("--lease", type=interval, metavar="TIME", help="Another daemon takes over after this long (1m).")
@click.option("--drain", type=interval, metavar="TIME", help="When stopped, wait this long for what is at work (5m).")
@click.pass_context
def run(
    ctx: click.Context, once: bool, json: bool, quiet: bool, lease: timedelta | None, drain: timedelta | None
) -> int | None:
    """Keep the promises of covenant.toml by itself: back up, let go, prune and check whatever falls due.

    Stop it with SIGTERM: what is at work saves what it has. Several may run on one catalog; one of them leads, and
    when it dies or freezes another takes over.
    """
    if ctx.invoked_subcommand is not None:
        return None
    from covenant.cli import keeping_on

    session = ctx.find_object(Session)
    assert session is not None
    session.output.json |= json
    session.output.quiet |= quiet
    return keeping_on.keep_on(session, once=once, lease=lease, drain=drain)


run.epilog = "Exit codes: " + "; ".join(f"{code} {EXITS[code]}" for code in _EXITS)


@command("show", "covenant run show 42", "covenant run show 42 --json", exits=(0, 2, 30, 31), group=run)
@click.argument("number", type=int, metavar="ID")
def show(session: Session, number: int) -> int:
    """Show one run: why it began, how far it is or what it came to."""
    with session.catalog() as catalog:
        found = catalog.run(number)
    if found is None:
        raise UsageError(f"there is no run {number}", "List them with 'covenant runs'.")
    one, advance = found
    say = session.output.result
    say(f"run {one.id}: {one.kind} of {one.subject}, {one.state}")
    say(f"  because {one.reason}")
    took = f", took {formats.seconds((one.ended_at - one.started_at).total_seconds())}" if one.ended_at else ""
    say(f"  began {formats.local(one.started_at)}{took}")
    say(f"  by {one.holder} under fence {one.fence}")
    if one.snapshot_id:
        say(f"  kept as snapshot {one.snapshot_id[:8]}")
    if advance is not None and not one.state.ended:
        of = f" of {formats.size(advance.expected_bytes)}" if advance.expected_bytes else ""
        say(f"  so far {formats.counted(advance.files, 'file')}, {formats.size(advance.bytes)}{of}")
    for name, count in one.tally.items():
        say(f"  {name.replace('_', ' ')}: {formats.size(count) if 'bytes' in name else formats.number(count)}")
    if one.message:
        say(f"  {one.message}")
    if one.hint and not one.state.good:
        say(f"  HINT: {one.hint}")
    session.output.document({"run": asdict(one), "advance": asdict(advance) if advance else None})
    return exits.DONE
