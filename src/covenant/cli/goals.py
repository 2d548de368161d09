"""The options that say to which moment a server is brought back, and where a part of it shall go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from covenant.cli.parameters import moment, pair
from covenant.kernel.errors import UsageError

if TYPE_CHECKING:
    from covenant.cli.to_moment import Wish

_OPTIONS = ("to", "to_lsn", "to_xid", "to_name", "latest")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalWish:
    """What was said about a goal; nothing of it for a restore of another kind."""

    to: datetime | None
    to_lsn: str | None
    to_xid: int | None
    to_name: str | None
    latest: bool
    before: bool
    timeline: int | None
    base: str | None
    pause: bool
    into: str | None
    only: tuple[str, ...]
    tablespaces: tuple[tuple[str, str], ...]

    @property
    def wanted(self) -> bool:
        """Whether a server is to be brought back at all."""
        return any(getattr(self, name) not in (None, False) for name in _OPTIONS) or bool(self.into or self.only)

    def of(self, source: str, target: str | None, *, overwrite: bool, dry_run: bool) -> Wish:
        """The whole wish. Raises ``UsageError`` where two goals are named."""
        from covenant.cli.to_moment import Wish
        from covenant.kernel.spans import parse_place
        from covenant.recover.goal import Goal

        said = [f"--{name.replace('_', '-')}" for name in _OPTIONS if getattr(self, name) not in (None, False)]
        if len(said) > 1:
            raise UsageError(f"several goals are named: {', '.join(said)}", "Name one of them.")
        try:
            place = parse_place(self.to_lsn) if self.to_lsn else None
        except ValueError as error:
            raise UsageError(str(error), "The server shows it with: SELECT pg_current_wal_lsn();") from error
        goal = Goal(
            moment=self.to,
            place=place,
            transaction=self.to_xid,
            name=self.to_name or "",
            before=self.before,
            timeline=self.timeline,
            base=self.base or "",
        )
        folder = Path(target) if target else None
        return Wish(source, goal, folder, self.into or "", self.only, self.tablespaces, self.pause, overwrite, dry_run)


def to_a_goal(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options; the command receives them as ``wish``."""

    @wraps(function)
    def called(*args: Any, **named: Any) -> Any:
        return function(*args, wish=GoalWish(**{name: named.pop(name) for name in GoalWish.__slots__}), **named)

    declared: Callable[..., Any] = called
    for option in reversed(_DECLARED):
        declared = option(declared)
    return declared


_DECLARED = (
    click.option(
        "--to", type=moment, metavar="TIME", help="PostgreSQL: as it was at this moment ('2026-11-23 14:05')."
    ),
    click.option("--to-lsn", metavar="LSN", help="PostgreSQL: with everything that was logged before this place."),
    click.option("--to-xid", type=int, metavar="XID", help="PostgreSQL: with this transaction, and nothing after it."),
    click.option("--to-name", metavar="NAME", help="PostgreSQL: as it was at this restore point."),
    click.option("--latest", is_flag=True, help="PostgreSQL: as late as the log leads."),
    click.option("--before", is_flag=True, help="Stop just before the moment or transaction, not just after it."),
    click.option("--timeline", type=int, metavar="N", help="Follow this branch of the history; the newest by default."),
    click.option("--from", "base", metavar="SNAPSHOT", help="Begin with this backup; the newest that fits by default."),
    click.option(
        "--pause", is_flag=True, help="Leave the server in recovery there, so that it can be replayed further."
    ),
    click.option("--into", metavar="URL", help="Carry it over into this running server, or that of a source."),
    click.option("--only", multiple=True, metavar="PART", help="Only 'schema.table', 'schema', or 'database/'."),
    click.option(
        "--tablespace",
        "tablespaces",
        type=pair,
        multiple=True,
        metavar="OLD=NEW",
        help="Put this tablespace elsewhere.",
    ),
)
