"""What is due now: what was promised, compared with what was done. No timer, and no memory of its own.

A moment is *answered* by a good run of its kind, or of a more thorough one, that was due or began at that moment or
later. Of all that a source missed only the latest moment of each kind counts, and the most thorough kind answers the
others; so an outage of a week is caught up with by one run, a restart changes nothing, and a second look at the same
past finds the same.

Clocks are set wrong. What is dated after ``now`` answers nothing, or a run made in 2036 would answer for ten years;
and a pause after a failure that seems to lie ahead is not waited for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from covenant.catalog.history import DrillHistory, History, Past, SourceHistory, VaultHistory
from covenant.catalog.records import DRILL, Proof, Run, State
from covenant.kernel.policy import DrillPolicy, Policy, SourcePolicy, Stated, VaultPolicy
from covenant.kernel.schedule import Schedule
from covenant.loop.promised import drill_subject
from covenant.prove.missed import answering, held_at

THOROUGH = ("archive", "full", "differential", "incremental", "log")
"""Each kind answers those that follow it."""

CHORES = ("sync", "lock", "forget", "prune", "check", "verify")
"""The chores of a vault in the order in which they go, where several are due."""

EXCLUSIVE = frozenset({"forget", "prune", "sync"})
"""What needs a vault for itself: to take away, or to count, for what is on its way is nowhere yet."""

SPARE = frozenset({"verify"})
"""What is done in spare time: it makes way for whatever else falls due, and goes on afterwards where it was."""

_AFTER_ALL_SOURCES = 1000
_AFTER_ALL_CHORES = 1001
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One thing to be done: ``kind`` of ``subject``, for the moment ``due_at``.

    ``deadline`` is when a promise is broken if it is not done; ``priority`` that of its class, 1 first.
    """

    subject: str
    vault: str
    kind: str
    due_at: datetime
    deadline: datetime
    priority: int
    reason: str

    @property
    def exclusive(self) -> bool:
        """Whether it needs the vault for itself."""
        return self.kind in EXCLUSIVE

    @property
    def spare(self) -> bool:
        """Whether it is done in spare time."""
        return self.kind in SPARE

    @property
    def chore(self) -> bool:
        """Whether it is done to a vault, and not to a source."""
        return self.kind in CHORES

    @property
    def drill(self) -> bool:
        """Whether it is a drill, whose subject is its level, and which reads whichever vaults it needs."""
        return self.kind == DRILL


def due(
    policy: Policy, history: History, now: datetime, since: Mapping[str, datetime] | None = None
) -> tuple[Due, ...]:
    """Everything that may begin now: at most one for each source, vault and level of drills, the most urgent first.

    ``since`` says since when things are promised: a drill is not owed for a moment from before that.
    """
    busy = {
        promised.vault for promised in policy.sources.values() if history.source(promised.source).running is not None
    }
    found = [
        *(_of_source(each, history.source(each.source), now) for each in policy.sources.values()),
        *(_of_vault(each, history.vault(each.vault), now, each.vault in busy) for each in policy.vaults.values()),
        *(_of_drill(each, history, now, since or {}) for each in policy.drills.values()),
    ]
    present = (each for each in found if each is not None)
    return tuple(sorted(present, key=lambda each: (each.spare, each.priority, each.deadline, each.subject, each.kind)))


# -- sources ----------------------------------------------------------------------------------------------------------


def moments(promised: SourcePolicy, now: datetime) -> Mapping[str, datetime]:
    """The latest moment of each kind of backup, the most thorough first.

    Where the change log is followed as it grows, no moment of it is waited for; where it is not, a ``log`` is an
    incremental backup.
    """
    found: dict[str, datetime] = {}
    for kind in THOROUGH:
        stated = promised.schedules.get(kind)  # type: ignore[call-overload]
        if stated is None or (kind == "log" and promised.followed):
            continue
        moment = stated.value.latest(now, promised.source)
        name = "incremental" if kind == "log" else kind
        if moment is not None:
            found[name] = max(moment, found.get(name, moment))
    return found


def answered(past: SourceHistory, kind: str, moment: datetime, now: datetime) -> bool:
    """Whether a good run or a snapshot of this kind, or of a more thorough one, answers the moment."""
    for each in THOROUGH[: THOROUGH.index(kind) + 1]:
        kept, run = past.kinds.get(each), past.past.get(each, _NOTHING).good
        if (kept is not None and moment <= kept.time <= now) or (run is not None and _answers(run, moment, now)):
            return True
    return False


