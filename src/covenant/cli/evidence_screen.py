"""What is shown of evidence: what verifying came to, what became of promised drills, and what a vault keeps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from covenant.cli import formats
from covenant.kernel.errors import DamageError

if TYPE_CHECKING:
    from covenant.cli.output import Output
    from covenant.prove.evidence.keeping import KeptEvidence
    from covenant.prove.evidence.promised import Moment
    from covenant.prove.evidence.verifying import ChainSeen, Verdict

NOT_WHOLE = DamageError
"""Whose exit code says that a chain is not as it was signed."""


def show_verdict(output: Output, verdict: Verdict, drills: Sequence[Moment], against: bool) -> None:
    """What came of verifying, ``against`` checkpoints that were kept elsewhere or without any."""
    for flaw in verdict.flaws:
        output.result(f"line {flaw.line}: {flaw.message} [{flaw.kind}]")
    if verdict.uncounted:
        output.result(f"and {verdict.uncounted:,} more")
    for chain in verdict.chains:
        output.result(_chain_line(chain))
    for drill in drills:
        if not drill.kept or drill.late:
            output.result(_drill_line(drill))
    output.result(_summary(verdict, drills))
    if verdict.whole and not against:
        output.say("whether later records were cut off cannot be said without a '--checkpoint' kept elsewhere")
    output.document(_document(verdict, drills))


def _chain_line(chain: ChainSeen) -> str:
    sealed = f", sealed {formats.local(chain.sealed_at)}" if chain.sealed_at else ""
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(chain.kinds.items()))
    return f"chain {chain.id[:16]}: records {chain.first:,} to {chain.head.length:,}{sealed} ({kinds})"


def _drill_line(drill: Moment) -> str:
    late = f", {formats.age(drill.late)} late" if drill.late else ""
    return f"{drill.level} drill due {formats.local(drill.due_at)}: {drill.became}{late}"


def _summary(verdict: Verdict, drills: Sequence[Moment]) -> str:
    whole = "whole" if verdict.whole else f"NOT WHOLE, {formats.counted(len(verdict.flaws), 'flaw')}"
    missed = sum(drill.became == "missed" for drill in drills)
    return f"{formats.counted(verdict.records, 'record')}: {whole}; {len(drills)} drills promised, {missed} missed"


def _document(verdict: Verdict, drills: Sequence[Moment]) -> dict[str, Any]:
    return {
        "whole": verdict.whole,
        "records": verdict.records,
        "flaws": [asdict(flaw) for flaw in verdict.flaws],
        "more_flaws": verdict.uncounted,
        "chains": [
            {
                "id": chain.id,
                "first": chain.first,
                "length": chain.head.length,
                "head": chain.head.hash,
                "sealed_at": chain.sealed_at,
                "key": chain.key,
                "kinds": dict(chain.kinds),
            }
            for chain in verdict.chains
        ],
        "drills": [asdict(drill) for drill in drills],
    }


def show_kept(output: Output, kept: KeptEvidence, kind: str | None, limit: int) -> None:
    """The chains of a vault, and their last records of a kind."""
    records = []
    for chain in kept.chains.values():
        point = json.loads(chain.checkpoints[chain.length])["checkpoint"]
        output.say(f"chain {chain.id[:16]}: {formats.counted(chain.length, 'record')}, sealed {point['at'][:19]}")
        told = (json.loads(chain.records[number]) for number in sorted(chain.records, reverse=True))
        records += [each for _, each in zip(range(limit), (r for r in told if kind in (None, r["kind"])), strict=False)]
    records.sort(key=lambda record: str(record["at"]), reverse=True)
    output.table(("No", "At", "Kind", "Subject", "By", "Facts"), map(_row, records[:limit]), right=(0,))
    chains = [{"id": chain.id, "length": chain.length} for chain in kept.chains.values()]
    output.document({"chains": chains, "records": records[:limit]})


def _row(record: dict[str, Any]) -> tuple[str, ...]:
    facts = ", ".join(f"{name} {_short(value)}" for name, value in record["facts"].items())
    return (str(record["n"]), record["at"][:19], record["kind"], record["subject"], record["actor"], facts[:100])


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return f"{text[:12]}…" if len(text) > 40 else text
