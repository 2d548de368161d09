"""Conditions and rules for tests, and a small world in which messages are sent, lost and remembered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from covenant.respond.alert import Channel, Message, News, Rules, State
from covenant.respond.alerts import heard, tell, unheard
from covenant.respond.condition import Condition, Severity
from covenant.respond.remembering import from_text, to_text

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def wrong(
    key: str = "source/orders/rpo",
    severity: Severity = Severity.CRITICAL,
    *,
    classes: tuple[str, ...] = ("critical",),
    text: str = "the newest backup is 6h old, and 1h was promised",
) -> Condition:
    """Something that is the matter."""
    hint = "Run 'covenant backup orders'."
    return Condition(key=key, severity=severity, subject=f"'{key}'", text=text, hint=hint, classes=classes)


def rules(*channels: Channel, group_for: int = 1, repeat: int = 1440, quiet: int = 5) -> Rules:
    """Rules, in minutes; one channel that hears everything at once where none is given."""
    return Rules(
        channels=channels or (Channel("mail"),),
        group_for=group_for * MINUTE,
        repeat=repeat * MINUTE,
        quiet=quiet * MINUTE,
    )


@dataclass(frozen=True, slots=True)
class Said:
    """One alert in a message that arrived."""

    minute: int
    channel: str
    key: str
    news: News


@dataclass(slots=True)
class World:
    """Time in whole minutes since noon, and every message that arrived."""

    rules: Rules
    minute: int = 0
    state: State = field(default_factory=State)
    said: list[Said] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def look(self, *conditions: Condition, deaf: Iterable[str] = (), dies: bool = False) -> None:
        """One look. ``deaf`` channels refuse; who ``dies`` does so after sending, before it is remembered."""
        refusing = set(deaf)
        owed, self.state = tell(conditions, self.state, NOON + self.minute * MINUTE, self.rules)
        for message in owed:
            if message.channel in refusing:
                self.state = unheard(self.state, message, "connection refused")
                continue
            self.messages.append(message)
            self.said += [Said(self.minute, message.channel, item.key, item.news) for item in message.items]
            if not dies:
                self.state = heard(self.state, message)

    def until(self, minute: int, *conditions: Condition, deaf: Iterable[str] = ()) -> None:
        """Look every minute, up to and including that one."""
        while self.minute < minute:
            self.minute += 1
            self.look(*conditions, deaf=deaf)

    def restart(self) -> None:
        """Go on with nothing but what was remembered."""
        self.state = from_text(to_text(self.state))

    def told(self, channel: str = "mail") -> list[tuple[int, News]]:
        """When a channel heard what, whatever it was about."""
        return [(each.minute, each.news) for each in self.said if each.channel == channel]
