"""How a command is declared: its help with examples and exit codes, and the options that every command has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from covenant.cli.session import Session

EXITS = {
    0: "done",
    1: "done, with findings",
    2: "wrong usage or config",
    3: "done, but it could not be verified",
    10: "no vault there",
    11: "the vault is locked",
    12: "wrong password",
    13: "no such snapshot",
    14: "there is a vault already",
    15: "the vault cannot be used",
    20: "the store failed (25 full, 26 denied, 27 no answer)",
    21: "damaged: bytes are not what was written",
    22: "refused: it could be done, but may not",
    23: "the source cannot be read",
    24: "the target cannot be written",
    25: "the store is full",
    26: "the store does not let us (read-only, credentials)",
    27: "the store does not answer; trying again may help",
    28: "an object is missing",
    29: "an object exists already",
    30: "the catalog cannot be used",
    31: "the catalog does not answer; trying again may help",
    32: "the lease was lost: another took over",
    33: "it is running already",
    34: "it was done already",
    35: "a channel does not take messages",
    36: "the source does not answer; trying again may help",
    37: "objects must be thawed first",
    200: "trouble, and a recovery must stop",
    130: "interrupted (143 by SIGTERM)",
}
OPENING = (0, 2, 10, 11, 12, 20, 21, 130)
"""The exit codes of every command that opens a vault."""

F = TypeVar("F", bound=Callable[..., Any])
pass_session = click.make_pass_decorator(Session)


class Command(click.Command):
    """A command whose help ends with examples and exit codes."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), exits: tuple[int, ...] = (), **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.examples = examples
        self.exits = exits

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples and the exit codes."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")
        if self.exits:
            with formatter.section("Exit codes"):
                formatter.write_dl([(str(code), EXITS[code]) for code in sorted(self.exits)])


def command(
    name: str, *examples: str, exits: tuple[int, ...] = OPENING, group: click.Group | None = None
) -> Callable[[F], Command]:
    """Declare a command. Its function is handed the ``Session`` first; its docstring is the help."""

    def declare(function: F) -> Command:
        made = click.command(name, cls=Command, examples=examples, exits=exits)(_output_options(pass_session(function)))
        if group is not None:
            group.add_command(made)
        return made

    return declare


def family(name: str, about: str) -> click.Group:
    """A command that is only the first word of several."""
    return click.Group(name, help=about, no_args_is_help=True)


def _output_options(function: F) -> F:
    """``--json`` and ``--quiet`` may stand after the command as well as before it."""
    for flag, about in (("quiet", "Say only what was asked for."), ("json", "Report as JSON on stdout.")):
        function = click.option(f"--{flag}", is_flag=True, expose_value=False, callback=_switch, help=about)(function)
    return function


def _switch(ctx: click.Context, option: click.Parameter, value: bool) -> bool:
    session = ctx.find_object(Session)
    if value and session is not None and option.name:
        setattr(session.output, option.name, True)
    return value
