"""What is shown, and to whom: text, JSON, a terminal, a pipe."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import subprocess
import sys
from datetime import timedelta

import click
import pytest
from click.testing import CliRunner

from covenant.cli import formats
from covenant.cli.group import SECTIONS
from covenant.cli.main import covenant
from covenant.cli.output import Output, json_text
from covenant.cli.parameters import pair, share_or_size, size
from covenant.cli.session import Session
from tests.cli.conftest import Studio
from tests.cli.running import clean_environment, here

COMMANDS = [name for names in SECTIONS.values() for name in names]


def output(*, json: bool = False, quiet: bool = False) -> tuple[Output, io.StringIO, io.StringIO]:
    """An output, and what it writes to."""
    out, err = io.StringIO(), io.StringIO()
    return Output(json=json, quiet=quiet, out=out, err=err), out, err


def test_a_table_in_a_pipe_is_aligned_text() -> None:
    """Columns stand below one another, numbers to the right, no colour, no trailing blanks."""
    shown, out, _ = output()

    shown.table(("Name", "Size"), [("a", "1"), ("long name", "1000")], right=(1,))

    assert "Name       Size\na             1\nlong name  1000\n" == out.getvalue()


def test_a_name_cannot_steer_a_terminal() -> None:
    """Control characters in what is shown appear as numbers."""
    shown, out, err = output()

    shown.table(("Name",), [("\x1b[2J\nevil",)])
    shown.error("no '\x1b]0;x\x07'", "", 2, "UsageError")

    assert "\x1b" not in out.getvalue() + err.getvalue()
    assert "\\x1b[2J\\x0aevil" in out.getvalue()


def test_json_is_one_line_even_for_names_that_are_not_utf_8() -> None:
    """Bytes that are no text survive as escapes."""
    assert '{"path":"\\udcff"}' == json_text({"path": os.fsdecode(b"\xff")})


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1048575, "1.0 MiB"), (3 << 30, "3.0 GiB")]
)
def test_sizes(count: int, text: str) -> None:
    """A size has the unit in which it is short."""
    assert text == formats.size(count)


@pytest.mark.parametrize(
    ("length", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (65, "1 min 05 s"), (7380, "2 h 03 min")]
)
def test_durations(length: float, text: str) -> None:
    """A duration has two units at most."""
    assert text == formats.seconds(length)


def test_ages() -> None:
    """An age is told in its two largest units."""
    assert "3 d 4 h" == formats.age(timedelta(days=3, hours=4, minutes=5))


@pytest.mark.parametrize(("text", "count"), [("500", 500), ("2k", 2048), ("2KiB", 2048), ("1 GB", 1 << 30)])
def test_sizes_are_read(text: str, count: int) -> None:
    """A number and a unit of 1024s."""
    assert count == size(text)


def test_a_share_is_told_from_a_size() -> None:
    """Percent is a share, a number is bytes, and 'unlimited' is all."""
    assert [0.05, 1 << 20, 1.0] == [share_or_size(text) for text in ("5%", "1M", "unlimited")]


def test_an_option_that_may_be_secret_is_not_quoted_back() -> None:
    """A secret that was typed without its key does not appear in the error."""
    with pytest.raises(click.BadParameter) as refused:
        pair("hush")

    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    """Help says what it does, gives an example and the exit codes; so does that of every member of a family."""
    texts = [help_of(command)]
    if "Commands:" in texts[0]:
        members = re.findall(r"^  ([a-z]+) ", texts[0].partition("Commands:")[2].partition("\n\n")[0], re.MULTILINE)
        assert members
        texts = [help_of(command, member) for member in members]

    assert all("Examples:" in text and "Exit codes:" in text and "--json" in text for text in texts)


def help_of(*words: str) -> str:
    """What ``--help`` prints; click writes it to the process's own stdout."""
    return CliRunner().invoke(covenant, [*words, "--help"], obj=Session(output()[0])).output


def test_a_pipe_sees_no_bars_and_no_colours(studio: Studio) -> None:
    """Nothing on stderr, no escape on stdout."""
    ran = studio.apart("backup", "--path", studio.photos)

    assert (0, "") == (ran.code, ran.err)
    assert "\x1b" not in ran.out


@pytest.mark.parametrize("words", [("--quiet", "backup"), ("backup", "--quiet")])
def test_quiet_is_quiet(studio: Studio, words: tuple[str, ...]) -> None:
    """Before or after the command: nothing is said where nothing is wrong."""
    ran = studio.here(*words, "--path", studio.photos)

    assert (0, "", "") == (ran.code, ran.out, ran.err)


def on_a_terminal(studio: Studio, *words: object) -> tuple[int, str]:
    """Run the program on a terminal of its own; its exit code and all that was shown there."""
    ours, its = pty.openpty()
    environment = clean_environment(studio.home, TERM="xterm-256color", COLUMNS="120")
    command = [sys.executable, "-m", "covenant", *map(str, words)]
    process = subprocess.Popen(command, env=environment, cwd=studio.home, stdin=its, stdout=its, stderr=its)
    os.close(its)
    shown = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break
        if b": " in chunk and (b"password" in chunk or b"again" in chunk):
            os.write(ours, b"typed\n")
        shown += chunk
    os.close(ours)
    return process.wait(timeout=60), shown.decode()


def test_a_terminal_sees_progress_and_tables(studio: Studio) -> None:
    """While a backup runs a bar is drawn; the report stands below."""
    (studio.photos / "film.mov").write_bytes(os.urandom(64 << 20))

    code, shown = on_a_terminal(studio, *studio.before, "backup", "--path", studio.photos)
    _, listed = on_a_terminal(studio, *studio.before, "snapshots")

    assert 0 == code
    assert "MB" in shown or "MiB" in shown
    assert "snapshot " in shown
    assert "\x1b[1m" in listed


def test_progress_can_be_switched_off(studio: Studio) -> None:
    """With --no-progress a terminal sees the report alone."""
    _, shown = on_a_terminal(studio, *studio.before, "--no-progress", "backup", "--path", studio.photos)

    assert "\x1b" not in shown


def test_a_password_is_asked_for_at_a_terminal(studio: Studio) -> None:
    """Init asks twice, later commands once, and what is typed is not shown."""
    vault = ("--vault", studio.home / "typed-vault", "--no-cache")

    made, shown = on_a_terminal(studio, *vault, "init")
    opened, _ = on_a_terminal(studio, *vault, "snapshots")

    assert (0, 0) == (made, opened), shown
    assert "the same again" in shown
    assert "typed\r" not in shown


def test_the_version_is_told() -> None:
    """In words and in JSON."""
    from covenant import __version__

    assert __version__ in here("version").out
    assert __version__ == here("version", "--json").document["version"]
