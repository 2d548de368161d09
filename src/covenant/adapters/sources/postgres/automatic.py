"""The best grade that a server allows, found by asking for it: a base backup, and where that cannot be had, a dump.

A server that does not answer is no reason to be content with less: that fails, and is tried again. What falls to a dump
is a finding each time, until ``covenant.toml`` says that a dump is what is wanted.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from covenant.adapters.sources.postgres.dumping import Dumping, PostgresDump
from covenant.adapters.sources.postgres.source import BaseBackup, PostgresSource
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
        with contextlib.ExitStack() as held:
            try:
                backup = held.enter_context(self.physical.receive(before, stop, progress))
            except SourceUnavailable:
                raise
            except SourceError as error:
                why = error.message
            else:
                yield backup
                return
            dumping = held.enter_context(self.dump.receive(before, stop, progress))
            hint = f"'covenant doctor {self.name}' says what is missing; grade = 'dump' says that a dump is wanted."
            dumping.findings.append(Finding("kept-by-dump", self.name, f"no base backup can be had: {why}", hint))
            yield dumping
