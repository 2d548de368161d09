"""Since when each source is promised: noted in the journal when the loop first sees it, so that a backup that never
came is broken at the right moment and not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from covenant.catalog.catalog import Catalog
from covenant.catalog.records import Entry
from covenant.kernel.policy import Policy

KIND = "promised"
_ALL = 1_000_000


def promised_since(catalog: Catalog) -> Mapping[str, datetime]:
    """When each source was first seen in the policy."""
    return {entry.subject: entry.at for entry in catalog.journal(kind=KIND, most=_ALL)}  # the oldest comes last


def drill_subject(level: str) -> str:
    """Whom the journal names where a drill is promised; no source can have a name with a blank in it."""
    return f"drill {level}"


def note_promises(catalog: Catalog, policy: Policy, actor: str, now: datetime) -> None:
    """Note the sources and drills that were not there before."""
    known = promised_since(catalog)
    for promised in policy.sources.values():
        if promised.covered and promised.source not in known:
            text = f"class {promised.data_class}, kept in vault {promised.vault}"
            catalog.note(
                Entry(at=now, kind=KIND, subject=promised.source, actor=actor, text=text, vault=promised.vault)
            )
    for drill in policy.drills.values():
        if drill_subject(drill.level) not in known:
            text = f"a {drill.what}, due at {drill.at.value}"
            catalog.note(Entry(at=now, kind=KIND, subject=drill_subject(drill.level), actor=actor, text=text))
