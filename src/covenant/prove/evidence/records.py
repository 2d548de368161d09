"""What is written down as evidence, and in which words: made from what the catalog holds of weight.

The catalog's runs, proofs and lines of the journal are durable before anything is told of them, and each has a ``uid``
that is its name everywhere. So a record is made from a row whenever it is asked for, and the same row never twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from covenant.catalog import chronicle
from covenant.catalog.records import DRILL, RESTORE, Entry, Proof, Run, scope_of

KINDS = (
    "began", "policy", "backup", "verification", "drill", "restore", "approval", "deletion", "key", "run", "note",
)  # fmt: skip
"""What a record can tell. ``run`` is any other work on a vault, ``note`` whatever else was put into the journal."""

_OF_RUNS = {"check": "verification", "verify": "verification", "forget": "deletion", "prune": "deletion"}
_OF_ENTRIES = {
    "snapshot-kept": "backup",
    "snapshot-gone": "deletion",
    "forget": "deletion",
    "prune": "deletion",
    "restored": "restore",
    "key-remove": "key",
    "kit-made": "key",
    "kit-verified": "verification",
    "key-passwd": "key",
    "key-added": "key",
    "key-removed": "key",
}


OURS = frozenset({*KINDS, *_OF_ENTRIES, "promised"} - {"approval", "note"})
"""What the program notes itself; nobody else notes anything under these words."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. ``actor`` is who did it, ``""`` where nobody knows; ``facts`` differ by kind."""

    at: datetime
    kind: str
    subject: str
    actor: str = ""
    uid: str = ""
    facts: dict[str, Any] = {}

    def body(self) -> bytes:
        """The record as it is chained."""
        return msgspec.json.encode(self)


def records_in(page: bytes) -> list[Record]:
    """The records of what a page of the journal tells, in the order of their moments. Raises ``DamageError``."""
    runs, proofs, entries = chronicle.records_in(page)
    found = [*map(of_run, runs), *map(of_proof, proofs), *map(of_entry, entries)]
    return sorted(found, key=lambda record: (record.at, record.uid))


def of_run(run: Run) -> Record:
    """The record of a run that ended."""
    scope = scope_of(run.kind)
    facts = {
        "what": run.kind,
        "state": str(run.state),
        "reason": run.reason,
        "due_at": run.due_at,
        "started_at": run.started_at,
        "snapshot": run.snapshot_id,
        "tally": dict(run.tally),
        "findings": run.findings,
        "message": run.message,
    }
    kind = "backup" if scope == "source" else "run"
    return _record(
        run.ended_at or run.started_at, _OF_RUNS.get(run.kind, kind), run.subject, run.holder, run.uid, facts
    )


def of_proof(proof: Proof) -> Record:
    """The record of a proof. That of a drill has the whole of what it came to."""
    facts: dict[str, Any] = {"what": proof.kind, "result": proof.verdict, "snapshot": proof.snapshot_id}
    if proof.kind != DRILL:
        kind = "restore" if proof.kind == RESTORE else "verification"
        facts["detail"] = _told(proof.detail) or proof.detail
        return _record(proof.at, kind, proof.subject, "", proof.uid, facts)
    told = _told(proof.detail).get("drill")
    drill = told if isinstance(told, dict) else {}
    asked = {name: drill.get(name) for name in ("due_at", "began_at", "scenario", "narrowed")}
    facts |= {"level": proof.subject, **asked, "record": drill or proof.detail}
    return _record(proof.at, "drill", proof.subject, str(drill.get("by") or ""), proof.uid, facts)


def of_entry(entry: Entry) -> Record:
    """The record of a line of the journal. A text that is a JSON object is taken for facts."""
    kind = _OF_ENTRIES.get(entry.kind, entry.kind if entry.kind in KINDS else "note")
    facts = {"what": entry.kind, **(_told(entry.text) or {"text": entry.text})}
    return _record(entry.at, kind, entry.subject, entry.actor, entry.uid, facts)


def _record(at: datetime, kind: str, subject: str, actor: str, uid: str, facts: dict[str, Any]) -> Record:
    said = {name: value for name, value in facts.items() if value not in (None, "", {}, 0)}
    return Record(at=at, kind=kind, subject=subject, actor=actor, uid=uid, facts=said)


def _told(text: str) -> dict[str, Any]:
    """The object that a text is, or nothing."""
    if not text.startswith("{"):
        return {}
    try:
        told = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return {}
    return told if isinstance(told, dict) else {}
