"""Leaving the report of a drill that nobody asked for by hand: in the folder that ``[drills]`` names, signed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from covenant.bootstrap.reporting import FORMS, report_files, write_files
from covenant.catalog.records import DRILL, Outcome
from covenant.kernel.errors import CovenantError
from covenant.loop.promised import drill_subject, promised_since
from covenant.prove.evidence.keeping import signers
from covenant.prove.missed import answering, held_at, missed
from covenant.prove.report.past import read_past
from covenant.prove.telling import to_json

if TYPE_CHECKING:
    from covenant.bootstrap.drilling import Company
    from covenant.catalog.catalog import Catalog
    from covenant.kernel.policy import Policy
    from covenant.prove.record import DrillRecord

PAST = 10_000
"""How many past drills a trend looks back upon."""
_ALL = 1_000_000


def missed_drills(catalog: Catalog, policy: Policy, now: datetime) -> Iterator[tuple[str, datetime]]:
    """The drills of the policy that were due and not held, level by level, the oldest first."""
    since = promised_since(catalog)
    for name, promised in policy.drills.items():
        begins = since.get(drill_subject(name))
        if begins is not None:
            proofs = (
                proof for level in answering(name) for proof in catalog.proofs(kind=DRILL, subject=level, most=_ALL)
            )
            held = [moment for proof in proofs if (moment := held_at(proof.detail)) is not None]
            for due in missed(promised.at.value, name, begins, held, now):
                yield name, due


def leave_report(company: Company, record: DrillRecord, came_to: Outcome) -> Outcome:
    """Write the report, where a folder is named; what could not be written is told in what the drill came to."""
    folder = company.settings.drills.reports
    if folder is None:
        return came_to
    try:
        _write(company, record)
    except CovenantError as error:
        told = f"its report was not written: {error.message}"
        message = f"{came_to.message}; {told}" if came_to.message else told
        return replace(came_to, findings=came_to.findings + 1, message=message, hint=came_to.hint or error.hint)
    return came_to


def _write(company: Company, record: DrillRecord) -> None:
    catalog, folder = company.catalog, company.settings.drills.reports
    assert folder is not None  # whoever calls has looked
    past = [read_past(proof.detail) for proof in catalog.proofs(kind=DRILL, subject=record.level, most=PAST)]
    lacking = missed_drills(catalog, company.policy, company.clock.now())
    vault = record.sources[0].vault if record.sources else next(iter(company.settings.vaults), "")
    found, _ = signers(company.opened(vault).vault)
    due = [moment for level, moment in lacking if level == record.level]
    write_files(folder, report_files(to_json(record), past, FORMS, found[0] if found else None, due))
