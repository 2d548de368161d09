"""``covenant doctor``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from covenant.cli import exits
from covenant.cli.command import command
from covenant.cli.session import Session
from covenant.kernel.errors import CovenantError, UsageError

if TYPE_CHECKING:
    from covenant.kernel.checkup import Checkup
    from covenant.settings.values import Source


@command("doctor", "covenant doctor", "covenant doctor accounts --json", exits=(0, 1, 2, 23))
@click.argument("sources", nargs=-1)
def doctor(session: Session, sources: tuple[str, ...]) -> int:
    """Say how well sources can be kept, and how to mend what is missing; all of them where none is named.

    Everything is tried live, and nothing that stays is changed. A PostgreSQL server has three grades: 'physical' (base
    backups and the log), 'logical' and 'dump'. For each it is said what it lacks, and how much may be lost with it.
    Ends with 1 where there is something to be done.
    """
    from covenant.bootstrap.examining import examine

    found: list[Checkup] = []
    failed: dict[str, CovenantError] = {}
    for source in _meant(session, sources):
        try:
            found.append(examine(source, session.clock, session.environment.variables))
        except CovenantError as reason:
            failed[source.name] = reason
    for checkup in found:
        _show(session, checkup)
    for name, error in failed.items():
        session.output.note(f"{name}: {error.message}\n  HINT: {error.hint}")
    session.output.document(
        {
            "sources": [
                {**asdict(each), "grade": each.grade.name if each.grade else None, "sound": each.sound}
                for each in found
            ],
            "failed": [
                {"source": name, "message": error.message, "hint": error.hint} for name, error in failed.items()
            ],
        }
    )
    if failed:
        return max(exits.code_of(error) for error in failed.values())
    return exits.DONE if all(each.sound for each in found) else exits.FINDINGS


def _meant(session: Session, names: tuple[str, ...]) -> list[Source]:
    known = session.required_settings().sources
    for name in names:
        if name not in known:
            raise UsageError(f"there is no source '{name}'", f"In {session.config_path} there are: {', '.join(known)}.")
    return [known[name] for name in names or known]


def _show(session: Session, checkup: Checkup) -> None:
    output, best = session.output, checkup.grade
    output.say(f"{checkup.source} ({checkup.kind}): {best.name if best else 'cannot be kept by this version'}")
    output.table(
        ("Grade", "Holds", "May be lost", "Why not"),
        [
            (grade.name, _holds(grade.holds, grade.covered), grade.rpo, grade.why or ("" if grade.covered else _LATER))
            for grade in checkup.grades
        ],
    )
    output.table(
        ("Looked at", "Verdict", "Seen"),
        [(check.subject, str(check.verdict), check.detail) for check in checkup.checks],
    )
    for check in checkup.checks:
        if check.fix:
            output.say(f"{check.subject}: {check.fix}")


_LATER = "possible, and not carried out by this version"


def _holds(holds: bool, covered: bool) -> str:
    return "no" if not holds else "yes" if covered else "possible"
