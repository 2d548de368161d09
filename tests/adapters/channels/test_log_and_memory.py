"""The log as a channel, and the file that remembers who was told what."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from covenant.adapters.channels.log import LogChannel
from covenant.adapters.channels.remembered import StateFile
from covenant.kernel.errors import ChannelError
from covenant.respond.condition import Severity


def test_the_log_has_every_line() -> None:
    """A message in the log is its title, and its text indented below."""
    log = io.StringIO()

    LogChannel(log.write).send("CRITICAL: x", "one\ntwo", Severity.CRITICAL)

    assert "CRITICAL: x\n  one\n  two\n" == log.getvalue()


def test_a_log_that_cannot_be_written_is_an_error() -> None:
    """A log on a full disk has told nobody."""
    log = io.StringIO()
    log.close()

    with pytest.raises(ChannelError):
        LogChannel(log.write).send("CRITICAL: x", "one", Severity.CRITICAL)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """The file has what was saved last; before that it is empty. Nobody else may read it."""
    memory = StateFile(tmp_path / "state" / "alerts.json")
    before = memory.load()

    memory.save("first")
    memory.save("second")

    assert ("", "second") == (before, memory.load())
    assert ["alerts.json"] == [path.name for path in (tmp_path / "state").iterdir()]
    assert 0 == (tmp_path / "state" / "alerts.json").stat().st_mode & 0o077
