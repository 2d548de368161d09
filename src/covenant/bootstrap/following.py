"""A change log as the loop has it followed: sealed into its vault, and what is known of it entered in the catalog.

What is known is a proof of the kind ``log``, added when it changes: *passed*, *failed* where there is a gap, and *could
not verify* where the stream breaks off again and again or its slot runs short of room. The log itself does not wait for
the catalog: where that does not answer, it is sealed all the same.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from covenant.bootstrap import OpenVault, logs, remembering
from covenant.bootstrap.log_keeping import Merging
from covenant.catalog.records import Proof
from covenant.kernel.errors import CatalogError
from covenant.kernel.spans import place_text

if TYPE_CHECKING:
    from covenant.adapters.sources.postgres.watching import Health
    from covenant.catalog.catalog import Catalog
    from covenant.kernel.clock import Clock
    from covenant.kernel.errors import CovenantError
    from covenant.kernel.findings import Finding
    from covenant.loop.ports import Say
    from covenant.protect.sealing import Sealed
    from covenant.settings.environment import Environment
    from covenant.settings.values import Source

KIND = "log"
PASSED, FAILED, UNKNOWN = "passed", "failed", "could not verify"
_FAILURES_TOLD = 3
"""So often a stream breaks off in a row before that is more than a passing matter."""


@dataclass(slots=True)
class LogStates:
    """What is known of each source's log, kept as proofs and written only when it changes."""

    catalog: Catalog
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _entered: dict[str, tuple[str, str]] = field(default_factory=dict)

    def enter(self, source: str, vault: str, verdict: str, detail: str, clock: Clock, *, of: str = "") -> None:
        """Add a proof unless the last one says the same. A gap is not taken back by a log that goes on behind it.

        ``of`` is what the detail begins with while it speaks of the same matter, whose numbers may change.
        """
        with self._lock, contextlib.suppress(CatalogError):
            if self._entered.get(source) == (verdict, of or detail):
                return
            last = self.catalog.history().source(source).proofs.get(KIND)
            if last is not None and last.verdict == verdict and last.detail.startswith(of or detail):
                self._entered[source] = verdict, of or detail
                return
            if last is not None and last.verdict == FAILED and verdict != FAILED and self._open_gap(source):
                return
            now = clock.now()
            self.catalog.prove(Proof(subject=source, kind=KIND, at=now, verdict=verdict, detail=detail, vault=vault))
            self._entered[source] = verdict, of or detail

    def _open_gap(self, source: str) -> bool:
        from covenant.loop.due import gap_since

        return gap_since(self.catalog.history().source(source)) is not None


@dataclass(slots=True)
class LogFollowing:
    """One source's log, followed until ``stop``."""

    source: Source
    opened: OpenVault
    environment: Environment
    states: LogStates
    entering: threading.Lock
    """Held while the catalog is made to agree with a vault."""
    stop: threading.Event
    say: Say
    confirm: Callable[[], None]
    noticed: Callable[[], None]
    _short: str = ""
    _merging: Merging | None = None

    def run(self) -> None:
        """Follow. Raises what breaks it off."""
        from covenant.protect.following import Following, follow
        from covenant.settings import values

        source, opened = self.source, self.opened
        log = logs.log_source(
            source, self.environment.variables, opened.clock, self._found, self._watched, opened.vault
        )
        assert isinstance(source.system, values.Postgres)
        last = logs.pieces(opened.vault, source.name)
        self._merging = Merging(opened, source.name)
        self.say("log-followed", f"{len(last)} pieces are in the vault", "")
        job = logs.sealing_job(opened, source.name, self.confirm)
        try:
            follow(Following(log, job, last, source.system.log_interval, self.stop, self._sealed))
        finally:
            self._merging.finish()

    def _sealed(self, sealed: Sealed) -> None:
        """Enter a piece in the catalog, and what it says of the log."""
        name, vault, catalog = self.source.name, self.source.vault, self.states.catalog
        kept = remembering.kept_of(sealed.piece.snapshot, vault)
        with self.entering, contextlib.suppress(CatalogError):
            catalog.take_up(vault, [kept], catalog.known(vault), now=self.opened.clock.now())
        if not self._short:
            said = f"kept up to {place_text(sealed.piece.span.end)}"
            self.states.enter(name, vault, PASSED, said, self.opened.clock, of="kept up to")
        assert self._merging is not None
        self._merging.when_due()

    def _found(self, finding: Finding) -> None:
        """The log has a gap, or begins anew: a backup is due."""
        self.states.enter(self.source.name, self.source.vault, FAILED, finding.message, self.opened.clock)
        self.say(finding.kind, finding.message, finding.hint)
        self.noticed()

    def _watched(self, health: Health) -> None:
        """How the slot is; told when it becomes worse or well again."""
        from covenant.adapters.sources.postgres.watching import trouble

        finding = trouble(health)
        kind = finding.kind if finding is not None else ""
        if finding is not None and kind != self._short and not health.lost:
            self.say(finding.kind, f"{finding.subject}: {finding.message}", finding.hint)
            of = f"{finding.subject} {finding.kind}"
            said = f"{of}: {finding.message}"
            self.states.enter(self.source.name, self.source.vault, UNKNOWN, said, self.opened.clock, of=of)
        self._short = kind


def log_failed(states: LogStates, source: Source, error: CovenantError, failures: int, clock: Clock) -> None:
    """Enter that a stream breaks off, once it does so again and again."""
    if failures >= _FAILURES_TOLD:
        of = "it cannot be followed"
        states.enter(source.name, source.vault, UNKNOWN, f"{of}: {error.message}", clock, of=of)
