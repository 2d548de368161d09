"""Who is to be told what, and when: once, together, again while it lasts, and that it is over.

    tell      what is wrong now, compared with what was known before: the messages that are owed
    heard     a message arrived
    unheard   a message did not arrive; it is owed still, and tried again with growing pauses

A message counts as told only when ``heard`` says so. Whoever dies between sending and remembering sends it again: told
twice, once in a long while, rather than never.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from covenant.respond.alert import Alert, Channel, Health, Item, Message, News, Rules, State, Told
from covenant.respond.condition import Condition, Severity

FAILS_AFTER = 3
"""A channel that failed so often in a row is itself something to be told."""
SHORTEST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)


def tell(
    conditions: Iterable[Condition], state: State, now: datetime, rules: Rules
) -> tuple[tuple[Message, ...], State]:
    """The messages that are owed now, and what is known from now on.

    ``conditions`` is everything that is wrong now: what is missing in it has ended. Of two with one key the more severe
    counts. The clock may have been set back since: no remembered moment counts as later than ``now``.
    """
    state = _not_after(now, state)
    wrong = sorted((*conditions, *_deaf(state, rules)), key=lambda condition: condition.severity)
    present = {condition.key: condition for condition in wrong}
    names = {channel.name for channel in rules.channels}
    followed = {key: _missing(alert, now) for key, alert in state.alerts.items()}
    for key, condition in present.items():
        followed[key] = _seen(condition, state.alerts.get(key), now, rules)
    alerts = {key: _without(alert, names) for key, alert in followed.items()}
    kept = {key: alert for key, alert in alerts.items() if not _forgotten(alert, now, rules)}
    state = State(kept, {name: health for name, health in state.failing.items() if name in names})
    return tuple(_messages(state, now, rules)), state


def heard(state: State, message: Message) -> State:
    """What is known once a message has arrived."""
    alerts = dict(state.alerts)
    for item in message.items:
        alert = alerts[item.key]
        told = {name: each for name, each in alert.told.items() if name != message.channel}
        if item.news is not News.ENDED:
            told[message.channel] = Told(message.at, item.alert.severity)
        alerts[item.key] = replace(alert, told=told)
    return State(alerts, {name: health for name, health in state.failing.items() if name != message.channel})


def unheard(state: State, message: Message, why: str) -> State:
    """What is known once a message has failed to arrive."""
    before = state.failing.get(message.channel)
    failures, since = (before.failures + 1, before.since) if before else (1, message.at)
    return State(state.alerts, {**state.failing, message.channel: Health(failures, since, message.at, why)})


def over_at(alert: Alert, rules: Rules) -> datetime | None:
    """When an alert whose condition is gone counts as over, if it stays away."""
    if alert.gone is None:
        return None
    return alert.gone + max(rules.quiet, min(rules.quiet * (1 << min(alert.returns, 16)), rules.repeat))


def owed(alert: Alert, channel: Channel, now: datetime, rules: Rules) -> tuple[News, datetime] | None:
    """What a channel has not heard of an alert, and since when it should have."""
    told = alert.told.get(channel.name)
    ended = over_at(alert, rules)
    if ended is not None:
        news, due = News.ENDED, ended
        return (news, due) if told and due <= now else None
    if channel.severity not in alert.reached or not channel.concerns(alert.condition):
        return None
    if told is None:
        news, due = News.BEGAN, alert.reached[channel.severity] + channel.after
    elif told.severity < alert.severity:
        news, due = News.WORSE, alert.reached[alert.severity]
    else:
        news, due = News.LASTS, told.at + rules.repeat
    return (news, due) if due <= now else None


def channel_key(name: str) -> str:
    """The key of the condition that a channel does not take messages."""
    return f"channel/{name}"


def next_try(health: Health) -> datetime:
    """When a channel that fails is tried again."""
    return health.last + min(SHORTEST_PAUSE * (1 << min(health.failures - 1, 16)), LONGEST_PAUSE)


def _messages(state: State, now: datetime, rules: Rules) -> Iterator[Message]:
    for channel in rules.channels:
        health = state.failing.get(channel.name)
        if health is not None and now < next_try(health):
            continue
        items = tuple(_items(state, channel, now, rules))
        if items and min(item.due for item in items) + rules.group_for <= now:
            yield Message(channel.name, now, items)
        elif not items and health is not None and health.failures >= FAILS_AFTER:
            # Others were told that it is deaf. Only a message that arrives shows that it is so no more.
            yield Message(channel.name, now, ())


def _items(state: State, channel: Channel, now: datetime, rules: Rules) -> Iterator[Item]:
    """What a channel is owed, the worst first."""
    for key, alert in sorted(state.alerts.items(), key=lambda pair: (-pair[1].severity, pair[1].began, pair[0])):
        what = owed(alert, channel, now, rules)
        if what is not None and key != channel_key(channel.name):
            yield Item(key, what[0], alert, what[1])


def _seen(condition: Condition, alert: Alert | None, now: datetime, rules: Rules) -> Alert:
    """An alert whose condition is there."""
    levels = [level for level in Severity if level <= condition.severity]
    if alert is None:
        return Alert(condition=condition, reached=dict.fromkeys(levels, now))
    ended = over_at(alert, rules)
    if ended is not None and ended <= now:
        # It came back after it was over: a new beginning for whoever has heard of the end.
        fresh = dict.fromkeys(levels, now)
        return replace(alert, condition=condition, reached=fresh, gone=None, returns=alert.returns + 1)
    return replace(alert, condition=condition, reached={**dict.fromkeys(levels, now), **alert.reached}, gone=None)


def _missing(alert: Alert, now: datetime) -> Alert:
    """An alert whose condition is not there."""
    return alert if alert.gone is not None else replace(alert, gone=now)


def _without(alert: Alert, names: set[str]) -> Alert:
    """An alert that only remembers channels which there still are."""
    if alert.told.keys() <= names:
        return alert
    return replace(alert, told={name: told for name, told in alert.told.items() if name in names})


def _forgotten(alert: Alert, now: datetime, rules: Rules) -> bool:
    """Whether nothing more is to be said of an alert, nor to be remembered should it come back."""
    ended = over_at(alert, rules)
    if ended is None or alert.told:
        return False
    return ended + rules.repeat <= now


def _deaf(state: State, rules: Rules) -> Iterator[Condition]:
    """The channels that do not take messages, as conditions to be told through the others."""
    for channel in rules.channels:
        health = state.failing.get(channel.name)
        if health is not None and health.failures >= FAILS_AFTER:
            yield Condition(
                key=channel_key(channel.name),
                severity=Severity.WARNING,
                subject=f"channel '{channel.name}'",
                text=f"does not take messages: {health.why}",
                hint=f"Mend it, then run 'covenant alerts test {channel.name}'.",
                since=health.since,
            )


def _not_after(now: datetime, state: State) -> State:
    """The same, with no moment after ``now``: a clock that was set back must not silence anything."""
    return State(
        {key: _alert_not_after(now, alert) for key, alert in state.alerts.items()},
        {
            name: replace(health, since=min(health.since, now), last=min(health.last, now))
            for name, health in state.failing.items()
        },
    )


def _alert_not_after(now: datetime, alert: Alert) -> Alert:
    return replace(
        alert,
        reached={level: min(at, now) for level, at in alert.reached.items()},
        gone=min(alert.gone, now) if alert.gone else None,
        told={name: Told(min(told.at, now), told.severity) for name, told in alert.told.items()},
    )
