"""A runbook on the terminal, as JSON, or in a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.cli.session import Session
from covenant.kernel.errors import CatalogError, TargetError
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.bootstrap.runbooks import Rehearsed
    from covenant.kernel.policy import Policy
    from covenant.respond.runbook.runbook import Runbook


def show(session: Session, scenario: str, form: str | None, path: Path | None) -> None:
    """Show the runbook of a scenario, or write it."""
    runbook = written(session, scenario)
    if path is None and form is None:
        from covenant.respond.runbook.text import lines

        for line in lines(runbook):
            session.output.result(line)
        session.output.document(asdict(runbook))
        return
    content = _content(runbook, form or (path.suffix[1:] if path else ""))
    if path is None:
        session.output.binary().write(content)
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise TargetError(f"{path} cannot be written: {error.strerror or error}", "Name another file.") from error
    session.output.say(f"wrote {path}")
    session.output.document({"scenario": scenario, "file": str(path)})


def written(session: Session, scenario: str) -> Runbook:
    """The runbook of a scenario, from what holds and what was rehearsed."""
    from covenant.bootstrap.runbooks import ground
    from covenant.prove.record import Scenario
    from covenant.respond.runbook.writing import runbook
    from covenant.settings.policy import policy_of

    settings, now = session.required_settings(), session.clock.now()
    policy = policy_of(settings)
    return runbook(Scenario(scenario), ground(settings, policy, _rehearsed(session, policy), now))


def _rehearsed(session: Session, policy: Policy) -> Rehearsed:
    """What is known of past drills. In a disaster the catalog may be gone; the runbook is there all the same."""
    from covenant.bootstrap.runbooks import Rehearsed, rehearsed

    try:
        with session.catalog() as catalog:
            return rehearsed(catalog, policy, session.clock.now())
    except CatalogError as error:
        hint = "How long each step took in drills is not known without it."
        session.output.findings([Finding("catalog-not-read", "catalog", error.message, hint)])
        return Rehearsed()


def _content(runbook: Runbook, form: str) -> bytes:
    if form == "pdf":
        from covenant.respond.runbook.pdf import runbook_pdf

        return runbook_pdf(runbook)
    if form == "html":
        from covenant.respond.runbook.html import runbook_html

        return runbook_html(runbook).encode()
    from covenant.respond.runbook.text import lines

    return ("\n".join(lines(runbook)) + "\n").encode()
