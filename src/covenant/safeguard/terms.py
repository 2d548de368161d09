"""Which objects nobody may delete until when: from what was promised for each snapshot, and extending only.

A class promises a term: so long from its taking, a snapshot can be destroyed by nobody. A snapshot alone restores
nothing. Whoever finds just what is locked must be able to bring it back, so its term also holds

    its packs     all that any of its blobs lies in; one that several snapshots need, as long as the longest of them
    the keys and the config     as long as any snapshot

and the index files not: they are rebuilt from the packs (``covenant repair index``), and a locked index file would
keep every pack that it names. Packs, keys and config, which newer snapshots go on needing, are extended by a tenth of
the term more than they must be, so that a daily backup does not ask for every pack of the vault every day.

What was extended is remembered. A snapshot's own object is extended last, and so is the sign that all that it needs
has been: it is not walked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from covenant.kernel.errors import DamageError, ObjectMissing, StoreDenied
from covenant.kernel.findings import Finding
from covenant.vault.census import Census
from covenant.vault.lanes import in_threads
from covenant.vault.names import CHECKPOINTS, CONFIG, DATA, EVIDENCE, EVIDENCE_KEYS, KEYS, SNAPSHOTS, object_name
from covenant.vault.pack import BlobType
from covenant.vault.ports import Terms
from covenant.vault.reachable import mark_reachable
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault

_SPARE = 10


class TermStore(Terms, Protocol):
    """A store that lets nobody delete an object until a moment."""

    def extend(self, name: str, until: datetime) -> None:
        """Let nobody delete the object until then; a term that lasts longer stays as it is.

        Raises ``ObjectMissing``, ``StoreDenied``.
        """
        ...


class Promised(NamedTuple):
    """A snapshot, and until when nobody shall be able to delete it."""

    snapshot: Snapshot
    term: timedelta
    until: datetime


class Extension(NamedTuple):
    """One step: an object, until when, and why. Done twice it is the same."""

    name: str
    until: datetime
    why: str

    def as_json(self) -> dict[str, object]:
        """The row as plain values."""
        return {"name": self.name, "until": self.until.isoformat(), "why": self.why}


@dataclass(frozen=True, slots=True)
class TermPlan:
    """What is to be extended, in the order in which it is done: snapshots last.

    ``findings`` names what a snapshot needs and the vault cannot tell; such a snapshot is looked at again next time.
    """

    at: datetime
    promised: tuple[Promised, ...]
    extensions: tuple[Extension, ...]
    findings: tuple[Finding, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The plan as plain values."""
        return {
            "at": self.at.isoformat(),
            "snapshots": [
                {"id": one.snapshot.id, "source": one.snapshot.source, "until": one.until.isoformat()}
                for one in self.promised
            ],
            "extensions": [extension.as_json() for extension in self.extensions],
        }


def promised(snapshots: Iterable[Snapshot], terms: Mapping[str, timedelta], now: datetime) -> tuple[Promised, ...]:
    """The snapshots whose term is not over, the longest first. ``terms`` are by the name of the source.

    A snapshot that is dated in the future is held from now, or a clock that ran ahead would lock it for years.
    """
    held = [
        Promised(snapshot, term, min(snapshot.time, now) + term)
        for snapshot in snapshots
        if (term := terms.get(snapshot.source))
    ]
    return tuple(
        sorted((one for one in held if one.until > now), key=lambda one: (one.until, one.snapshot.id), reverse=True)
    )