def _of_source(promised: SourcePolicy, past: SourceHistory, now: datetime) -> Due | None:
    if not promised.covered or past.running is not None:
        return None
    owed = {kind: moment for kind, moment in moments(promised, now).items() if not answered(past, kind, moment, now)}
    gap = gap_since(past)
    if gap is not None and gap.at <= now:
        owed = {"full": max(gap.at, owed.get("full", gap.at)), **owed}  # only a new beginning leads on from here
    held_since: datetime | None = None
    for kind, moment in owed.items():
        tried = past.past.get(kind, _NOTHING)
        if held_since is not None and moment <= held_since:
            continue  # what just failed would have answered this moment too
        breaks_at = breaks(promised, past, moment, now)
        if _pausing(tried, breaks_at, now):
            held_since = tried.failed.started_at if tried.failed else now
            continue
        return Due(
            subject=promised.source,
            vault=promised.vault,
            kind=kind,
            due_at=moment,
            deadline=breaks_at,
            priority=promised.priority.value,
            reason=_reason(promised, kind, moment, owed, tried),
        )
    return None


def gap_since(past: SourceHistory) -> Proof | None:
    """The gap of the change log behind which no backup was begun yet, ``None`` where the log is whole."""
    proof = past.proofs.get("log")
    if proof is None or proof.verdict != "failed":
        return None
    begun = [kept.time for kind, kept in past.kinds.items() if kind != "log"]
    return None if any(time >= proof.at for time in begun) else proof


def breaks(promised: SourcePolicy, past: SourceHistory, moment: datetime, now: datetime) -> datetime:
    """When the RPO is broken unless a backup comes: counted from the newest snapshot, or from the first due moment."""
    newest = newest_before(past, now)
    return (newest if newest is not None else moment) + promised.rpo.value


def newest_before(past: SourceHistory, now: datetime) -> datetime | None:
    """The time of the newest snapshot that is not dated in the future.

    A piece of the change log counts where a backup is there that it leads on from.
    """
    kept = [each for each in (past.newest, *past.kinds.values()) if each is not None and each.time <= now]
    states = [each.time for each in kept if each.kind != "log"]
    if not states:
        return None
    return max(states if gap_since(past) else [each.time for each in kept])


def _reason(promised: SourcePolicy, kind: str, moment: datetime, owed: Mapping[str, datetime], tried: Past) -> str:
    said = [f"{kind} due since {moment:%Y-%m-%d %H:%M}"]
    also = [other for other in owed if other != kind]
    if also:
        said.append(f"answers {' and '.join(also)} too")
    if kind == "incremental" and "log" in promised.schedules and not promised.followed:
        said.append("in place of a change log")
    return ", ".join(said) + _again(tried)


# -- vaults -----------------------------------------------------------------------------------------------------------


def _of_vault(promised: VaultPolicy, past: VaultHistory, now: datetime, busy: bool) -> Due | None:
    running = past.running
    if running is not None and running.kind not in SPARE:
        return None
    waits = running is not None
    for kind in CHORES:
        moment = chore_owed(promised, past, kind, now)
        if moment is None or (waits and kind in SPARE):
            continue
        if busy and kind in EXCLUSIVE:
            waits = True  # what makes way would have to, as soon as the vault is free
            continue
        tried = past.past.get(kind, _NOTHING)
        deadline = _chore_deadline(promised, kind, now)
        if not _pausing(tried, deadline, now):
            return Due(
                subject=promised.vault,
                vault=promised.vault,
                kind=kind,
                due_at=moment,
                deadline=deadline,
                priority=_AFTER_ALL_SOURCES,
                reason=f"{kind} due since {moment:%Y-%m-%d %H:%M}{_again(tried)}",
            )
    return None


def _chore_deadline(promised: VaultPolicy, kind: str, now: datetime) -> datetime:
    """Until when a chore is to be done for its latest moment: the same for deciding what is due and when to look."""
    stated: Stated[Schedule] | None = promised.chores.get(kind)  # type: ignore[call-overload]
    if stated is None:
        return now
    return (stated.value.latest(now, promised.vault) or now) + stated.value.longest_gap()


def chore_owed(promised: VaultPolicy, past: VaultHistory, kind: str, now: datetime) -> datetime | None:
    """The latest moment of a chore that nothing has answered yet. A prune without anything let go is never owed."""
    stated = promised.chores.get(kind)  # type: ignore[call-overload]
    moment: datetime | None = stated.value.latest(now, promised.vault) if stated is not None else None
    if moment is None:
        return None
    good = past.past.get(kind, _NOTHING).good
    if good is not None and _answers(good, moment, now):
        return None
    return None if kind == "prune" and not unpruned(past) else moment


def unpruned(past: VaultHistory) -> int:
    """How many snapshots were forgotten since the last prune: each forget adds to what the one before it counted."""
    forget, prune = past.past.get("forget", _NOTHING).good, past.past.get("prune", _NOTHING).good
    if forget is None or (prune is not None and prune.id > forget.id):
        return 0
    return forget.tally.get("unpruned", 0)


