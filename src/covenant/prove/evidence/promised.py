"""Drills that were promised, and what became of each promised moment, from the records alone.

The policy in force is a record itself. Between one and the next its schedules say when drills fell due. Such a moment
is answered by a drill of that level, or of a more thorough one, that was held for it or from then on until the next.
One that nothing answers within a day is missed; a drill that comes later still answers it, and is late. A drill of only
some of the sources answers nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from covenant.kernel.policy import Policy
from covenant.kernel.schedule import Schedule, parse_blackout, parse_schedule
from covenant.prove.evidence.verifying import ChainSeen

LEVELS = ("monthly", "quarterly", "annual")
"""The levels of drills; each answers those before it."""

GRACE = timedelta(days=1)
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Moment:
    """A promised drill. ``became`` is ``missed``, ``open`` while it may still come, or the result of what was held.

    ``late`` is how long after the moment it began, where that was more than a day.
    """

    level: str
    due_at: datetime
    became: str
    late: timedelta | None = None

    @property
    def kept(self) -> bool:
        """Whether nobody need ask about it."""
        return self.became in ("passed", "open")


@dataclass(frozen=True, slots=True)
class Held:
    """A drill that was held, as its record says it."""

    level: str
    began_at: datetime
    answers: datetime
    """The moment that it was held for, or when it began where nobody had promised it."""
    result: str


def drills_in(policy: Policy) -> dict[str, dict[str, Any]]:
    """When drills fall due, as a record of the policy says it: by level."""
    return {level: {"what": drill.what, **_written(drill.at.value)} for level, drill in policy.drills.items()}


def _written(schedule: Schedule) -> dict[str, Any]:
    said: dict[str, Any] = {"at": str(schedule), "zone": schedule.zone}
    if schedule.jitter:
        said["jitter"] = int(schedule.jitter.total_seconds())
    if schedule.blackouts:
        said["blackouts"] = [str(blackout) for blackout in schedule.blackouts]
    return said


def moments(chains: Sequence[ChainSeen]) -> tuple[Moment, ...]:
    """Every moment that was promised in these chains, in order, and what became of it."""
    held = sorted(chain.from_iterable(_held(each) for each in chains), key=lambda drill: drill.began_at)
    ends = {str(before.get("chain")): _began(each) for each in chains for before in each.after}
    found = {
        (level, due_at): until
        for each in chains
        for level, due_at, until in _promised(each, ends.get(each.id) or each.sealed_at)
    }
    by_level = {level: sorted(due for name, due in found if name == level) for level in LEVELS}
    return tuple(
        _judged(level, due_at, _next(by_level[level], due_at), until, held)
        for (level, due_at), until in sorted(found.items(), key=lambda item: (item[0][1], LEVELS.index(item[0][0])))
    )


def _promised(seen: ChainSeen, until: datetime | None) -> Iterator[tuple[str, datetime, datetime]]:
    """Level, moment, and until when is known what was done."""
    policies = [(told.at, facts.get("drills")) for told, facts in seen.telling if told.kind == "policy"]
    ends = [at for at, _ in policies[1:]] + ([until] if until else [])
    for (begins, drills), ends_at in zip(policies, ends, strict=False):
        for level, schedule in _schedules(drills):
            moment = schedule.following(begins, level)
            for _ in range(_MOST):
                if moment is None or moment > ends_at:
                    break
                yield level, moment, until or ends_at
                moment = schedule.following(moment, level)


def _schedules(drills: Any) -> Iterator[tuple[str, Schedule]]:
    """What a record of the policy says of drills; what cannot be understood is no promise that can be held against."""
    for level, said in drills.items() if isinstance(drills, dict) else ():
        try:
            schedule = parse_schedule(str(said["at"]))
            blackouts = tuple(parse_blackout(each) for each in said.get("blackouts", ()))
            jitter = timedelta(seconds=said.get("jitter", 0))
            if schedule is not None and level in LEVELS:
                zone = said.get("zone", "UTC")
                yield level, replace(schedule, zone=zone, jitter=jitter, blackouts=blackouts)
        except (ValueError, KeyError, TypeError):
            continue


def _held(seen: ChainSeen) -> Iterator[Held]:
    for told, facts in seen.telling:
        if told.kind == "drill" and facts.get("level") in LEVELS and not facts.get("narrowed"):
            began_at = _moment(facts.get("began_at")) or told.at
            yield Held(facts["level"], began_at, _moment(facts.get("due_at")) or began_at, str(facts.get("result")))


def _judged(level: str, due_at: datetime, following: datetime | None, until: datetime, held: Iterable[Held]) -> Moment:
    thorough = LEVELS[LEVELS.index(level) :]
    answers = [
        drill
        for drill in held
        if drill.level in thorough and due_at <= drill.answers and (following is None or drill.answers < following)
    ]
    if not answers:
        return Moment(level, due_at, "missed" if until - due_at > GRACE or following is not None else "open")
    late = answers[0].began_at - due_at
    return Moment(level, due_at, answers[-1].result, late if late > GRACE else None)


def _next(dues: Sequence[datetime], due_at: datetime) -> datetime | None:
    return next((due for due in dues if due > due_at), None)


def _began(seen: ChainSeen) -> datetime | None:
    return next((told.at for told, _ in seen.telling if told.kind == "began"), None)


def _moment(said: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
