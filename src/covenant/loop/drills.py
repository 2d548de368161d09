"""How drills stand: what was promised of rehearsals beside what was held, and what came of the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from covenant.catalog.history import DrillHistory, History
from covenant.kernel.policy import DrillPolicy
from covenant.kernel.standing import Because, DrillStanding, Verdict, heaviest
from covenant.loop.due import drill_owed
from covenant.loop.promised import drill_subject
from covenant.prove.missed import answering, held_at, missed

_WEIGHTS = {"failed": Verdict.BROKEN, "could not verify": Verdict.AT_RISK}


def drill_standing(
    promised: DrillPolicy, history: History, now: datetime, since: Mapping[str, datetime]
) -> DrillStanding:
    """Judge the drills of one level. A missed one is a broken promise, whatever the last came to."""
    past, schedule = history.drill(promised.level), promised.at.value
    held = sorted(moment for level in answering(promised.level) if (moment := _held(history.drill(level))) is not None)
    begins = held[-1] if held else since.get(drill_subject(promised.level))
    lacking = missed(schedule, promised.level, begins, held, now) if begins is not None else ()
    because = tuple(_reasons(promised, past, lacking))
    return DrillStanding(
        level=promised.level,
        what=promised.what,
        verdict=heaviest(each.verdict for each in because),
        because=because,
        last_held=past.proof.at if past.proof else None,
        last_result=past.proof.verdict if past.proof else "",
        missed=lacking,
        next_due=drill_owed(promised, history, now, since) or schedule.following(now, promised.level),
        running=past.running.id if past.running else None,
    )


def _held(past: DrillHistory) -> datetime | None:
    return held_at(past.proof.detail) if past.proof is not None else None


def _reasons(promised: DrillPolicy, past: DrillHistory, lacking: tuple[datetime, ...]) -> Iterator[Because]:
    level = promised.level
    if lacking:
        number = "a drill was missed" if len(lacking) == 1 else f"{len(lacking)} drills were missed"
        text = f"{number}, due {lacking[-1]:%Y-%m-%d %H:%M}"
        yield Because("drill", Verdict.BROKEN, text, f"Hold it with 'covenant drill run {level}'.", lacking[0])
    if past.proof is None:
        if not lacking:
            yield Because("drill", Verdict.WAITING, "none was held yet")
    elif past.proof.verdict != "passed":
        text = f"the last {'failed' if past.proof.verdict == 'failed' else 'could not be verified'}"
        hint = "See why with 'covenant drill show latest'."
        yield Because("drill", _WEIGHTS.get(past.proof.verdict, Verdict.AT_RISK), text, hint, past.proof.at)
