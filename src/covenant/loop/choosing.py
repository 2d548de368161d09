"""Which of what is due may begin now, beside what is at work already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from covenant.loop.due import Due

PATIENCE = timedelta(hours=1)
"""For so long a chore that needs a vault for itself lets backups go first; then they wait for it, if they can."""


def choose(due: Iterable[Due], at_work: Sequence[Due], concurrent: int, now: datetime) -> list[Due]:
    """The first of what is due, as many as there is room for: one for each subject, and nothing beside who is alone.

    ``due`` is in the order of urgency. What is exclusive begins only where nobody works in its vault. When it has
    waited for long, nothing new begins there that can wait as well, so that its turn comes. A drill reads any vault.
    """
    due = list(due)
    begun = list(at_work)
    awaited = {each.vault for each in due if each.exclusive and now - each.due_at > PATIENCE}
    chosen: list[Due] = []
    for each in sorted(due, key=lambda each: not (each.exclusive and each.vault in awaited)):
        if len(begun) >= concurrent:
            break
        beside = [other for other in begun if other.vault == each.vault or other.drill or each.drill]
        if any(_same_subject(each, other) or other.exclusive for other in beside) or (each.exclusive and beside):
            continue
        waited_for = each.vault in awaited or (each.drill and bool(awaited))
        if waited_for and not each.exclusive and each.deadline - now > PATIENCE:
            continue
        chosen.append(each)
        begun.append(each)
    return chosen


def in_the_way(due: Iterable[Due], begun: Collection[Due], concurrent: int) -> list[Due]:
    """What is done in spare time, and must make way for something that is due and could not begin beside it.

    ``begun`` is everything that is at work, also what just began.
    """
    waiting = [each for each in due if each not in begun and not each.spare]
    full = len(begun) >= concurrent
    return [
        each
        for each in begun
        if each.spare and any(full or (other.chore and other.vault == each.vault) for other in waiting)
    ]


def _same_subject(one: Due, other: Due) -> bool:
    return (one.subject, one.chore, one.drill) == (other.subject, other.chore, other.drill)
