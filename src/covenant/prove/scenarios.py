"""What a disaster leaves to restore from, acted out: which way into the vault, which snapshot, which part of it.

    data-centre-outage     the primary region is away; what is left must do
    database-corruption    the newest snapshot holds what was corrupted, in a copy; it must be noticed, and the one
                           before it is restored
    security-breach        the newest from before the breach, read with a password that nobody could have stolen; what
                           was deleted since is told, for a restore would bring it back
    human-error            something that was deleted, and it alone

How much would be lost is counted from what happened: from now, from the breach, from the snapshot that is no good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from covenant.kernel.answers import Answer, Result
from covenant.kernel.errors import DamageError, ObjectMissing, SnapshotMissing
from covenant.prove.planting import Ground
from covenant.prove.ports import Access, Journey, Probe, Server, Vaults
from covenant.prove.record import Scenario, Step
from covenant.prove.rehearsing import bring_back, judged, size_of
from covenant.prove.sample import smallest_file
from covenant.recover.difference import difference
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault

ERROR_AGO = timedelta(minutes=1)
"""So long before the end of its log a server is brought back from what somebody did to it."""

BREACH_AGO = timedelta(days=1)
"""So long ago a breach is assumed to have begun where nobody says when."""

TOGETHER = frozenset({Scenario.DATA_CENTRE_OUTAGE, Scenario.SECURITY_BREACH})
"""Disasters that befall everything at once: each source waits for those that go before it."""

NOTICED = "Is it noticed that the newest snapshot is corrupt?"
_NAMED = 5
_STRETCH = 512


@dataclass(frozen=True, slots=True)
class Cast:
    """What a source is restored from. ``lost`` is how much of its past that would cost."""

    access: Access
    snapshot: Snapshot
    lost: timedelta
    path: str = "/"
    how: str = ""
    steps: tuple[Step, ...] = ()
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scenario is acted out, at which moment, and from when on nothing is trusted (a breach)."""

    ground: Ground
    vaults: Vaults
    now: datetime
    before: datetime | None = None
    _read: dict[Vault, list[Snapshot]] = field(default_factory=dict)

    def snapshots(self, vault: Vault, source: str, until: datetime) -> list[Snapshot]:
        """The snapshots of a source that were taken by then, oldest first. Each vault's are read once."""
        if vault not in self._read:
            self._read[vault] = list(_readable(vault))
        fitting = (each for each in self._read[vault] if each.source == source and each.time <= until)
        return sorted(fitting, key=lambda snapshot: (snapshot.time, snapshot.id))

    @property
    def breach(self) -> datetime:
        """When the breach began."""
        return self.before if self.before is not None else self.now - BREACH_AGO


def cast(stage: Stage, scenario: Scenario | None, vault: str, source: str, probes: Sequence[Probe]) -> Cast:
    """Act out what happened to a source, as far as its restore. Raises ``SnapshotMissing`` where nothing is left to
    restore, ``Refusal`` where the scenario cannot be acted out, and the vault's and the store's errors."""
    if scenario is Scenario.DATA_CENTRE_OUTAGE:
        return _as_it_is(stage, stage.vaults.without_primary(vault), source)
    if scenario is Scenario.SECURITY_BREACH:
        return _breach(stage, stage.vaults.with_new_password(vault), source)
    access = stage.vaults.open(vault)
    if scenario is Scenario.DATABASE_CORRUPTION:
        return _corruption(stage, access, source, probes)
    if scenario is Scenario.HUMAN_ERROR:
        return _human_error(stage, access, source)
    return _as_it_is(stage, access, source)


def server_cast(stage: Stage, scenario: Scenario | None, vault: str, server: Server) -> tuple[Cast, Journey]:
    """The same for a server, which has a log: before a breach, before an error of a minute ago, or as late as can be
    had. Raises ``SnapshotMissing`` where nothing leads there, ``Refusal``, and the vault's and the store's errors."""
    if scenario is Scenario.DATA_CENTRE_OUTAGE:
        access = stage.vaults.without_primary(vault)
    elif scenario is Scenario.SECURITY_BREACH:
        access = stage.vaults.with_new_password(vault)
    else:
        access = stage.vaults.open(vault)
    goal = stage.breach if scenario is Scenario.SECURITY_BREACH else None
    journey = server.journey(access, goal)
    if scenario in (Scenario.DATABASE_CORRUPTION, Scenario.HUMAN_ERROR):
        goal = journey.until - ERROR_AGO
        journey = server.journey(access, goal)
    lost = (stage.now if goal is None else goal) - journey.until
    how = f"{access.how}{', ' if access.how else ''}its log to {journey.until:%Y-%m-%d %H:%M:%S}"
    return Cast(access, journey.base, max(lost, timedelta()), how=how), journey


