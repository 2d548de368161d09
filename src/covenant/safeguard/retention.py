"""Which snapshots a policy keeps and which it lets go: the decision only, nothing is touched.

The rules mean what they mean in restic 0.14, and the tests hold them against that program. We differ in four places,
always towards keeping more:

- A policy without a rule is an error. (restic does nothing then; forgetting everything is what it must never mean.)
- A count of -1 keeps all, as in newer restic; 0.14 takes it for "keep none" and would forget them.
- The newest snapshot of a group stays even where no rule keeps it, unless ``Keep.newest`` is turned off.
- A snapshot dated after ``at`` is not judged at all.

Why the last: clocks are set wrong. A snapshot dated in 2036 would be the newest of its group for ten years. It would
use up an hour, a day, a week, a month and a year of every count, and ``within`` would measure from 2036, so that
everything real looks ten years old. So it is kept, uses up nothing, is never the newest, and a finding names it. If
instead the clock of *this* machine was set back, everything younger than it looks dated in the future: then it is
kept, and of the rest at most as much goes as went at that earlier moment. Both ways the error costs room, not
snapshots.

What no pure decision can see is a clock that runs ahead now, with a snapshot taken under it: then the wrong date and
``at`` agree. Whoever calls should give the earliest of the clocks that can be asked (this machine's, the store's):
an earlier ``at`` keeps the same or more. (Spans in months may move by the few days that a short month lacks, see
``covenant.kernel.calendar``.)
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from covenant.kernel.errors import UsageError
from covenant.kernel.findings import Finding
from covenant.kernel.keep import UNLIMITED, UNTAGGED, Keep
from covenant.safeguard import grouping
from covenant.safeguard.grouping import BY_HOST_AND_PATHS, C, Candidate
from covenant.safeguard.retention_plan import Kept, RetentionPlan
from covenant.safeguard.rules import Reason, rules

__all__ = ["UNLIMITED", "UNTAGGED", "Candidate", "Keep", "Kept", "Reason", "RetentionPlan", "plan"]

NEWEST = Reason("newest", "newest of its group")


def plan(
    candidates: Iterable[C], keep: Keep, at: datetime, group_by: Iterable[str] = BY_HOST_AND_PATHS
) -> RetentionPlan[C]:
    """Decide over all candidates at the moment ``at``.

    ``group_by`` is any of ``host``, ``paths`` and ``tags``; with none of them all snapshots form one group. Raises
    ``UsageError`` for a moment without a zone and for an unknown axis.
    """
    _refuse_naive(at, "the moment of the decision")
    by = grouping.normalised(group_by)
    distinct = {candidate.id: candidate for candidate in candidates}
    for candidate in distinct.values():
        _refuse_naive(candidate.time, f"the time of snapshot {candidate.id}")
    judged = [kept for group in grouping.groups(distinct.values(), by) for kept in _judged(group, keep, at)]
    return RetentionPlan(
        at=at,
        policy=str(keep),
        keep=tuple(kept for kept in judged if kept.reasons),
        forget=tuple(kept.candidate for kept in judged if not kept.reasons),
        findings=tuple(_misdated(kept.candidate, at) for kept in judged if kept.candidate.time > at),
    )


def _judged(group: list[C], keep: Keep, at: datetime) -> list[Kept[C]]:
    """Every snapshot of one group, newest first, with its reasons; without any it goes."""
    future = [candidate for candidate in group if candidate.time > at]
    present = group[len(future) :]
    unjudged = [Kept(candidate, (_from_the_future(at),)) for candidate in future]
    if not present:
        return unjudged
    in_force = rules(keep, present[0].time)
    judged = [Kept(one, tuple(why for rule in in_force if (why := rule.reason(one)) is not None)) for one in present]
    if keep.newest and not judged[0].reasons:
        judged[0] = Kept(present[0], (NEWEST,))
    return unjudged + judged


def _from_the_future(at: datetime) -> Reason:
    return Reason("future", f"dated after {at:%Y-%m-%d %H:%M}, so not judged and not counted")


def _misdated(candidate: Candidate, at: datetime) -> Finding:
    return Finding(
        kind="snapshot-from-the-future",
        subject=candidate.id,
        message=f"dated {candidate.time.isoformat()}, which is after {at.isoformat()}; kept and not counted",
        hint=f"Compare this machine's clock with that of '{candidate.hostname}'; name the snapshot to forget it.",
    )


def _refuse_naive(moment: datetime, what: str) -> None:
    if moment.utcoffset() is None:
        raise UsageError(f"{what} has no zone", "Give an instant with its offset from UTC.")
