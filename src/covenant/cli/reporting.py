"""Writing the report of a drill, and saying where it lies."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.cli.session import Session

if TYPE_CHECKING:
    from covenant.catalog.records import Proof

PAST = 10_000
"""How many past drills the trend looks back upon."""


def report(session: Session, proof: Proof, folder: Path, forms: Collection[str]) -> None:
    """Write the files, and tell them."""
    from covenant.bootstrap.reporting import report_files, write_files
    from covenant.catalog.records import DRILL
    from covenant.prove.telling import from_json

    with session.catalog() as catalog:
        past = catalog.proofs(kind=DRILL, subject=proof.subject, most=PAST)
    files = report_files(proof.detail, (from_json(each.detail) for each in past), forms, None)
    written = write_files(folder, files)
    for path in written:
        session.output.result(str(path))
    session.output.document({"drill": from_json(proof.detail).id, "files": [str(path) for path in written]})
