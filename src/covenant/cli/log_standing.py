"""Whether change logs are whole, and which moments they lead to: asked of the vault, and of the servers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from covenant.bootstrap import logs
from covenant.cli import exits, formats
from covenant.cli.log_following import named
from covenant.cli.output import as_dicts
from covenant.cli.session import Session
from covenant.kernel.errors import UsageError
from covenant.kernel.spans import place_text

if TYPE_CHECKING:
    from covenant.bootstrap.logs import LogStanding
    from covenant.recover.continuity import Stretch, Window
    from covenant.settings.values import Source


def show_logs(session: Session, name: str | None, *, offline: bool) -> int:
    """Show one log, or all; findings decide the exit code."""
    found = [_asked(session, source, offline) for source in _sources(session, name)]
    for standing in found:
        _shown(session, standing)
    session.output.document({"logs": [_document(standing) for standing in found]})
    return exits.FINDINGS if any(standing.findings for standing in found) else exits.DONE


def _sources(session: Session, name: str | None) -> list[Source]:
    if name is not None:
        return [named(session, name)]
    found = [
        each for each in session.required_settings().sources.values() if each.kind == "postgres" and not each.dumped
    ]
    if not found:
        raise UsageError("no source of covenant.toml has a change log", "Only PostgreSQL has one.")
    return found


def _asked(session: Session, source: Source, offline: bool) -> LogStanding:
    with session.opened("none", session.place_named(source.vault)) as opened:
        variables = None if offline else session.environment.variables
        return logs.log_standing(opened, source, variables)


def _shown(session: Session, standing: LogStanding) -> None:
    output = session.output
    output.say(f"log of {standing.source}: {_summary(session, standing)}")
    rows = [_stretch(stretch) for stretch in standing.stretches]
    output.table(("State", "Timeline", "From", "To", "Size", "Until"), rows, right=(1, 4))
    if standing.windows:
        output.say("can be had back:")
        output.table(
            ("Timeline", "From", "Until", "To", "Bases", "Ended by"), map(_window, standing.windows), right=(0, 4)
        )
    elif standing.stretches:
        output.say("nothing can be had back by it: there is no base backup that it goes on from")
    if standing.health is not None:
        health = standing.health
        room = (
            f", {formats.size(health.room)} left of {formats.size(health.most or 0)}" if health.room is not None else ""
        )
        output.say(f"slot {health.slot}: {health.status}, keeps {formats.size(health.kept)}{room}")
    output.findings(standing.findings)


def _summary(session: Session, standing: LogStanding) -> str:
    if standing.until is None:
        return "nothing in the vault yet"
    behind = formats.age(session.clock.now() - standing.until)
    return f"complete until {formats.local(standing.until)}, {behind} ago"


def _stretch(stretch: Stretch) -> tuple[str, ...]:
    span = stretch.span
    until = formats.local(stretch.until) if stretch.until else ""
    return (
        str(stretch.state),
        str(span.timeline),
        place_text(span.begin),
        place_text(span.end),
        formats.size(span.size),
        until,
    )


def _window(window: Window) -> tuple[str, ...]:
    lost = (
        f"lost {place_text(window.lost.begin)} to {place_text(window.lost.end)}"
        if window.lost
        else "the end of the log"
    )
    return (
        str(window.timeline),
        formats.local(window.begins),
        formats.local(window.until),
        place_text(window.end),
        str(len(window.bases)),
        lost,
    )


def _document(standing: LogStanding) -> dict[str, Any]:
    health = standing.health
    return {
        "source": standing.source,
        "until": standing.until,
        "pieces": standing.pieces,
        "stretches": [
            {"state": str(each.state), "until": each.until, **_span(each.span)} for each in standing.stretches
        ],
        "windows": [
            {
                "system": window.system,
                "timeline": window.timeline,
                "begin": place_text(window.begin),
                "end": place_text(window.end),
                "begins": window.begins,
                "until": window.until,
                "bases": [base.id for base in window.bases],
                "lost": _span(window.lost) if window.lost else None,
            }
            for window in standing.windows
        ],
        "slot": {**asdict(health), "kept": health.kept, "end": place_text(health.end)} if health else None,
        "findings": as_dicts(standing.findings),
    }


def _span(span: Any) -> dict[str, Any]:
    return {
        "system": span.system,
        "timeline": span.timeline,
        "begin": place_text(span.begin),
        "end": place_text(span.end),
        "bytes": span.size,
    }
