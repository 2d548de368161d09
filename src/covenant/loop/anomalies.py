"""What is unlike a source's habit, and worth waking someone for: every number in it is a number of the backup's own.

Someone who encrypts a whole disk leaves a pattern before anyone looks: many files changed at once, what is new cannot
be compressed, and the old names are gone. A habit is what the last good backups counted; "far" is far in terms of
how much the source varies by itself (the median, and the median distance from it), so that one odd day does not
become the measure of the next. Nothing is said in a source's first few runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median

from covenant.catalog.history import History, SourceHistory
from covenant.kernel.findings import Finding
from covenant.kernel.policy import Policy, SourcePolicy

FEWEST = 5
"""A habit is known from this many backups on."""

FAR = 6.0
"""So many median distances from the median are far."""

_FEW_FILES = 20
_CLOCK_SLACK = timedelta(minutes=5)
_LONG = timedelta(days=30)
_LOOK_AT = "Look at what changed ('covenant diff') before old snapshots go; nothing was forgotten because of it."

Tally = Mapping[str, int]


def anomalies(policy: Policy, history: History, now: datetime) -> tuple[Finding, ...]:
    """Everything odd about the last backup of each source, and about the clock."""
    found: list[Finding] = []
    for promised in policy.sources.values():
        if promised.covered:
            found += _of_source(promised, history.source(promised.source), now)
    return tuple(found)


def _of_source(promised: SourcePolicy, past: SourceHistory, now: datetime) -> Iterator[Finding]:
    yield from _clock(promised, past, now)
    yield from _stopped_log(promised, past, now)
    if not past.habits:
        return
    last, before = past.habits[0].tally, [habit.tally for habit in past.habits[1:]]
    yield from _empty(promised.source, last, before)
    if len(before) >= FEWEST:
        yield from judged(promised.source, last, before)


def judged(source: str, last: Tally, before: Sequence[Tally]) -> Iterator[Finding]:
    """The last backup against the habit: what changed, what of it cannot be compressed, what is gone, what shrank."""
    signs = [
        sign
        for sign in (
            _far("files changed", last, before, _changed, _few_of(last)),
            _far("of the new bytes cannot be compressed", last, before, _incompressible, 0.2),
            _far("files gone or renamed", last, before, _gone, _few_of(last)),
        )
        if sign
    ]
    if len(signs) >= 2:
        text, hint = "all at once: " + "; ".join(signs), "Treat it as an attack until you know. " + _LOOK_AT
        yield Finding("like-ransomware", source, text, hint)
    else:
        yield from (Finding("unlike-its-habit", source, sign, _LOOK_AT) for sign in signs)
    yield from _shrunk(source, last, before)


def _changed(tally: Tally) -> float | None:
    return _share(tally.get("files_changed", 0) + tally.get("files_new", 0), tally.get("files", 0))


def _gone(tally: Tally) -> float | None:
    gone = tally.get("files_gone", 0)
    return _share(gone, tally.get("files", 0) + gone)


def _incompressible(tally: Tally) -> float | None:
    return _share(tally.get("stored_bytes", 0), tally.get("added_bytes", 0), at_least=1 << 16)


def _share(part: int, whole: int, at_least: int = 1) -> float | None:
    return min(1.0, part / whole) if whole >= at_least else None


def _few_of(last: Tally) -> float:
    """The share that a handful of files are: less of a difference is nothing to speak of."""
    return max(0.2, _FEW_FILES / max(1, last.get("files", 0)))


def _far(what: str, last: Tally, before: Sequence[Tally], share: Callable[[Tally], float | None], least: float) -> str:
    """The words for a share that lies far above the habit, or ``""``. ``least`` is the least difference that counts."""
    now, known = share(last), [value for tally in before if (value := share(tally)) is not None]
    if now is None or len(known) < FEWEST:
        return ""
    usual = median(known)
    spread = median(abs(value - usual) for value in known)
    if now - usual <= max(FAR * spread, least):
        return ""
    return f"{now:.0%} {what}, usually {usual:.0%}"


def _shrunk(source: str, last: Tally, before: Sequence[Tally]) -> Iterator[Finding]:
    for name, words in (("files", "{:,} files"), ("bytes", "{:,} bytes")):
        sizes = [tally.get(name, 0) for tally in before]
        usual, now = median(sizes), last.get(name, 0)
        spread = median(abs(size - usual) for size in sizes)
        if 0 < now < usual / 2 and usual - now > FAR * spread:
            text = f"{words.format(now)} are left, usually {words.format(round(usual))}"
            yield Finding("source-shrank", source, text, _LOOK_AT)
            return


def _empty(source: str, last: Tally, before: Sequence[Tally]) -> Iterator[Finding]:
    """A backup that is green and holds nothing: at once where there was something, with no need for a habit."""
    if last.get("files", 0) and (last.get("bytes", 0) or not any(tally.get("bytes", 0) for tally in before)):
        return
    had = max((tally.get("files", 0) for tally in before), default=0)
    text = "the last backup succeeded and holds " + ("no file" if not last.get("files") else "no byte")
    yield Finding(
        "backup-empty", source, text + (f", where there were {had:,} files" if had else ""),
        "See whether the path is mounted and right.",
    )  # fmt: skip


def _clock(promised: SourcePolicy, past: SourceHistory, now: datetime) -> Iterator[Finding]:
    known = [kept.time for kept in (past.newest,) if kept is not None]
    known += [run.started_at for each in past.past.values() if (run := each.last) is not None]
    newest = max(known, default=now)
    if newest - now > _CLOCK_SLACK:
        text = f"something of it is dated {newest:%Y-%m-%d %H:%M}, but now is {now:%Y-%m-%d %H:%M}"
        yield Finding("clock-went-back", promised.source, text, "Compare this machine's clock with another's.")
    elif now - newest > _LONG and now - newest > 30 * _longest_gap(promised):
        text = f"nothing happened since {newest:%Y-%m-%d %H:%M}, and now is {now:%Y-%m-%d %H:%M}"
        yield Finding("clock-jumped-ahead", promised.source, text, "Compare this machine's clock with another's.")


def _longest_gap(promised: SourcePolicy) -> timedelta:
    return max((stated.value.longest_gap() for stated in promised.schedules.values()), default=timedelta(days=1))


def _stopped_log(promised: SourcePolicy, past: SourceHistory, now: datetime) -> Iterator[Finding]:
    """A log that came regularly and no longer does, while other backups of the source still succeed."""
    stated, log = promised.schedules.get("log"), past.past.get("log")
    if stated is None or log is None or log.good is None:
        return
    silent = now - log.good.started_at
    if silent > 3 * stated.value.longest_gap():
        hours = silent.total_seconds() / 3600
        text = f"its log came last {hours:,.1f} hours ago, and is due {stated.value}"
        yield Finding("log-stopped", promised.source, text, "See 'covenant runs --source' for why.")
