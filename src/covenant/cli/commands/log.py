"""``covenant log``: the change log of a source, followed and looked over."""

from __future__ import annotations

import click

from covenant.cli.command import OPENING, command, family
from covenant.cli.session import Session

log = family("log", "Follow the change log of a source, and see whether it is whole.")


@command("stream", "covenant log stream accounts", exits=(*OPENING, 1, 11, 23), group=log)
@click.argument("source", metavar="SOURCE")
def stream(session: Session, source: str) -> int:
    """Follow the change log of a source until stopped, and seal it into the vault as it grows.

    What is sealed is durable before the server hears of it, so nothing is lost by whatever ends this. SIGTERM seals
    what came and ends. 'covenant run' does the same by itself.
    """
    from covenant.cli import log_following

    return log_following.stream(session, source)


@command("status", "covenant log status", "covenant log status accounts --json", exits=(*OPENING, 1, 23), group=log)
@click.argument("source", metavar="[SOURCE]", required=False)
@click.option("--offline", is_flag=True, help="Ask the vault alone, not the server.")
def status(session: Session, source: str | None, offline: bool) -> int:
    """Say which stretches of the change log are FOUND, LATE or LOST, and which moments can be had back.

    FOUND is in the vault; LATE the server still has; LOST nobody has any more.
    """
    from covenant.cli.log_standing import show_logs

    return show_logs(session, source, offline=offline)