# -- drills -----------------------------------------------------------------------------------------------------------


def _of_drill(promised: DrillPolicy, history: History, now: datetime, since: Mapping[str, datetime]) -> Due | None:
    moment, past = drill_owed(promised, history, now, since), history.drill(promised.level)
    if moment is None or past.running is not None:
        return None
    deadline = moment + promised.at.value.longest_gap()
    if _pausing(past.past, deadline, now):
        return None
    return Due(
        subject=promised.level,
        vault="",
        kind=DRILL,
        due_at=moment,
        deadline=deadline,
        priority=_AFTER_ALL_CHORES,
        reason=f"{promised.level} drill due since {moment:%Y-%m-%d %H:%M}{_again(past.past)}",
    )


def drill_owed(
    promised: DrillPolicy, history: History, now: datetime, since: Mapping[str, datetime]
) -> datetime | None:
    """The latest moment of a drill that none has answered, whoever held it and whatever it came to."""
    moment = promised.at.value.latest(now, promised.level)
    begins = since.get(drill_subject(promised.level))
    if moment is None or (begins is not None and moment <= begins):
        return None
    answers = (_drill_answers(history.drill(level), moment, now) for level in answering(promised.level))
    return None if any(answers) else moment


def _drill_answers(past: DrillHistory, moment: datetime, now: datetime) -> bool:
    if past.past.good is not None and _answers(past.past.good, moment, now):
        return True
    held = held_at(past.proof.detail) if past.proof is not None else None
    return held is not None and moment <= held <= now


# -- both -------------------------------------------------------------------------------------------------------------

_NOTHING = Past()


def _answers(run: Run, moment: datetime, now: datetime) -> bool:
    """Whether a good run is late enough for the moment, by the moment that it was for or by when it began."""
    return any(moment <= time <= now for time in (run.due_at, run.started_at) if time is not None)


def _again(tried: Past) -> str:
    return f"; tried {tried.failures} times in vain" if tried.failures > 1 else "; tried before" * tried.failures


def pause(failures: int, left: timedelta) -> timedelta:
    """How long to wait after so many failures in a row: longer each time, but at most half of what a promise leaves.

    ``left`` is the time from the last failure until the promise is broken. Once it is, there is nothing to save by
    hurrying, and the pause is the ordinary one.
    """
    ordinary = min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(failures - 1, 10)))
    return min(ordinary, max(_FIRST_PAUSE, left / 2)) if left > timedelta() else ordinary


def again_at(tried: Past, breaks_at: datetime) -> datetime | None:
    """When what failed may be tried again, or ``None`` for at once.

    What was lost once was broken off by the end of its daemon, and not by itself: whoever takes over begins it anew.
    """
    failed = tried.failed
    if failed is None or failed.ended_at is None:
        return None
    failures = tried.failures - (failed.state is State.LOST)
    return failed.ended_at + pause(failures, breaks_at - failed.ended_at) if failures > 0 else None


def _pausing(tried: Past, breaks_at: datetime, now: datetime) -> bool:
    """Whether the pause after a failure lasts. One that seems to have failed in the future is tried at once."""
    until = again_at(tried, breaks_at)
    return until is not None and tried.failed is not None and (tried.failed.ended_at or now) <= now < until


def upcoming(policy: Policy, history: History, now: datetime) -> Iterator[datetime]:
    """The moments after now at which something can fall due: those of the schedules, and the ends of pauses."""
    for promised in policy.sources.values():
        if promised.covered:
            past = history.source(promised.source)
            yield from _following(promised.schedules.values(), promised.source, now)
            for tried in past.past.values():
                until = again_at(tried, breaks(promised, past, now, now))
                if until is not None and until > now:
                    yield until
    yield from _drills_upcoming(policy, history, now)
    for vault in policy.vaults.values():
        yield from _following(vault.chores.values(), vault.vault, now)
        for kind, tried in history.vault(vault.vault).past.items():
            until = again_at(tried, _chore_deadline(vault, kind, now))
            if until is not None and until > now:
                yield until


def _drills_upcoming(policy: Policy, history: History, now: datetime) -> Iterator[datetime]:
    for drill in policy.drills.values():
        yield from _following((drill.at,), drill.level, now)
        moment = drill.at.value.latest(now, drill.level) or now
        until = again_at(history.drill(drill.level).past, moment + drill.at.value.longest_gap())
        if until is not None and until > now:
            yield until


def _following(stated: Collection, name: str, now: datetime) -> Iterator[datetime]:  # type: ignore[type-arg]
    moments = (each.value.following(now, name) for each in stated)
    return (moment for moment in moments if moment is not None)
