"""The words of telling: an alert, who was told of it, and the rules of who hears what and when.

An alert is a condition that is followed, from when it was first seen until everyone who was told of it has heard that
it is over. All that is remembered are instants that have passed; what is owed to whom follows from them and from the
time now, and is never queued. So a restart, a channel that failed and a rule that changed are one case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from covenant.respond.condition import Condition, Severity


@dataclass(frozen=True, slots=True)
class Told:
    """When a channel was last told of an alert, and how severe it was then."""

    at: datetime
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A condition that is followed.

    ``reached`` has for each severity up to the worst so far the moment at which it was first that severe; an alert is
    as severe as its worst until it is over, lest it flutter. ``gone`` is since when the condition is not there any
    more. ``returns`` counts how often it came back shortly after it had been over.
    """

    condition: Condition
    reached: Mapping[Severity, datetime]
    gone: datetime | None = None
    returns: int = 0
    told: Mapping[str, Told] = field(default_factory=dict)

    @property
    def began(self) -> datetime:
        """When it was first seen."""
        return min(self.reached.values())

    @property
    def since(self) -> datetime:
        """When it began, as well as it is known."""
        return min(self.condition.since or self.began, self.began)

    @property
    def severity(self) -> Severity:
        """The worst that it was."""
        return max(self.reached)


@dataclass(frozen=True, slots=True)
class Health:
    """How a channel that does not take messages is doing: failures in a row, since when, the last, and why."""

    failures: int
    since: datetime
    last: datetime
    why: str


@dataclass(frozen=True, slots=True)
class State:
    """Everything that telling remembers: the alerts by key, and the channels that fail."""

    alerts: Mapping[str, Alert] = field(default_factory=dict)
    failing: Mapping[str, Health] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach people: what it wants to hear, and how long it waits for others to resolve it first.

    No ``classes`` at all means every class.
    """

    name: str
    classes: tuple[str, ...] = ()
    severity: Severity = Severity.WARNING
    after: timedelta = timedelta()

    def concerns(self, condition: Condition) -> bool:
        """Whether a condition is of a class that this channel hears of. What concerns everyone is told to everyone."""
        return not self.classes or not condition.classes or bool({*self.classes} & {*condition.classes})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Who hears what, and when.

    What appears within ``group_for`` goes out as one message. What lasts is told again after ``repeat``. A condition is
    over when it has stayed away for ``quiet``; one that keeps coming back must stay away twice as long each time.
    """

    channels: tuple[Channel, ...] = ()
    group_for: timedelta = timedelta(minutes=1)
    repeat: timedelta = timedelta(hours=24)
    quiet: timedelta = timedelta(minutes=5)


class News(Enum):
    """What is told of an alert."""

    BEGAN = "began"
    WORSE = "worse"
    LASTS = "lasts"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Item:
    """One alert in a message, and since when it was owed."""

    key: str
    news: News
    alert: Alert
    due: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """What one channel is told at one moment. Without items it only shows that the channel takes messages again."""

    channel: str
    at: datetime
    items: tuple[Item, ...]

    @property
    def severity(self) -> Severity | None:
        """The worst of what is the matter; ``None`` where everything in it is over."""
        return max((item.alert.severity for item in self.items if item.news is not News.ENDED), default=None)
