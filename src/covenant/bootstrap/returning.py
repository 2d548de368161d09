"""The sources of a recovery from nothing: which there are, in which order, and bringing each back and asking it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.bootstrap import OpenVault
from covenant.bootstrap.probing import system_of
from covenant.bootstrap.returning_cold import not_at_hand
from covenant.bootstrap.returning_server import is_server, server_back
from covenant.kernel.answers import Answer
from covenant.kernel.errors import CovenantError, Interrupted, TargetError, UsageError
from covenant.kernel.findings import Finding
from covenant.prove.asking import ask
from covenant.prove.ports import Aspect, Probe, Restored
from covenant.prove.probes.checksums import Checksums
from covenant.prove.record import Measured, SourceDrill, Step
from covenant.prove.recovery import SOURCES, Progressed, write_progress
from covenant.prove.rehearsing import came_back
from covenant.prove.telling import spelled
from covenant.recover.everything import newest_of_each
from covenant.recover.order import LAST, in_order, ranked
from covenant.settings import values
from covenant.vault.pieces import try_snapshots

if TYPE_CHECKING:
    from covenant.bootstrap.recovering import Bare, Watch
    from covenant.recover.job import RestoreOutcome
    from covenant.vault.snapshot import Snapshot

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SKEW = timedelta(minutes=5)
"""By so much the clocks of two machines may differ without anybody being told."""
_SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Returned:
    """One source that came back, or did not: which place it has among how many, and what it came to."""

    place: int
    of: int
    source: SourceDrill
    folder: str


@dataclass(slots=True)
class Returning:
    """What the work on the sources needs: what was asked, the vault, and what is known of its policy."""

    bare: Bare
    opened: OpenVault
    vault_name: str
    settings: values.Settings | None
    progressed: Progressed
    watch: Watch
    findings: list[Finding] = field(default_factory=list)

    @property
    def restoration(self) -> Mapping[str, tuple[str, ...]]:
        """What the policy says of the order."""
        return {} if self.settings is None else self.settings.commitments.get("restoration", {})

    def described(self, name: str) -> values.Source | None:
        """The source as the policy describes it."""
        return None if self.settings is None else self.settings.sources.get(name)

    @property
    def region(self) -> str:
        """The names of the regions that are read; the address where one has no name."""
        places = self.bare.opener.places
        if len(places) > 1:
            return ", ".join(place.name for place in places)
        url = places[0].spec.url
        vault = None if self.settings is None else self.settings.vaults.get(self.vault_name)
        return next((each.name for each in vault.regions if each.url == url), url) if vault else url


def bring_back(this: Returning) -> Progressed:
    """Bring every source back; how far it is then, with what each came to in the order in which they came."""
    snapshots = _newest(this)
    order = _order(this, snapshots)
    chosen = {name: this.progressed.chosen.get(name) or snapshots[name].id for name in order if name in snapshots}
    this.progressed = replace(this.progressed, chosen=chosen)
    write_progress(this.bare.target, this.progressed)
    for place, name in enumerate(order, 1):
        done = this.progressed.done.get(name)
        if done is None or done.why_not:
            done = _one(this, name)
            known = {**this.progressed.done, name: done}
            this.progressed = replace(this.progressed, done={each: known[each] for each in order if each in known})
            write_progress(this.bare.target, this.progressed)
        this.bare.told(Returned(place, len(order), done, str(_folder(this.bare.target, name))))
    return replace(this.progressed, done=_together(this))


# -- which, and in which order ----------------------------------------------------------------------------------------


def _newest(this: Returning) -> dict[str, Snapshot]:
    """The snapshot that each source comes back from, by its name."""
    snapshots, damaged = try_snapshots(this.opened.vault)
    this.findings += [Finding("snapshot-damaged", this.opened.vault.url, each.message, each.hint) for each in damaged]
    newest = {spelled(name): snapshot for name, snapshot in newest_of_each(snapshots, this.bare.at).items()}
    for name, snapshot in newest.items():
        if snapshot.time > this.progressed.began_at + _SKEW:
            hint = "Set the clock, or choose an earlier one with '--at'; how old the data is cannot be told."
            message = f"its newest snapshot is dated {snapshot.time:%Y-%m-%d %H:%M}, which is yet to come"
            this.findings.append(Finding("dated-ahead", name, message, hint))
    return newest


def _order(this: Returning, snapshots: Mapping[str, Snapshot]) -> list[str]:
    """All that there is, and all that was promised to be there. Raises ``UsageError`` for a name that nobody knows."""
    promised = {
        name: _priority(source)
        for name, source in (this.settings.sources if this.settings else {}).items()
        if source.vault == this.vault_name
    }
    priorities = ranked({*promised, *snapshots}, promised)
    if unknown := set(this.bare.sources) - set(priorities):
        known = ", ".join(sorted(priorities)) or "none"
        raise UsageError(f"the vault has no source '{min(unknown)}'", f"It has: {known}.")
    wanted = {name: number for name, number in priorities.items() if not this.bare.sources or name in this.bare.sources}
    return in_order(wanted, this.restoration)


def _priority(source: values.Source) -> int:
    from covenant.kernel.layers import merged

    return int(merged(source.layers)["priority"].value)


# -- one source -------------------------------------------------------------------------------------------------------


def _one(this: Returning, name: str) -> SourceDrill:
    """Bring a source back and ask it; what stops it is its own affair, unless nothing more can be written."""
    drill, snapshot_id = _begun(this, name), this.progressed.chosen.get(name)
    if snapshot_id is None:
        return replace(drill, why_not="the vault has no snapshot of it")
    try:
        snapshot = this.opened.vault.load_snapshot(snapshot_id)
        drill = replace(drill, snapshot_id=snapshot.id, moment=snapshot.time)
        if why_not := not_at_hand(this, snapshot):
            return replace(drill, why_not=why_not)
        if is_server(snapshot):
            return _measured(this, server_back(this, drill, _folder(this.bare.target, name)))
        return _measured(this, _files_back(this, drill, snapshot))
    except (Interrupted, TargetError):
        raise
    except CovenantError as error:
        return replace(drill, why_not=f"{error.message}. {error.hint}".strip())


def _files_back(this: Returning, drill: SourceDrill, snapshot: Snapshot) -> SourceDrill:
    """Restore what a snapshot holds, and ask it."""
    outcome, step = _restored(this, drill.source, snapshot)
    this.findings += outcome.findings
    began = this.bare.clock.monotonic()
    answers = _asked(this, Restored(drill.source, _folder(this.bare.target, drill.source), this.opened.vault, snapshot))
    return replace(
        drill,
        files=outcome.tally.files,
        bytes=outcome.tally.bytes_written + outcome.tally.bytes_kept,
        steps=(step, Step("validate", this.bare.clock.monotonic() - began)),
        answers=(came_back(outcome), *answers),
    )


def _measured(this: Returning, drill: SourceDrill) -> SourceDrill:
    """Hold it against what was promised."""
    if drill.why_not or drill.moment is None:
        return drill
    first = this.progressed.began_at
    age = first - drill.moment if drill.moment <= first + _SKEW else None
    return replace(
        drill,
        rto=replace(drill.rto, reached=_if_promised(drill.rto, this.watch.since(first))),
        rpo=replace(drill.rpo, reached=_if_promised(drill.rpo, age)),
    )


def _begun(this: Returning, name: str) -> SourceDrill:
    source = this.described(name)
    return SourceDrill(
        source=name,
        system=source.kind if source else "",
        data_class=source.data_class if source else "",
        priority=_priority(source) if source else LAST,
        vault=this.vault_name,
        region=this.region,
        rto=Measured(source.objectives.rto if source else timedelta(), None),
        rpo=Measured(source.objectives.rpo if source else timedelta(), None),
    )


def _if_promised(promise: Measured, reached: timedelta | None) -> timedelta | None:
    """What was reached, unless nothing is known to be held against it: then nothing was kept or broken."""
    return max(reached, timedelta()) if promise.promised and reached is not None else None


def _restored(this: Returning, name: str, snapshot: Snapshot) -> tuple[RestoreOutcome, Step]:
    """Restore it."""
    from covenant.recover.job import RestoreJob, Settings
    from covenant.recover.restore import restore

    bare = this.bare
    with bare.progress(name) as progress:
        outcome = restore(
            RestoreJob(
                vault=this.opened.vault,
                snapshot=snapshot,
                target=str(_folder(bare.target, name)),
                clock=bare.clock,
                into_non_empty=True,
                settings=Settings(lanes=bare.lanes, open_store=bare.opener.reading),
                progress=progress,
                stop=bare.stop,
            )
        )
    went_on = "gone on where an earlier run stopped" if outcome.resumed else ""
    return outcome, Step("restore", outcome.seconds, went_on)


def _folder(target: Path, name: str) -> Path:
    """The folder of a source. A name that is no plain word, which another program wrote, is not used as a path."""
    if not _PLAIN.fullmatch(name):
        name = f"unnamed-{sha256(name.encode(errors='surrogatepass')).hexdigest()[:12]}"
    return target / SOURCES / name


# -- its answers ------------------------------------------------------------------------------------------------------


def _asked(this: Returning, restored: Restored) -> tuple[Answer, ...]:
    """What it answers by itself: every byte compared with the snapshot, and what its kind and the policy ask."""
    probes = (Checksums(), *(probe for probe in _probes(this, restored) if not probe.needs))
    return tuple(ask(probe, restored, this.bare.clock) for probe in probes)


def _probes(this: Returning, restored: Restored) -> tuple[Probe, ...]:
    """What its kind and the policy ask, but for an application: it would change the data, and here that is no copy."""
    source = this.described(restored.source) or _guessed(restored)
    system = None if source is None else system_of(source, this.bare.variables)
    return tuple(probe for probe in (system.probes if system else ()) if probe.aspect is not Aspect.EXPERIENCE)


def _together(this: Returning) -> dict[str, SourceDrill]:
    """What every source came to, with the answers to what refers to others, now that all are there."""
    back = [name for name, done in this.progressed.done.items() if not done.why_not]
    vault, chosen = this.opened.vault, this.progressed.chosen
    restored = {
        name: Restored(name, _folder(this.bare.target, name), vault, vault.load_snapshot(chosen[name])) for name in back
    }
    answered = dict(this.progressed.done)
    for name, each in restored.items():
        beside = replace(each, beside={other: one for other, one in restored.items() if other != name})
        late = [ask(probe, beside, this.bare.clock) for probe in _probes(this, each) if probe.needs]
        answered[name] = replace(answered[name], answers=(*answered[name].answers, *late))
    return answered


def _guessed(restored: Restored) -> values.Source | None:
    """A database that no policy describes, known by how it begins."""
    paths = restored.snapshot.paths or []
    place = restored.place(paths[0]) if len(paths) == 1 else restored.folder
    if place.is_symlink() or not place.is_file():
        return None
    with place.open("rb") as file:
        if file.read(len(_SQLITE)) != _SQLITE:
            return None
    nothing = values.Objectives(timedelta(), timedelta())
    return values.Source(restored.source, values.Sqlite(Path(paths[0])), "", nothing, None, "")
