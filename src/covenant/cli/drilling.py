"""A drill that a person asks for."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import datetime
from functools import cache

from covenant import bootstrap
from covenant.cli import drill_screen
from covenant.cli.session import Session
from covenant.cli.signals import Stop, until_stopped


def hold(session: Session, level: str, sources: tuple[str, ...], scenario: str | None, before: datetime | None) -> int:
    """Hold it, show it, keep it; returns what it came to as an exit code."""
    from covenant.bootstrap import drilling
    from covenant.prove.record import Level, Scenario
    from covenant.prove.telling import to_json
    from covenant.settings.policy import policy_of

    settings, owner = session.required_settings(), bootstrap.this_process()

    def work(stop: Stop) -> int:
        with session.catalog() as catalog, ExitStack() as opened, session.progress("drill") as progress:
            company = drilling.Company(
                settings=settings,
                policy=policy_of(settings),
                opened=cache(lambda name: opened.enter_context(session.opened(place=session.place_named(name)))),
                password=lambda name: session.password(session.place_named(name)),
                catalog=catalog,
                state_dir=session.state_dir,
                clock=session.clock,
                variables=session.environment.variables,
                stop=stop.event,
                progress=progress,
            )
            order = drilling.Order(
                level=Level(level),
                scenario=Scenario(scenario) if scenario else None,
                sources=sources,
                before=before,
                by=f"{owner.username}@{owner.hostname}",
            )
            record = drilling.hold(company, order)
            drilling.seal(company, record)
        drill_screen.show(record, session.output)
        session.output.document(json.loads(to_json(record)))
        return drill_screen.code_of(record.result)

    return until_stopped(session.output, work)
