"""``covenant drill``: rehearsals of recovery, and what came of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from covenant.cli.command import command, family
from covenant.cli.parameters import moment
from covenant.cli.session import Session
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from covenant.catalog.catalog import Catalog
    from covenant.catalog.records import Proof

drill = family("drill", "Rehearse recovery: restore, ask, plant damage that must be caught, and keep what came of it.")

_ALL = 1_000_000
_SCENARIOS = ("data-centre-outage", "database-corruption", "security-breach", "human-error")


@command("list", "covenant drill list", "covenant drill list --level monthly", exits=(0, 2, 21, 30, 31), group=drill)
@click.option("--level", type=click.Choice(["monthly", "quarterly", "annual"]), help="Only drills of this level.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
def list_(session: Session, level: str | None, limit: int) -> None:
    """List the drills that were held, the newest first, and those that were promised and missed."""
    from covenant.catalog.records import DRILL
    from covenant.cli import drill_screen
    from covenant.prove.telling import from_json

    with session.catalog() as catalog:
        found = catalog.proofs(kind=DRILL, subject=level, most=limit)
        missed = [(name, due) for name, due in _missed(session, catalog) if level in (None, name)]
    held = [(proof.at, drill_screen.row(from_json(proof.detail))) for proof in found]
    lacking = [(due, drill_screen.missed_row(name, due)) for name, due in missed]
    rows = sorted((*held, *lacking), key=lambda each: each[0], reverse=True)
    session.output.table(drill_screen.COLUMNS, (row for _, row in rows))
    session.output.document(
        {
            "drills": [json.loads(proof.detail) for proof in found],
            "missed": [{"level": name, "due_at": due} for name, due in missed],
        }
    )


def _missed(session: Session, catalog: Catalog) -> Iterator[tuple[str, datetime]]:
    """The drills of covenant.toml that were due and not held, the oldest first."""
    from covenant.bootstrap.leaving import missed_drills
    from covenant.settings.policy import policy_of

    yield from missed_drills(catalog, policy_of(session.required_settings()), session.clock.now())


@command(
    "show",
    "covenant drill show 3f9a2c11",
    "covenant drill show latest --json",
    exits=(0, 1, 2, 3, 21, 30, 31),
    group=drill,
)
@click.argument("id", metavar="ID")
def show(session: Session, id: str) -> int:
    """Show one drill: what was restored, how long it took, what was answered, what was planted and caught.

    ID is the beginning of its id, or 'latest'. Ends with 0 where it passed, 1 where it failed, and 3 where something
    could not be verified.
    """
    from covenant.cli import drill_screen
    from covenant.prove.telling import from_json

    proof = _named(session, id)
    record = from_json(proof.detail)
    drill_screen.show(record, session.output)
    session.output.document(json.loads(proof.detail))
    return drill_screen.code_of(record.result)


def _named(session: Session, name: str) -> Proof:
    """The drill whose id begins so. Raises ``UsageError`` where it is none, or more than one."""
    from covenant.catalog.records import DRILL

    with session.catalog() as catalog:
        found = catalog.proofs(kind=DRILL, most=1 if name == "latest" else _ALL)
    if name != "latest":
        found = tuple(proof for proof in found if json.loads(proof.detail)["drill"]["id"].startswith(name))
    if len(found) != 1:
        number = "no drill" if not found else f"{len(found)} drills"
        raise UsageError(f"{number} of that name: '{name}'", "List them with 'covenant drill list'.")
    return found[0]


@command(
    "report",
    "covenant drill report latest",
    "covenant drill report 3f9a2c11 -o reports --pdf",
    exits=(0, 1, 2, 21, 24, 30, 31),
    group=drill,
)
@click.argument("id", metavar="ID")
@click.option(
    "-o", "--output", "folder", type=click.Path(path_type=Path), default=".", metavar="DIR", help="Where; here."
)
@click.option("--html", "html", is_flag=True, help="Only the page for a browser.")
@click.option("--pdf", "pdf", is_flag=True, help="Only the document for paper.")
def report(session: Session, id: str, folder: Path, html: bool, pdf: bool) -> int:
    """Write the report of a drill: as a page and for paper, with the record itself and its sums beside them.

    ID is the beginning of its id, or 'latest'. It shows what was restored from which region to which moment, each step
    against the RTO, the age of the data against the RPO, every answer, what was planted, and the trend over past
    drills. The page needs no network. The record is signed with the key of the vault's evidence, where the vault can be
    opened; where it cannot, the report says that it is not signed.
    """
    from covenant.cli import reporting

    forms = [form for form, wanted in (("html", html), ("pdf", pdf)) if wanted] or ["html", "pdf"]
    proof = _named(session, id)
    with session.catalog() as catalog:
        missed = [due for name, due in _missed(session, catalog) if name == proof.subject]
    return reporting.report(session, proof, folder, forms, missed)


@command(
    "run",
    "covenant drill run monthly",
    "covenant drill run quarterly --scenario human-error",
    "covenant drill run quarterly media --scenario security-breach --before '2026-11-20 12:00'",
    exits=(0, 1, 2, 3, 10, 11, 12, 30, 31, 130),
    group=drill,
)
@click.argument("level", type=click.Choice(["monthly", "quarterly", "annual"]))
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--scenario", type=click.Choice(_SCENARIOS), help="Act out this disaster.")
@click.option("--before", type=moment, metavar="TIME", help="When the breach began; a day ago by default.")
def run(session: Session, level: str, sources: tuple[str, ...], scenario: str | None, before: datetime | None) -> int:
    """Rehearse recovery now: restore into throw-away folders, ask what was restored, and plant damage in copies.

    A monthly drill restores what is critical, a quarterly one acts out a disaster, an annual one recovers everything;
    with SOURCE, only that. Nothing of the vault and of the live systems is changed. Ends with 0 where all of it
    passed, 1 where something failed or planted damage was missed, and 3 where something could not be verified.
    """
    from covenant.cli import drilling

    return drilling.hold(session, level, sources, scenario, before)
