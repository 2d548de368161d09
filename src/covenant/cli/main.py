"""Where the program begins and ends: options, the command, and the exit code.

Importing this module loads click and little else; each command loads what it needs.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from covenant import __version__
from covenant.cli import exits
from covenant.cli.group import LazyGroup
from covenant.cli.output import Output
from covenant.cli.parameters import interval, pair
from covenant.cli.session import Said, Session
from covenant.kernel.errors import CovenantError


class Terminated(BaseException):
    """SIGTERM, for work that has nothing to save: it ends like a keyboard interrupt."""


@click.group(
    cls=LazyGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="covenant %(version)s")
@click.option("--vault", metavar="URL", help="The vault: a folder, s3:…, gs:…, az:…, or its name in covenant.toml.")
@click.option("--password-file", type=click.Path(path_type=Path), metavar="FILE", help="The password is in this file.")
@click.option("--password-command", metavar="COMMAND", help="This program prints the password.")
@click.option("-c", "--config", type=click.Path(path_type=Path), metavar="FILE", help="The covenant.toml to follow.")
@click.option(
    "-o",
    "--option",
    "options",
    type=pair,
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the store (region=…).",
)
@click.option("--json", is_flag=True, help="Report as JSON on stdout.")
@click.option("--quiet", is_flag=True, help="Say only what was asked for.")
@click.option("--verbose", is_flag=True, help="With an error, show where in the program it came from.")
@click.option("--no-progress", is_flag=True, help="Show no progress, even on a terminal.")
@click.option("--cache-dir", type=click.Path(path_type=Path), metavar="DIR", help="Cache indexes here.")
@click.option("--no-cache", is_flag=True, help="Cache nothing.")
@click.option("--wait-lock", type=interval, metavar="TIME", help="Wait this long for a locked vault (10m).")
@click.option("--no-lock", is_flag=True, help="Read without a lock, from a store that cannot be written.")
@click.pass_obj
def covenant(
    session: Session,
    vault: str | None,
    password_file: Path | None,
    password_command: str | None,
    config: Path | None,
    options: tuple[tuple[str, str], ...],
    json: bool,
    quiet: bool,
    verbose: bool,
    no_progress: bool,
    cache_dir: Path | None,
    no_cache: bool,
    wait_lock: timedelta | None,
    no_lock: bool,
) -> None:
    """Covenant keeps what people cannot make again, and proves it by restoring.

    The vault is a repository in restic's format. Which one, and its password, are said before the command, in
    covenant.toml, or by COVENANT_VAULT and COVENANT_PASSWORD_FILE (RESTIC_REPOSITORY and its kin are understood).
    """
    session.output.json |= json
    session.output.quiet |= quiet
    session.said = Said(
        vault=vault,
        password_file=password_file,
        password_command=password_command,
        config=config,
        cache_dir=cache_dir,
        no_cache=no_cache,
        wait_seconds=wait_lock.total_seconds() if wait_lock else 0,
        no_lock=no_lock,
        no_progress=no_progress,
        verbose=verbose,
        options=dict(options),
    )


def main() -> NoReturn:
    """Run the program, and end the process with its exit code."""
    gc.set_threshold(100_000, 50, 50)  # nearly all that is made in bulk has no cycles
    signal.signal(signal.SIGTERM, _terminate)
    session = Session(Output.standard())
    code = run(session, sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _pipe_closed()
    sys.exit(code)


def run(session: Session, arguments: list[str]) -> int:
    """Carry out one command line; returns its exit code. Every error ends here."""
    session.words = tuple(arguments[: arguments.index("wal")]) if "wal" in arguments else ()
    code = _carried_out(session, arguments)
    recovering = "wal" in arguments and "fetch" in arguments  # even a wrong command line must not look like the end
    return exits.for_recovery(code) if recovering else code


def _carried_out(session: Session, arguments: list[str]) -> int:
    session.output.json |= "--json" in arguments  # so that even a wrong command line is answered in JSON
    try:
        result: Any = covenant.main(arguments, prog_name="covenant", standalone_mode=False, obj=session)
        code = result if isinstance(result, int) else exits.DONE
        session.output.findings(session.output.noticed)
        return exits.FINDINGS if code == exits.DONE and session.output.noticed else code
    except CovenantError as error:
        code = exits.code_of(error)
        session.output.failure(error, code)
        return _traced(session, code)
    except click.exceptions.NoArgsIsHelpError as error:
        session.output.err.write(error.format_message() + "\n")
        return exits.USAGE
    except click.ClickException as error:
        return _misused(session, error)
    except (KeyboardInterrupt, click.Abort):
        return _stopped(session, exits.INTERRUPTED)
    except Terminated:
        return _stopped(session, exits.TERMINATED)
    except BrokenPipeError:
        return _pipe_closed()
    except Exception as error:  # noqa: BLE001 - the last place where it can be said in words
        message, hint = _unforeseen(error)
        session.output.error(message, hint, exits.DEFECT, type(error).__name__)
        return _traced(session, exits.DEFECT)


def _unforeseen(error: Exception) -> tuple[str, str]:
    """What is said of an error that is none of ours."""
    kind = type(error).__name__
    if kind == "BrokenProcessPool":
        hint = "The system kills processes when memory runs out. Run it again: what was done already is not lost."
        return "a worker process was killed", hint
    if isinstance(error, MemoryError):
        return "there is not enough memory", "Close other programs, or run it on a larger machine."
    return f"unexpected {kind}: {error}", "This is a defect of Covenant; '--verbose' before the command shows where."


def _misused(session: Session, error: click.ClickException) -> int:
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "covenant"
    message = error.format_message().rstrip(".")
    session.output.error(
        message[:1].lower() + message[1:], f"Run '{command} --help' to see how.", exits.USAGE, "UsageError"
    )
    return exits.USAGE


def _stopped(session: Session, code: int) -> int:
    session.output.error("stopped by a signal", "", code, "Interrupted")
    return code


def _traced(session: Session, code: int) -> int:
    if session.said.verbose:
        import traceback

        traceback.print_exc(file=session.output.err)
    return code


def _pipe_closed() -> int:
    """Whoever read our output has seen enough (``| head``): nothing more is to be said, not even by Python."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return exits.PIPE_CLOSED


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated
