"""The log as a channel, and what remembers who was told what."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from covenant.adapters.channels.log import LogChannel
from covenant.adapters.channels.remembered import CatalogMemory
from covenant.catalog.catalog import open_catalog
from covenant.kernel.errors import ChannelError, LeaseLost
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


def test_what_is_saved_is_loaded_elsewhere(tmp_path: Path) -> None:
    """Who opens the same catalog has what was saved last, wherever its own files lie; before that there is nothing."""
    with open_catalog(tmp_path / "catalog.db") as here, open_catalog(tmp_path / "catalog.db") as there:
        memory = CatalogMemory(here, tmp_path / "here" / "alerts.json")
        before = memory.load()

        memory.save("first")
        memory.save("second")

        assert ("", "second") == (before, CatalogMemory(there, tmp_path / "there" / "alerts.json").load())


def test_nothing_is_written_over_what_another_remembered(tmp_path: Path) -> None:
    """Who was taken over from while it told people, and wakes, leaves what the other has told since."""
    with open_catalog(tmp_path / "catalog.db") as catalog:
        frozen, other = (CatalogMemory(catalog, tmp_path / name) for name in ("frozen", "other"))
        frozen.load()
        other.load()
        other.save("told by the other")

        with pytest.raises(LeaseLost):
            frozen.save("told by the frozen one")
        frozen.load()
        frozen.save("told by both")
        with pytest.raises(LeaseLost):
            other.save("told again")

        assert "told by both" == other.load()


def test_a_file_of_before_is_gone_on_from(tmp_path: Path) -> None:
    """What lay in a file before the catalog had room for it counts until something is saved."""
    (tmp_path / "alerts.json").write_text("told long ago")
    with open_catalog(tmp_path / "catalog.db") as catalog:
        memory = CatalogMemory(catalog, tmp_path / "alerts.json")
        before = memory.load()
        memory.save("told now")

        assert ("told long ago", "told now") == (before, memory.load())
