"""What may not be let go, whatever the rules of retention say, and why: an explicit reason for each snapshot.

- The newest snapshot of a source, and the newest whole one (full or archive): the next differential builds on it.
- What bears a hold, ``covenant:hold=<why>``: a word that it may not go.
- What belongs to a recovery point, ``covenant:point=<name>``, as long as any snapshot of that point is kept by a rule:
  a database without the media of the same moment is half of nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from covenant.safeguard.forget import ForgetPlan, Judged
from covenant.safeguard.rules import Reason
from covenant.vault.snapshot import LOG, Snapshot

HOLD_TAG = "covenant:hold="
POINT_TAG = "covenant:point="
WHOLE = ("full", "archive")


def protected(plans: Sequence[ForgetPlan]) -> list[ForgetPlan]:
    """The same plans, one for each source, but for what may not go."""
    sure = [_with(plan, _own_reasons(plan)) for plan in plans]
    points = {point for plan in sure for judged in plan.keep for point in _tagged(judged.snapshot, POINT_TAG)}
    return [_with(plan, _point_reasons(plan, points)) for plan in sure]


def _own_reasons(plan: ForgetPlan) -> Iterator[tuple[str, Reason]]:
    judged_now = (judged.snapshot for judged in (*plan.keep, *plan.forget) if judged.snapshot.time <= plan.at)
    everything = [snapshot for snapshot in judged_now if snapshot.kind != LOG]
    newest = _newest(everything)
    if newest is not None:
        yield newest.id, Reason("newest", "the newest of its source")
    base = _newest(each for each in everything if each.kind in WHOLE)
    if base is not None:
        yield base.id, Reason("chain", "the next differential builds on it")
    for judged in plan.forget:
        for why in _tagged(judged.snapshot, HOLD_TAG):
            yield judged.snapshot.id, Reason("hold", f"held: {why}")


def _point_reasons(plan: ForgetPlan, points: set[str]) -> Iterator[tuple[str, Reason]]:
    for judged in plan.forget:
        for point in _tagged(judged.snapshot, POINT_TAG):
            if point in points:
                yield judged.snapshot.id, Reason("point", f"belongs to recovery point {point}")


def _with(plan: ForgetPlan, reasons: Iterable[tuple[str, Reason]]) -> ForgetPlan:
    """The plan, in which what has a reason stays."""
    why: dict[str, list[Reason]] = {}
    for snapshot_id, reason in reasons:
        why.setdefault(snapshot_id, []).append(reason)
    saved = [Judged(gone.snapshot, tuple(why[gone.snapshot.id])) for gone in plan.forget if gone.snapshot.id in why]
    if not saved:
        return plan
    gone = tuple(judged for judged in plan.forget if judged.snapshot.id not in why)
    return replace(plan, keep=(*plan.keep, *saved), forget=gone)


def _newest(snapshots: Iterable[Snapshot]) -> Snapshot | None:
    return max(snapshots, key=lambda each: (each.time, each.id), default=None)


def _tagged(snapshot: Snapshot, prefix: str) -> list[str]:
    return [tag.removeprefix(prefix) for tag in snapshot.tags if tag.startswith(prefix)]
