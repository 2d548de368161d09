"""Restores leave behind how long they took: what a forecast of the next one rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from covenant.catalog.records import RESTORE, Proof
from covenant.prove.restores import Restored, detail_of

if TYPE_CHECKING:
    from datetime import datetime

    from covenant.catalog.catalog import Catalog
    from covenant.settings.values import Source


def note_restore(catalog: Catalog, source: Source, snapshot_id: str, restored: Restored, at: datetime) -> Proof:
    """Remember that a restore of a source ended well, at that moment, and how long it took."""
    proof = Proof(
        subject=source.name,
        kind=RESTORE,
        at=at,
        verdict="passed",
        snapshot_id=snapshot_id,
        detail=detail_of(restored),
        vault=source.vault,
    )
    return catalog.prove(proof)
