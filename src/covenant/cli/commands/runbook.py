"""``covenant runbook``: what to do when it has happened."""

from __future__ import annotations

from pathlib import Path

import click

from covenant.cli.command import command, family
from covenant.cli.session import Session

runbook = family("runbook", "What to do, step by step, when a disaster has come.")

SCENARIOS = ("data-centre-outage", "database-corruption", "security-breach", "human-error")


@command(
    "show",
    "covenant runbook show database-corruption",
    "covenant runbook show data-centre-outage --pdf -o data-centre-outage.pdf",
    exits=(0, 2, 21, 24, 30, 31),
    group=runbook,
)
@click.argument("scenario", type=click.Choice(SCENARIOS))
@click.option("--html", "form", flag_value="html", help="As a page for a browser.")
@click.option("--pdf", "form", flag_value="pdf", help="As a document for paper.")
@click.option(
    "-o", "--output", "path", type=click.Path(path_type=Path), metavar="FILE", help="Write it into this file."
)
def show(session: Session, scenario: str, form: str | None, path: Path | None) -> None:
    """Show what to do in SCENARIO, written from this covenant.toml: its sources, regions and people, with commands that
    can be typed as they stand, and how long each step took in past drills.

    Print it, and keep it where the disaster does not reach it.
    """
    from covenant.cli import runbooks

    runbooks.show(session, scenario, form, path)