def _readable(vault: Vault) -> Iterator[Snapshot]:
    """Every snapshot that can be read; damaged ones are for ``check`` to find."""
    for snapshot_id in vault.snapshot_ids():
        with suppress(ObjectMissing, DamageError):
            yield vault.load_snapshot(snapshot_id)


def _some(stage: Stage, access: Access, source: str, until: datetime, least: int = 1) -> list[Snapshot]:
    found = stage.snapshots(access.vault, source, until)
    if len(found) < least:
        number = "no snapshot" if not found else "only one snapshot"
        raise SnapshotMissing(
            f"{number} of source '{source}' is from before {until:%Y-%m-%d %H:%M}", "Keep it first: 'covenant backup'."
        )
    return found


def _as_it_is(stage: Stage, access: Access, source: str) -> Cast:
    newest = _some(stage, access, source, stage.now)[-1]
    return Cast(access, newest, stage.now - newest.time, how=access.how)


def _breach(stage: Stage, access: Access, source: str) -> Cast:
    began = stage.ground.bench.clock.monotonic()
    chosen, newest = _some(stage, access, source, stage.breach)[-1], _some(stage, access, source, stage.now)[-1]
    gone = [change.path for change in difference(access.vault, chosen, newest) if change.mark == "-"]
    named = ", ".join(islice(gone, _NAMED)) + (", …" if len(gone) > _NAMED else "")
    told = f"deleted since, and back with it: {len(gone):,}, {named}" if gone else "nothing was deleted since"
    replay = Step("replay", stage.ground.bench.clock.monotonic() - began, told)
    how = f"from before {stage.breach:%Y-%m-%d %H:%M}, {access.how}"
    return Cast(access, chosen, stage.breach - chosen.time, how=how, steps=(replay,))


def _human_error(stage: Stage, access: Access, source: str) -> Cast:
    """What is gone from the newest snapshot and was in the one before; else, what might be deleted next."""
    found = _some(stage, access, source, stage.now)
    newest, before = found[-1], found[-2] if len(found) > 1 else None
    changes = difference(access.vault, before, newest) if before else ()
    gone = next((change.path for change in changes if change.mark == "-" and change.kind == "file"), "")
    if before and gone:
        return Cast(access, before, newest.time - before.time, gone, how=f"{gone} was deleted, and is brought back")
    path = smallest_file(access, newest).path
    return Cast(access, newest, stage.now - newest.time, path, how=f"{path}, as if it had been deleted")


def _corruption(stage: Stage, access: Access, source: str, probes: Sequence[Probe]) -> Cast:
    before, newest = _some(stage, access, source, stage.now, least=2)[-2:]
    began = stage.ground.bench.clock.monotonic()
    answer = _noticed(stage, access, newest, source, probes)
    step = Step("corrupt", stage.ground.bench.clock.monotonic() - began, f"snapshot {newest.id[:8]}, in a copy")
    how = f"snapshot {newest.id[:8]} is no good, so the one before it"
    return Cast(access, before, newest.time - before.time, how=how, steps=(step,), answers=(answer,))


def _noticed(stage: Stage, access: Access, newest: Snapshot, source: str, probes: Iterable[Probe]) -> Answer:
    """Restore a file of the newest snapshot, corrupt it, and see whether anyone notices."""
    ground = stage.ground
    path = smallest_file(access, newest).path
    with ground.sandboxes.open(size_of(access, newest, path)) as sandbox:
        brought = bring_back(ground.bench, access, newest, sandbox, source, path, durable=False)
        _corrupt(brought.restored.place(path))
        for answer in judged(ground.bench, brought, probes):
            if answer.result is Result.FAILED:
                return replace(
                    answer, question=NOTICED, result=Result.PASSED, detail=f"{answer.question} {answer.detail}"
                )
    return Answer(NOTICED, Result.FAILED, f"{path} was corrupted, and every answer is as if it were not", 0.0)


def _corrupt(file: Path) -> None:
    """Have every byte of a stretch in the middle of a file say something else."""
    file.chmod(0o600)
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        sound = opened.read(_STRETCH)
        opened.seek(-len(sound), 1)
        opened.write(bytes(byte ^ 0xA5 for byte in sound))
