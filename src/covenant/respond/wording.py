"""A message in words, for someone who is woken by it at three in the morning.

The title says how bad it is and what it is about, short enough for the screen of a telephone. The body says of each
alert what is the matter, since when, and what to do; the worst first, and what many have in common once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from covenant.kernel.durations import format_interval
from covenant.respond.alert import Item, Message, News

MOST_ITEMS = 12
"""So many alerts are told in full; the others are counted."""

_HEADINGS = {
    News.WORSE: "This became worse:",
    News.BEGAN: "This is wrong now:",
    News.LASTS: "This is still wrong:",
    News.ENDED: "This is over:",
}


def title_of(message: Message) -> str:
    """``CRITICAL: source 'orders' and 2 more``, or ``over: source 'orders'``."""
    if not message.items:
        return "this channel takes messages again"
    wrong = [item for item in message.items if item.news is not News.ENDED]
    severity = message.severity
    if severity is None:
        return f"over: {_named(message.items)}"
    word = severity.word.upper()
    again = all(item.news is News.LASTS for item in wrong)
    return f"{word}{', still' if again else ''}: {_named(wrong)}"


def body_of(message: Message) -> str:
    """The whole message."""
    return "\n\n".join(_parts(message))


def _parts(message: Message) -> Iterator[str]:
    if not message.items:
        yield f"Messages to '{message.channel}' had failed. Nothing is owed to it now."
    room = MOST_ITEMS
    for news, heading in _HEADINGS.items():
        items = [item for item in message.items if item.news is news]
        if not items:
            continue
        yield heading
        shown = items[:room]
        room -= len(shown)
        for item in shown:
            yield _over(item) if news is News.ENDED else _wrong(item, message.at)
        if len(items) > len(shown):
            yield f"… and {len(items) - len(shown)} more."
    yield "Everything that is wrong now: covenant alerts show"


def _wrong(item: Item, now: datetime) -> str:
    condition = item.alert.condition
    classes = f" ({', '.join(condition.classes)})" if condition.classes else ""
    since = f"Since {_clock(item.alert.since)}, {ago(now - item.alert.since)}."
    lines = [f"{condition.severity.word.upper()} {condition.subject}{classes}: {condition.text}", since]
    return "\n  ".join((*lines, *([f"To do: {condition.hint}"] if condition.hint else [])))


def _over(item: Item) -> str:
    alert = item.alert
    ended = alert.gone or alert.began
    lasted = ago(ended - alert.since)
    return f"{alert.condition.subject}: {alert.condition.text}\n  Over since {_clock(ended)}; it lasted {lasted}."


def _named(items: Sequence[Item]) -> str:
    """The subject of the worst one, and how many others there are."""
    subjects = list(dict.fromkeys(item.alert.condition.subject for item in items))
    return subjects[0] + (f" and {len(subjects) - 1} more" if len(subjects) > 1 else "")


def _clock(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def ago(length: timedelta) -> str:
    """A length in its two largest units: ``2h5m``, ``3d``."""
    seconds = max(0, round(length.total_seconds()))
    for unit, finer in ((86400, 3600), (3600, 60), (60, 60)):
        if seconds >= unit:
            return format_interval(timedelta(seconds=seconds - seconds % finer))
    return format_interval(timedelta(seconds=seconds))
