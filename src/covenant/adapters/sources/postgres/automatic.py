"""The best grade that a server allows, found by asking for it: a base backup, and where that cannot be had, a dump.

A server that does not answer is no reason to be content with less: that fails, and is tried again. What falls to a dump
is a finding each time, until ``covenant.toml`` says that a dump is what is wanted.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from covenant.adapters.sources.postgres import commands
from covenant.adapters.sources.postgres.dumping import Dumping, PostgresDump
from covenant.adapters.sources.postgres.source import OLDEST, BaseBackup, PostgresSource
from covenant.adapters.sources.postgres.wire import Wire
from covenant.kernel.errors import SourceError, SourceUnavailable
from covenant.kernel.findings import Finding
from covenant.kernel.progress import Progress
from covenant.protect.before import Before


@dataclass(frozen=True, slots=True)
class AutomaticSource:
    """A server, kept as well as it lets itself be kept."""

    physical: PostgresSource
    dump: PostgresDump

    @property
    def name(self) -> str:
        """The name that the user gave it."""
        return self.physical.name

    @contextlib.contextmanager
    def receive(
        self, before: Before | None, stop: threading.Event, progress: Progress
    ) -> Iterator[BaseBackup | Dumping]:
        """Begin a backup of the best grade that holds. Raises ``SourceError``."""
        why = self._why_not(stop)
        if not why:
            with self.physical.receive(before, stop, progress) as backup:
                yield backup
            return
        with self.dump.receive(before, stop, progress) as dumping:
            hint = f"'covenant doctor {self.name}' says what is missing; grade = 'dump' says that a dump is wanted."
            dumping.findings.append(Finding("kept-by-dump", self.name, f"no base backup can be had: {why}", hint))
            yield dumping

    def _why_not(self, stop: threading.Event) -> str:
        """Why there can be no base backup; ``""`` where there can. Raises ``SourceUnavailable``."""
        try:
            with Wire.connect(self.physical.address, stop) as wire:
                if wire.major < OLDEST:
                    return f"the server is PostgreSQL {wire.major}, and {OLDEST} or later is needed"
                commands.identify(wire)
                level = commands.shown(wire, "wal_level")
                return f"wal_level is {level}" if level == "minimal" else ""
        except SourceUnavailable:
            raise
        except SourceError as error:
            return error.message
