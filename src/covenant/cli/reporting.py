"""Writing the report of a drill, and saying where it lies."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.cli import exits
from covenant.cli.output import as_dicts
from covenant.cli.session import Session
from covenant.kernel.errors import CovenantError
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.catalog.records import Proof
    from covenant.prove.evidence.signing import Signer


def report(session: Session, proof: Proof, folder: Path, forms: Collection[str], missed: Collection[datetime]) -> int:
    """Write the files, and tell them; returns the exit code."""
    from covenant.bootstrap.leaving import PAST
    from covenant.bootstrap.reporting import report_files, write_files
    from covenant.catalog.records import DRILL
    from covenant.prove.report.past import read_past
    from covenant.prove.telling import from_json

    with session.catalog() as catalog:
        past = catalog.proofs(kind=DRILL, subject=proof.subject, most=PAST)
    signer, findings = _signer(session, proof)
    files = report_files(proof.detail, (read_past(each.detail) for each in past), forms, signer, missed)
    written = write_files(folder, files)
    for path in written:
        session.output.result(str(path))
    session.output.findings(findings)
    session.output.document(
        {
            "drill": from_json(proof.detail).id,
            "signed_by": signer.public if signer else None,
            "files": [str(path) for path in written],
            "findings": as_dicts(findings),
        }
    )
    return exits.FINDINGS if findings else exits.DONE


def _signer(session: Session, proof: Proof) -> tuple[Signer | None, list[Finding]]:
    """The key of the evidence of the vault that the drill is recorded in; without it the report says it is unsigned."""
    from covenant.prove.evidence.keeping import signers

    try:
        with session.opened(place=session.place_named(proof.vault)) as opened:
            found, findings = signers(opened.vault)
    except CovenantError as error:
        found, findings = [], [Finding("not-signed", "the report", f"is not signed: {error.message}", error.hint)]
    if not (found or findings):
        hint = "The vault has no evidence yet: hold a drill, or let 'covenant run' do it, and report again."
        findings = [Finding("not-signed", "the report", "is not signed: the vault has no key for it", hint)]
    return (found[0] if found else None), findings
