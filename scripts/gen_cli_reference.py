"""Makes docs/reference/cli.md from the command line itself; scripts/docs.py writes and checks it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from covenant.cli import exits
from covenant.cli.command import EXITS, Command
from covenant.cli.main import covenant

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "cli.md"

HEAD = """\
# The command line

<!-- Written by scripts/docs.py from the program's own help. Change that, not this. -->

Options that concern every command stand before it: `covenant --vault /srv/vault backup`. `--json` and `--quiet` may
also stand after it. Reports go to stdout, findings and errors to stderr.
"""


def page() -> str:
    """The whole page."""
    context = click.Context(covenant, info_name="covenant", **covenant.context_settings)
    parts = [HEAD, *_options(covenant, context), "\n## Exit codes\n", _exit_codes()]
    for name in covenant.list_commands(context):
        found = covenant.get_command(context, name)
        assert found is not None
        parts += _command(found, click.Context(found, context, name), 2)
    return "\n".join(parts)


def _command(command: click.Command, context: click.Context, depth: int) -> Iterator[str]:
    """One command, and those of its family."""
    yield f"\n{'#' * depth} covenant {' '.join(context.command_path.split()[1:])}\n"
    yield _prose(command.help or "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _command(below, click.Context(below, context, name), depth + 1)
        return
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"```text\n{usage}\n```\n"
    yield from _options(command, context)
    if isinstance(command, Command):
        if command.examples:
            yield "\nExamples:\n"
            yield "```console\n" + "\n".join(f"$ {example}" for example in command.examples) + "\n```\n"
        yield f"Exit codes: {', '.join(str(code) for code in sorted(command.exits))}."


def _prose(text: str) -> str:
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]
    return "\n\n".join(paragraphs) + "\n"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    yield "| option | |"
    yield "|---|---|"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None:
            option, about = (text.replace("|", "\\|") for text in record)
            yield f"| `{option}` | {about} |"


def _exit_codes() -> str:
    """Every code, as the help texts put it, and those that only errors of ours have."""
    lines = ["| code | |", "|---|---|"]
    lines += [f"| {code} | {EXITS[code]} |" for code in sorted(EXITS)]
    lines += [f"| {exits.DEFECT} | a defect of Covenant |"]
    return "\n".join(lines)
