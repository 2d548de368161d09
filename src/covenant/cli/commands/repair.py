"""``covenant repair``: saving what can be saved of a damaged vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from covenant.cli import exits, formats
from covenant.cli.command import OPENING, command, family
from covenant.cli.output import clean
from covenant.cli.session import Session
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from covenant.bootstrap import OpenVault
    from covenant.vault.repair.plan import RepairPlan

repair = family(
    "repair",
    "Save what can be saved of a damaged vault: first the index, then packs, then snapshots. "
    "Make a copy of the vault before.",
)
_EXITS = (*OPENING, 1, 22)
_dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, and why; do nothing.")


@command(
    "index", "covenant repair index --dry-run", "covenant repair index --read-all-packs", exits=_EXITS, group=repair
)
@click.option("--read-all-packs", is_flag=True, help="Believe the packs' own headers before any index.")
@_dry_run
def index(session: Session, read_all_packs: bool, dry_run: bool) -> int:
    """List anew what the packs hold, where an index file is damaged, missing or wrong."""
    from covenant.vault.repair.index import apply_index, plan_index

    with session.opened("exclusive") as opened:
        plan = plan_index(opened.vault, read_all_packs=read_all_packs)
        _show(session, plan, dry_run)
        if not (dry_run or plan.empty):
            apply_index(plan, opened.vault, opened.whole)
    return _report(session, plan, dry_run, "covenant repair packs")


@command("packs", "covenant repair packs", "covenant repair packs e3b0c442", exits=(*_EXITS, 28), group=repair)
@click.argument("ids", metavar="[PACK]...", nargs=-1)
@_dry_run
def packs(session: Session, ids: tuple[str, ...], dry_run: bool) -> int:
    """Store the whole blobs of damaged packs anew, and remove those packs.

    Without a PACK all data is read first to find the damaged ones.
    """
    from covenant.vault.repair.packs import apply_packs, plan_packs

    with session.opened("exclusive") as opened:
        plan = plan_packs(opened.vault, _full_ids(opened, ids) if ids else _damaged(session, opened))
        _show(session, plan, dry_run)
        if not (dry_run or plan.empty):
            apply_packs(plan, opened.vault, opened.whole)
    return _report(session, plan, dry_run, "covenant repair snapshots")


@command(
    "snapshots",
    "covenant repair snapshots --dry-run",
    "covenant repair snapshots --forget",
    exits=_EXITS,
    group=repair,
)
@click.option("--forget", is_flag=True, help="Let the damaged snapshots go, once the repaired ones are stored.")
@_dry_run
def snapshots(session: Session, forget: bool, dry_run: bool) -> int:
    """Make snapshots without what is lost, in the place of those that have lost something. Each is tagged 'repaired'.

    Back up what is still there before: the vault takes lost blobs anew where the files still have them.
    """
    from covenant.vault.repair.snapshots import apply_snapshots, plan_snapshots

    made: list[str] = []
    with session.opened("exclusive") as opened:
        plan = plan_snapshots(opened.vault, forget=forget)
        _show(session, plan, dry_run)
        if not (dry_run or plan.empty):
            made = [snapshot.id for snapshot in apply_snapshots(plan, opened.vault, opened.whole)]
    for snapshot_id in made:
        session.output.say(f"made snapshot {snapshot_id[:8]}")
    return _report(session, plan, dry_run, "covenant check --read-data", new_ids=made)


def _full_ids(opened: OpenVault, prefixes: tuple[str, ...]) -> list[str]:
    """The packs whose ids begin like this, one each. Raises ``UsageError``."""
    from covenant.vault.names import DATA, id_of

    known = [found for listed in opened.reading.list(DATA) if (found := id_of(listed.name))]
    chosen = []
    for prefix in prefixes:
        fitting = [pack for pack in known if pack.startswith(prefix)]
        if len(fitting) != 1:
            raise UsageError(f"{len(fitting)} packs begin with '{prefix}'", "'covenant check --read-data' names them.")
        chosen += fitting
    return chosen


def _damaged(session: Session, opened: OpenVault) -> tuple[str, ...]:
    from covenant.vault.check.inspection import check
    from covenant.vault.check.reading import Settings
    from covenant.vault.check.subset import ALL

    with session.progress("check") as progress:
        settings = Settings(lanes=session.lanes, open_store=opened.opener.reading, progress=progress)
        return check(opened.vault, session.clock, read_data=ALL, settings=settings).damaged_packs


def _show(session: Session, plan: RepairPlan, dry_run: bool) -> None:
    would = "would " if dry_run else ""
    for step in plan.steps:
        session.output.say(clean(f"{would}{step}"))


def _report(session: Session, plan: RepairPlan, dry_run: bool, then: str, **more: Any) -> int:
    output = session.output
    output.findings(plan.findings)
    if plan.empty:
        output.say("nothing to repair")
    else:
        steps = formats.counted(len(plan.steps), "step")
        output.say(f"{steps} would be taken" if dry_run else f"{steps} taken; next: '{then}'")
    output.document({"dry_run": dry_run, **plan.as_json(), **more})
    return exits.FINDINGS if plan.findings else exits.DONE
