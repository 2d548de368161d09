"""The state of telling as text, and back.

Text that cannot be read is no state at all: everything that is wrong is told anew, which is better than never.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from covenant.respond.alert import Alert, Health, State, Told
from covenant.respond.condition import Condition, Severity

VERSION = 1


def to_text(state: State) -> str:
    """The state as JSON."""
    alerts = {key: _alert_document(alert) for key, alert in state.alerts.items()}
    failing = {
        name: {"failures": each.failures, "since": _moment(each.since), "last": _moment(each.last), "why": each.why}
        for name, each in state.failing.items()
    }
    return json.dumps({"version": VERSION, "alerts": alerts, "failing": failing}, separators=(",", ":"))


def from_text(text: str) -> State:
    """The state that ``to_text`` wrote. Raises ``ValueError`` where it is none."""
    try:
        document = json.loads(text)
        if document["version"] != VERSION:
            raise ValueError(f"version {document['version']} of the alerts' state is not known here")
        return State(
            {key: _alert(key, each) for key, each in document["alerts"].items()},
            {name: _health(each) for name, each in document["failing"].items()},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no state of alerts: {error}") from error


def read(text: str) -> State:
    """What was saved; nothing where nothing was, or where it cannot be read."""
    try:
        return from_text(text) if text else State()
    except ValueError:
        return State()


def _alert_document(alert: Alert) -> dict[str, Any]:
    condition = alert.condition
    return {
        "severity": condition.severity.word,
        "subject": condition.subject,
        "text": condition.text,
        "hint": condition.hint,
        "classes": list(condition.classes),
        "since": _moment(condition.since),
        "reached": {level.word: _moment(at) for level, at in alert.reached.items()},
        "gone": _moment(alert.gone),
        "returns": alert.returns,
        "told": {name: {"at": _moment(each.at), "severity": each.severity.word} for name, each in alert.told.items()},
    }


def _alert(key: str, document: dict[str, Any]) -> Alert:
    reached = {Severity.named(word): datetime.fromisoformat(at) for word, at in document["reached"].items()}
    if not reached:
        raise ValueError(f"the alert '{key}' never began")
    return Alert(
        condition=Condition(
            key=key,
            severity=Severity.named(document["severity"]),
            subject=document["subject"],
            text=document["text"],
            hint=document["hint"],
            classes=tuple(document["classes"]),
            since=_read(document["since"]),
        ),
        reached=reached,
        gone=_read(document["gone"]),
        returns=document["returns"],
        told={
            name: Told(datetime.fromisoformat(each["at"]), Severity.named(each["severity"]))
            for name, each in document["told"].items()
        },
    )


def _health(document: dict[str, Any]) -> Health:
    since, last = datetime.fromisoformat(document["since"]), datetime.fromisoformat(document["last"])
    return Health(document["failures"], since, last, document["why"])


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
