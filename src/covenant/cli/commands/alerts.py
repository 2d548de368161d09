"""``covenant alerts``: what is wrong, and who was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from covenant.cli import exits, formats
from covenant.cli.command import command, family
from covenant.cli.session import Session
from covenant.kernel.errors import ChannelError, UsageError

if TYPE_CHECKING:
    from covenant.respond.alert import Alert, State

alerts = family("alerts", "Show what is wrong and who was told, and test the ways to reach people.")


@command("show", "covenant alerts show", "covenant alerts show --json", exits=(0, 1, 2, 30, 31), group=alerts)
def show(session: Session) -> int:
    """Show what is wrong now, since when, who was told of it, and what to do. Ends with 1 where anything is.

    It is what 'covenant run' saw at its last look. Channels that do not take messages are shown too.
    """
    from covenant.bootstrap import telling
    from covenant.respond.remembering import read

    session.required_settings()
    with session.catalog() as catalog:
        text = telling.memory(session.state_dir, catalog).load()
    state = read(text) if text else None
    wrong = [] if state is None else [alert for alert in state.alerts.values() if alert.gone is None]
    wrong.sort(key=lambda alert: (-alert.condition.severity, alert.since))
    _say(session, state, wrong)
    session.output.document({"alerts": [_document(alert) for alert in wrong], "failing": _failing(state)})
    return exits.FINDINGS if wrong else exits.DONE


@command("test", "covenant alerts test", "covenant alerts test phone", exits=(0, 2, 35), group=alerts)
@click.argument("channel", required=False)
def test(session: Session, channel: str | None) -> None:
    """Send a test message to one channel, or to all of them, and say what became of it."""
    from covenant.bootstrap import telling

    channels = session.required_settings().alerts.channels
    if channel is not None and channel not in channels:
        known = ", ".join(f"'{name}'" for name in channels) or "none"
        raise UsageError(f"there is no channel '{channel}'", f"The channels of covenant.toml are: {known}.")
    if not channels:
        raise UsageError("there is no channel to test", "Write one: [alerts.channels.mail] url = { env = 'MAIL_URL' }.")
    outcomes: dict[str, ChannelError | None] = {}
    for name in [channel] if channel else channels:
        outcomes[name] = _sent(telling.carrier(channels[name], session.environment.variables), name)
        error = outcomes[name]
        session.output.say(f"{name}: " + ("taken" if error is None else f"not taken: {error.message}"))
    session.output.document({name: {"taken": not error, "why": str(error or "")} for name, error in outcomes.items()})
    failed = [error for error in outcomes.values() if error is not None]
    if failed:
        raise ChannelError(f"{formats.counted(len(failed), 'channel')} did not take the message", failed[0].hint)


def _sent(carrier: Any, name: str) -> ChannelError | None:
    try:
        carrier.send(
            "test: Covenant can reach you here",
            f"This is a test of the channel '{name}'. Nothing is wrong, and there is nothing to do.",
            None,
        )
    except ChannelError as error:
        return error
    return None


def _say(session: Session, state: State | None, wrong: list[Alert]) -> None:
    output = session.output
    if state is None:
        output.say("nobody has looked yet: 'covenant run' looks")
        return
    for alert in wrong:
        condition = alert.condition
        output.result(f"{condition.severity.word.upper()} {condition.subject}: {condition.text}")
        age = formats.age(session.clock.now() - alert.since)
        told = ", ".join(f"{name} at {formats.local(each.at)}" for name, each in sorted(alert.told.items()))
        output.result(f"  since {formats.local(alert.since)}, {age}; told: {told or 'nobody yet'}")
        if condition.hint:
            output.result(f"  HINT: {condition.hint}")
    for name, health in state.failing.items():
        output.result(f"channel '{name}' took none of the last {health.failures} messages: {health.why}")
    if not wrong:
        output.say("nothing is wrong")


def _document(alert: Alert) -> dict[str, Any]:
    condition = alert.condition
    return {
        "key": condition.key,
        "severity": condition.severity.word,
        "subject": condition.subject,
        "text": condition.text,
        "hint": condition.hint,
        "classes": list(condition.classes),
        "since": alert.since,
        "told": {name: told.at for name, told in alert.told.items()},
    }


def _failing(state: State | None) -> dict[str, Any]:
    return {
        name: {"failures": health.failures, "since": health.since, "why": health.why}
        for name, health in (state.failing.items() if state else ())
    }
