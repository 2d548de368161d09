"""``covenant status``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from covenant.cli import exits
from covenant.cli.command import command
from covenant.cli.session import Session

if TYPE_CHECKING:
    from covenant.catalog.catalog import Catalog
    from covenant.cli.status_screen import Screen
    from covenant.kernel.policy import Policy

_SECONDS_BETWEEN = 1.0


@command(
    "status", "covenant status", "covenant status --watch", "covenant status --prometheus", exits=(0, 1, 2, 30, 31)
)
@click.option("--watch", is_flag=True, help="Show it again and again, with what is at work, until Ctrl-C.")
@click.option("--prometheus", is_flag=True, help="Print it as metrics, for the textfile collector; ends with 0.")
def status(session: Session, watch: bool, prometheus: bool) -> int:
    """Hold what was promised against what was reached, for every source and every vault.

    Ends with 1 where a promise is broken. What is not known is never called kept.
    """
    from covenant.cli import status_screen
    from covenant.settings.policy import policy_of

    policy = policy_of(session.required_settings())
    with session.catalog() as catalog:
        if prometheus:
            return _metrics(session, policy, catalog)
        if watch:
            status_screen.watch(lambda: _seen(session, policy, catalog), session.clock, _SECONDS_BETWEEN)
            return exits.DONE
        screen = _seen(session, policy, catalog)
    status_screen.show(session.output, screen)
    if session.output.json:
        session.output.document(
            {
                **asdict(screen.standing),
                "oddities": [asdict(finding) for finding in screen.oddities],
                "running": [asdict(run) for run, _ in screen.running],
            }
        )
    return exits.FINDINGS if screen.standing.broken else exits.DONE


def _metrics(session: Session, policy: Policy, catalog: Catalog) -> int:
    """Print the numbers that a daemon would show."""
    from covenant.adapters.metrics.prometheus import render
    from covenant.bootstrap import telling
    from covenant.respond.remembering import read

    seen = telling.see(policy, catalog, session.clock)
    state = read(telling.memory(session.state_dir, catalog).load())
    session.output.out.write(render(telling.scene(seen.standing, catalog, seen.history, state)))
    return exits.DONE


def _seen(session: Session, policy: Policy, catalog: Catalog) -> Screen:
    """Everything that the screen shows, as of now."""
    from covenant.catalog.records import State
    from covenant.cli.status_screen import Screen
    from covenant.loop.anomalies import anomalies
    from covenant.loop.promised import promised_since
    from covenant.loop.standing import standing

    now = session.clock.now()
    history = catalog.history(now)
    running = [found for run in catalog.runs(states=(State.RUNNING,)) if (found := catalog.run(run.id)) is not None]
    return Screen(
        standing(policy, history, now, promised_since(catalog)), anomalies(policy, history, now), tuple(running)
    )