def plan(
    vault: Vault, held: tuple[Promised, ...], remembered: Mapping[str, datetime], *, now: datetime, lanes: int = 2
) -> TermPlan:
    """What must be extended, beyond what is remembered to have been."""
    news = [one for one in held if not _lasts(remembered, _name(one), one.until)]
    reached = _Reached(vault) if news else None
    findings = []
    for one in news:
        assert reached is not None
        reached.until, reached.spare = one.until, one.term / _SPARE
        try:
            mark_reachable(vault, reached, [one.snapshot.tree], lanes)
        except (DamageError, ObjectMissing) as error:
            findings.append(Finding("term-incomplete", _name(one), str(error), "Run 'covenant check'."))
    if reached is not None and reached.missing:
        findings.append(_missing(reached.missing))
    needed = [*(reached.packs.items() if reached else ()), *_shared(vault, held)]
    extensions = [
        Extension(name, must + spare, f"a snapshot needs it until {must:%Y-%m-%d %H:%M:%S}")
        for name, (must, spare) in needed
        if not _lasts(remembered, name, must)
    ]
    own = [Extension(_name(one), one.until, f"taken {one.snapshot.time:%Y-%m-%d %H:%M:%S}") for one in news]
    return TermPlan(now, held, (*extensions, *own), tuple(findings))


def apply(
    decided: TermPlan, store: TermStore, remembered: MutableMapping[str, datetime], *, lanes: int = 4
) -> tuple[Finding, ...]:
    """Extend, packs first and snapshots last; what was done is added to ``remembered``. Returns what was refused.

    Stopped anywhere, it is simply planned and applied again.
    """
    refused = list(decided.findings)
    own = [step for step in decided.extensions if step.name.startswith(f"{SNAPSHOTS}/")]
    others = [step for step in decided.extensions if not step.name.startswith(f"{SNAPSHOTS}/")]
    for steps in (others, own):
        # A snapshot is the sign that all it needs is extended, so it is no sign where something was refused.
        sure = not (refused and steps is own)
        for step, finding in in_threads(lambda step: (step, _extended(store, step)), steps, lanes):
            if finding is not None:
                refused.append(finding)
            elif sure:
                remembered[step.name] = step.until
    return tuple(refused)


def _extended(store: TermStore, step: Extension) -> Finding | None:
    try:
        store.extend(step.name, step.until)
    except (ObjectMissing, StoreDenied) as error:
        return Finding("term-not-extended", step.name, error.message, error.hint or "Run 'covenant check'.")
    return None


def _name(one: Promised) -> str:
    return object_name(SNAPSHOTS, one.snapshot.id)


def _lasts(remembered: Mapping[str, datetime], name: str, until: datetime) -> bool:
    return name in remembered and remembered[name] >= until


def _shared(vault: Vault, held: tuple[Promised, ...]) -> Iterator[tuple[str, tuple[datetime, timedelta]]]:
    """The keys and the config, without which no snapshot can be read, and the evidence of what was done with them."""
    if held:
        longest = (held[0].until, max(one.term for one in held) / _SPARE)
        for folder in (KEYS, EVIDENCE_KEYS, EVIDENCE, CHECKPOINTS):
            for listed in vault.store.list(folder):
                yield listed.name, longest
        yield CONFIG, longest


def _missing(missing: list[str]) -> Finding:
    return Finding(
        "term-incomplete",
        DATA,
        f"{len(missing)} blobs that snapshots under a term need are in no index: {', '.join(missing[:3])}",
        "Run 'covenant repair index', then 'covenant check'.",
    )


class _Reached:
    """Notes the pack of every blob when it is first needed. Shown the longest terms first, that is each pack's term."""

    def __init__(self, vault: Vault) -> None:
        self._index = vault.index
        self._census = Census(vault.index.segments)
        self.packs: dict[str, tuple[datetime, timedelta]] = {}
        self.until: datetime
        self.spare: timedelta

    @property
    def missing(self) -> list[str]:
        """The blobs that are in no index."""
        return [blob_id.hex() for _, blob_id in self._census.missing]

    def need(self, blob_id: bytes, kind: int) -> bool:
        """Mark a blob as needed; whether this is news."""
        news = self._census.need(blob_id, kind)
        if news and (place := self._index.find(blob_id, BlobType(kind))) is not None:
            self.packs.setdefault(object_name(DATA, place.pack.hex()), (self.until, self.spare))
        return news
