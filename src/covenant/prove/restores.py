"""Restores that were measured, as the catalog keeps them: the detail of a proof of kind ``restore``, as JSON.

    {"version": 1, "seconds": 12.5, "bytes": 1048576, "files": 17, "whole": true}

``whole`` says that it was everything of the source, none of it there already. A drill tells of the restores in it in
its own record (``telling``). What is no such text was not measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from covenant.catalog.records import DRILL, RESTORE, Proof
from covenant.kernel.errors import DamageError
from covenant.prove.objectives import Measurement
from covenant.prove.record import DrillRecord, Scenario
from covenant.prove.telling import from_json

_VERSION = 1
_RECOVERING = frozenset({"restore", "replay", "validate"})
"""The steps of a drill that a real recovery takes, too."""


class Restored(msgspec.Struct, frozen=True):
    """What a restore came to."""

    seconds: float
    bytes: int
    files: int = 0
    whole: bool = True
    version: int = _VERSION


def detail_of(restored: Restored) -> str:
    """The detail of its proof."""
    return msgspec.json.encode(restored).decode()


def measured(proofs: Iterable[Proof]) -> dict[str, list[Measurement]]:
    """What restores and drills took, by source. One that failed, or that came to nothing, measured nothing."""
    found: dict[str, list[Measurement]] = defaultdict(list)
    for proof in proofs:
        for each in _of_drill(proof) if proof.kind == DRILL else _of_restore(proof):
            found[each.source].append(each)
    return dict(found)


def _of_restore(proof: Proof) -> Iterator[Measurement]:
    try:
        restored = msgspec.json.decode(proof.detail, type=Restored)
    except msgspec.MsgspecError:
        return
    if proof.kind == RESTORE and proof.verdict == "passed" and restored.version == _VERSION:
        yield Measurement(
            source=proof.subject, at=proof.at, seconds=restored.seconds, bytes=restored.bytes, whole=restored.whole
        )


def _of_drill(proof: Proof) -> Iterator[Measurement]:
    """The restores of a drill: also of one that failed, if it did so for another reason than the restore.

    A source's RTO in a drill counts from the beginning of the whole; here only its own steps do. After a human error
    one small file is brought back, which says nothing of how long all of them take.
    """
    try:
        record: DrillRecord = from_json(proof.detail)
    except DamageError:
        return
    for each in record.sources if record.scenario is not Scenario.HUMAN_ERROR else ():
        if each.rto.reached is not None and not each.why_not and each.bytes:
            own = sum(step.seconds for step in each.steps if step.name in _RECOVERING)
            seconds = own or each.rto.reached.total_seconds()
            yield Measurement(source=each.source, at=record.ended_at, seconds=seconds, bytes=each.bytes, how="drill")
