"""All commands by name. A command's module is loaded when it is called, for starting must be quick."""

from __future__ import annotations

from importlib import import_module

import click

SECTIONS: dict[str, tuple[str, ...]] = {
    "Bring in and bring back": ("init", "backup", "restore", "recover", "dump"),
    "Keep the promises": ("run", "status", "objectives", "runs", "log", "wal"),
    "Look": ("snapshots", "ls", "find", "diff", "stats", "cat"),
    "Prove and mend": ("doctor", "check", "verify", "drill", "evidence", "kit", "runbook", "repair"),
    "Let go": ("forget", "prune", "rewrite", "tag"),
    "Look after the vault": ("key", "unlock", "copy", "store", "region", "lock"),
    "Around": ("alerts", "catalog", "config", "policy", "completion", "version"),
}


class LazyGroup(click.Group):
    """The top of the command line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the help."""
        return [name for names in SECTIONS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found = getattr(import_module(f"covenant.cli.commands.{cmd_name}"), cmd_name)
        assert isinstance(found, click.Command)  # each module defines the command of its name
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; a slip of the finger is answered with the nearest name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.list_commands(ctx), 1)
            raise click.UsageError(
                f"no such command '{args[0]}'" + (f", did you mean '{near[0]}'?" if near else ""), ctx
            ) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands, section by section."""
        for section, names in SECTIONS.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(section):
                formatter.write_dl(
                    [(name, found.get_short_help_str(limit=80)) for name, found in commands if found is not None]
                )
