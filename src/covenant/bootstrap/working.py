"""The loop's worker over real vaults: each is opened once, so its password is hashed once, and begun anew by each run.

A run reads the vault's index after it holds the vault, never before: what others pruned meanwhile is not trusted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.bootstrap import OpenVault, chores, jobs, remembering
from covenant.bootstrap.following import LogFollowing, LogStates, log_failed
from covenant.bootstrap.promising import keep_promises
from covenant.bootstrap.sources import build_source, source_paths
from covenant.catalog.records import Outcome
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import CovenantError, DamageError, ObjectMissing

if TYPE_CHECKING:
    from pathlib import Path

    from covenant.catalog.catalog import Catalog
    from covenant.kernel.clock import Clock
    from covenant.kernel.policy import Policy
    from covenant.kernel.progress import Progress
    from covenant.loop.due import Due
    from covenant.loop.ports import Say
    from covenant.protect.backup import Outcome as BackupOutcome
    from covenant.settings.environment import Environment
    from covenant.settings.values import Settings, Source
    from covenant.vault.snapshot import Snapshot
    from covenant.vault.vault import Vault

_LOCK_SECONDS = 60.0
_RECORDED_AFTER = frozenset({"forget", "check"})
"""The chores after which what has weight in the catalog is kept in the vault too: about twice a day."""


@dataclass(slots=True)
class Working:
    """Carries out what is due. ``settings`` and ``policy`` give what holds at the moment."""

    settings: Callable[[], Settings]
    policy: Callable[[], Policy]
    open: Callable[[str], OpenVault]
    catalog: Catalog
    environment: Environment
    marks: Path
    """The folder where it is remembered what was read back when."""
    state_dir: Path
    clock: Clock
    password: Callable[[str], str] = field(repr=False)
    _opened: dict[str, OpenVault] = field(default_factory=dict)
    _opening: threading.Lock = field(default_factory=threading.Lock)
    _agreeing: threading.Lock = field(default_factory=threading.Lock)
    _log_states: LogStates = field(init=False)

    def __post_init__(self) -> None:
        self._log_states = LogStates(self.catalog)

    def vault(self, name: str) -> OpenVault:
        """The vault, opened once, with nothing of it read yet."""
        with self._opening:
            if name not in self._opened:
                self._opened[name] = self.open(name)
            opened = self._opened[name]
        return replace(opened, vault=opened.vault.anew())

    def look(self, vault: str) -> None:
        opened = self.vault(vault)
        self._agree(vault, opened.vault, opened.clock.now())

    def carry_out(self, due: Due, progress: Progress, stop: threading.Event, confirm: Callable[[], None]) -> Outcome:
        if due.drill:
            return self._drill(due, progress, stop, confirm)
        opened = self.vault(due.vault)
        if not due.chore:
            return self._backup(due, opened, progress, stop, confirm)
        task = chores.Task(
            due, opened, self.settings(), self.policy(), self.catalog, progress, confirm, stop, self.marks
        )
        done = chores.carry_out(task)
        self._agree(due.vault, opened.vault, opened.clock.now())
        if due.kind in _RECORDED_AFTER:
            with opened.held("shared", _LOCK_SECONDS) as held:
                remembering.record(self.catalog, due.vault, held.vault, held.appending, held.clock.now())
        return done

    # -- change logs ----------------------------------------------------------------------------------------------

    def follow(
        self, source: str, stop: threading.Event, say: Say, confirm: Callable[[], None], noticed: Callable[[], None]
    ) -> None:
        found = self.settings().sources[source]
        opened = self.vault(found.vault)
        LogFollowing(
            found, opened, self.environment, self._log_states, self._agreeing, stop, say, confirm, noticed
        ).run()

    def log_failed(self, source: str, error: CovenantError, failures: int) -> None:
        found = self.settings().sources.get(source)
        if found is not None:
            log_failed(self._log_states, found, error, failures, SystemClock())

    # -- backups --------------------------------------------------------------------------------------------------

    def _backup(
        self,
        due: Due,
        opened: OpenVault,
        progress: Progress,
        stop: threading.Event,
        confirm: Callable[[], None],
    ) -> Outcome:
        from covenant.protect.backup import backup

        settings = self.settings()
        source = settings.sources[due.subject]
        with opened.held("shared", _LOCK_SECONDS) as held:
            self._agree(due.vault, held.vault, opened.clock.now())
            keep_promises(held, settings, due.vault)
            parent = self._parent(due, source, held.vault)
            job = jobs.backup_job(
                held,
                build_source(source, self.environment.variables),
                kind="incremental" if due.kind == "log" else due.kind,
                parent=parent,
                tags=source.tags,
                settings=jobs.manner(held, settings.limits, self.environment),
                stop=stop,
                confirm=confirm,
            )
            job.progress = progress
            progress.expect(**jobs.expected(parent))
            outcome = backup(job)
        self._agree(due.vault, opened.vault, opened.clock.now())
        return _told(outcome)

    def _parent(self, due: Due, source: Source, vault: Vault) -> Snapshot | None:
        """What the backup builds on, found in the catalog and read from the vault; without it everything is read."""
        from covenant.protect.parenthood import WHOLE
        from covenant.vault.snapshot import LOG

        if due.kind in WHOLE:
            return None
        kinds = self.catalog.history().source(source.name).kinds
        states = {kind: kept for kind, kept in kinds.items() if kind != LOG}
        fitting = [kept for kind, kept in states.items() if due.kind != "differential" or kind in WHOLE]
        newest = max(fitting, key=lambda kept: kept.time, default=None)
        try:
            found = vault.load_snapshot(newest.id) if newest is not None else None
        except (ObjectMissing, DamageError):
            return None
        paths = sorted(source_paths(source))
        return found if found is not None and sorted(found.paths or ()) == paths else None

    # -- drills ---------------------------------------------------------------------------------------------------

    def _drill(self, due: Due, progress: Progress, stop: threading.Event, confirm: Callable[[], None]) -> Outcome:
        from covenant.bootstrap import drilling
        from covenant.bootstrap.leaving import leave_report
        from covenant.prove.record import Level

        company = drilling.Company(
            settings=self.settings(),
            policy=self.policy(),
            opened=self.vault,
            password=self.password,
            catalog=self.catalog,
            state_dir=self.state_dir,
            clock=self.clock,
            variables=self.environment.variables,
            stop=stop,
            progress=progress,
            confirm=confirm,
        )
        record = drilling.hold(company, drilling.Order(level=Level(due.subject), due_at=due.due_at, by="covenant run"))
        drilling.seal(company, record)
        return leave_report(company, record, drilling.outcome_of(record))

    # -- what a vault holds ---------------------------------------------------------------------------------------

    def _agree(self, name: str, vault: Vault, now: datetime) -> None:
        """Take up what the vault has and the catalog does not know, and drop what the vault no longer has."""
        with self._agreeing:
            if frozenset(vault.snapshot_ids()) != self.catalog.known(name):
                remembering.take_up(self.catalog, name, vault, now)


def _told(outcome: BackupOutcome) -> Outcome:
    """What a backup came to, in the catalog's words."""
    tally, added, findings = outcome.tally, outcome.added, outcome.findings
    return Outcome(
        snapshot_id=outcome.snapshot.id,
        tally={
            "files": tally.files,
            "bytes": tally.bytes,
            "files_new": tally.files_new,
            "files_changed": tally.files_changed,
            "files_gone": tally.files_gone,
            "added_bytes": added.data_bytes + added.tree_bytes,
            "stored_bytes": added.stored_bytes,
        },
        findings=len(findings),
        message=f"{len(findings)} findings, the first: {findings[0]}" if findings else "",
        hint=findings[0].hint if findings else "",
    )
