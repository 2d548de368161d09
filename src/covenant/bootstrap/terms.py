"""Terms of immutability: which store has them, which were promised, and extending them."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.bootstrap import Opener, OpenVault
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import ObjectMissing, Refusal, StoreDenied
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.adapters.stores.immutability import Immutability
    from covenant.adapters.stores.objects import ObjectStore
    from covenant.adapters.stores.opening import StoreSpec
    from covenant.adapters.stores.r2_rules import R2Rules
    from covenant.bootstrap import NamedSpec
    from covenant.kernel.clock import Clock
    from covenant.kernel.policy import Policy
    from covenant.safeguard.bucket_rules import Rule, RulePlan
    from covenant.safeguard.terms import Promised, TermPlan, TermStore
    from covenant.vault.ports import Terms
    from covenant.vault.snapshot import Snapshot

LABELS = "covenant/immutability"
"""The folder beside a vault's own, which restic passes over, where it is recorded what the store is worth."""
CANARY = "covenant/canary"
"""The folder in which a bucket that locks by rules is measured."""
_CANARY_TERM = timedelta(minutes=2)
_PATIENCE = (0.0, 2.0, 8.0, 20.0)
"""Seconds between measurements: nobody promises that a rule holds at once."""
_MEMORY = "terms.json"
_LANES = 16


@dataclass(frozen=True, slots=True)
class Extended:
    """What came of extending terms; ``plan`` and ``rules``, by region, are what was to be done."""

    plan: TermPlan
    findings: tuple[Finding, ...]
    rules: Mapping[str, RulePlan] = field(default_factory=dict)


def term_store(opening: Opener) -> TermStore | None:
    """What sets and tells the terms in a vault's stores, or ``None`` where none keeps any. Asks nothing yet."""
    stores = _term_stores(opening)
    return _Everywhere(tuple(stores.values())) if stores else None


def terms_of(opening: Opener) -> Terms | None:
    """What says until when nobody deletes an object, asked in every region that locks in any way; ``None``: none does.

    A region's rules are read once, when something is first asked.
    """
    stores: tuple[Terms, ...] = (*_term_stores(opening).values(), *_ruled(opening))
    return _Longest(stores) if stores else None


def _ruled(opening: Opener) -> list[_ByRules]:
    places = _immutable_by("bucket-lock", opening)
    if not places:
        return []
    from covenant.adapters.stores.objects import ObjectStore

    rules = _rule_stores(opening)
    found = []
    for place in places:
        bare = place.spec.open()
        assert isinstance(bare, ObjectStore)  # what is locked by rules is a bucket
        found.append(_ByRules(rules[place.name], bare))
    return found


def _term_stores(opening: Opener) -> dict[str, TermStore]:
    """The regions that keep terms, object by object."""
    places = _immutable_by("object-lock", opening)
    if not places:
        return {}
    from covenant.adapters.stores.s3_terms import ObjectLockStore

    return {place.name: ObjectLockStore.open(place.spec.url, place.spec.options) for place in places}


def _rule_stores(opening: Opener) -> dict[str, R2Rules]:
    """The regions that keep rules by prefix."""
    places = _immutable_by("bucket-lock", opening)
    if not places:
        return {}
    from covenant.adapters.stores.r2_rules import R2Rules

    return {place.name: R2Rules.open(place.spec.url, place.spec.options) for place in places}


def _immutable_by(way: str, opening: Opener) -> list[NamedSpec]:
    return [place for place in opening.places if place.spec.options.get("immutable") == way]


class _ByRules:
    """The terms of one region that follow from the rules of its bucket and from when each object was stored.

    When an object was stored, the store says; what time it is now, this machine. A clock that is ahead believes a rule
    to be over too early, and then the store refuses, which is told.
    """

    def __init__(self, rules: R2Rules, objects: ObjectStore) -> None:
        self._store = rules
        self._objects = objects
        self._reading = threading.Lock()
        self._rules: tuple[Rule, ...] | None = None

    def term(self, name: str) -> datetime | None:
        """Until when the rules hold the object. Raises ``ObjectMissing``."""
        from covenant.safeguard.bucket_rules import term_by

        with self._reading:
            if self._rules is None:
                self._rules = self._store.rules()
        until = term_by(self._rules, self._store.folder, name, self._objects.stored_at(name))
        return until if until is not None and until > SystemClock().now() else None


@dataclass(frozen=True, slots=True)
class _Longest:
    """The terms of all regions that keep any: an object cannot go while one of them holds it."""

    stores: tuple[Terms, ...]

    def term(self, name: str) -> datetime | None:
        """The longest, for an object stays everywhere until it may go everywhere. Raises ``ObjectMissing``."""
        found, missing = list[datetime | None](), None
        for store in self.stores:
            try:
                found.append(store.term(name))
            except ObjectMissing as error:
                missing = error
        if missing is not None and not found:
            raise missing
        return max((until for until in found if until is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Everywhere:
    """The regions in which a term is set object by object: it is extended in each of them."""

    stores: tuple[TermStore, ...]

    def term(self, name: str) -> datetime | None:
        """The longest of any. Raises ``ObjectMissing``."""
        return _Longest(self.stores).term(name)

    def extend(self, name: str, until: datetime) -> None:
        """In every region. Where one has not got the object yet, the others are extended before that is told."""
        refused: ObjectMissing | StoreDenied | None = None
        for store in self.stores:
            try:
                store.extend(name, until)
            except (ObjectMissing, StoreDenied) as error:
                refused = error
        if refused is not None:
            raise refused


def measured(opening: Opener, clock: Clock) -> dict[str, Immutability]:
    """What each region that claims to be immutable is worth, before there is a vault in it.

    Its canary is under a term of two minutes. Raises ``Refusal`` where claim and measurement disagree.
    """
    by_object = {place.name: _measured(place.spec, clock) for place in _immutable_by("object-lock", opening)}
    by_rule = {place.name: _measured_by_rule(place.spec, clock) for place in _immutable_by("bucket-lock", opening)}
    return by_object | by_rule


def _measured_by_rule(spec: StoreSpec, clock: Clock) -> Immutability:
    """A canary below a prefix of its own, which a rule of its own locks; rules are given a while to take hold."""
    from covenant.adapters.stores.immutability import PlainIntruder, measure
    from covenant.adapters.stores.r2_rules import R2Rules
    from covenant.safeguard.bucket_rules import canary_rule

    rules, store = R2Rules.open(spec.url, spec.options), spec.open()
    rules.set([canary_rule(rules.folder, CANARY, _CANARY_TERM)])
    for pause in _PATIENCE:
        clock.sleep(pause)
        found = measure(store, PlainIntruder(store), f"{CANARY}/{clock.now():%Y%m%dT%H%M%S.%f}")
        if found.label == "governance":
            return found
    raise _untrue(spec, found)


def _measured(spec: StoreSpec, clock: Clock) -> Immutability:
    from covenant.adapters.stores.immutability import measure
    from covenant.adapters.stores.s3_terms import ObjectLockStore
    from covenant.adapters.stores.s3_versions import intruder_for
    from covenant.vault.names import DATA

    options = {**spec.options, "immutable_term": "2m"}
    store = ObjectLockStore.open(spec.url, options)
    name = f"{DATA}/canary-{clock.now():%Y%m%dT%H%M%S.%f}"
    found = measure(store, intruder_for(store, spec.url, options), name)
    claimed = ("worm",) if options.get("immutable_mode", "compliance") == "compliance" else ("worm", "governance")
    if found.label not in claimed:
        raise _untrue(spec, found)
    return found


def _untrue(spec: StoreSpec, found: Immutability) -> Refusal:
    tried = "; ".join(f"{trial.attempt}: {trial.outcome} {trial.detail}".strip() for trial in found.trials)
    return Refusal(
        f"{spec.url} claims to be immutable by {spec.options['immutable']}, and measured it is '{found.label}'",
        f"Nothing was made. What was tried: {tried}.",
    )


def record_labels(opened: OpenVault, found: Mapping[str, Immutability], clock: Clock) -> None:
    """Store beside the vault what its regions are worth, and how that was found out."""
    regions = {region: asdict(measured) for region, measured in found.items()}
    said = {"measured": clock.now().isoformat(), "regions": regions}
    opened.appending.put(f"{LABELS}/{clock.now():%Y%m%dT%H%M%S.%f}", json.dumps(said, indent=1).encode())


def labels(opened: OpenVault) -> dict[str, str]:
    """What each region was measured to be when that was last recorded."""
    names = sorted(name for name, _ in opened.reading.list(LABELS))
    if not names:
        return {}
    try:
        regions = json.loads(opened.reading.get(names[-1]))["regions"]
        return {str(region): str(said["label"]) for region, said in regions.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def promised_terms(policy: Policy) -> dict[str, timedelta]:
    """How long from its taking a snapshot of each source shall be immutable."""
    return {
        name: source.immutable.value
        for name, source in policy.sources.items()
        if source.immutable and source.immutable.value
    }


def extend_terms(opened: OpenVault, policy: Policy, now: datetime) -> Extended:
    """Extend whatever the policy asks: the chore ``lock``. Cheap where nothing is to be done."""
    return extend(opened, promised_terms(policy), now)


def extend(
    opened: OpenVault, terms: Mapping[str, timedelta], now: datetime, *, again: bool = False, dry_run: bool = False
) -> Extended:
    """Extend the terms of what snapshots of these sources need; ``again`` believes nothing that is remembered.

    Raises ``Refusal`` where terms are promised and the store keeps none: then nothing is protected.
    """
    from covenant.safeguard import terms as planning

    memory = _Memory(opened)
    if again:
        memory.until.clear()
    held = planning.promised(opened.vault.snapshots(), terms, now)
    by_rule = _rule_stores(opened.opener)
    rules = {region: _rules_for(store, terms, held) for region, store in by_rule.items()}
    if by_rule and not _immutable_by("object-lock", opened.opener):
        decided = planning.TermPlan(now, held, ())
    else:
        decided = planning.plan(opened.vault, held, memory.until, now=now)
    if dry_run:
        return Extended(decided, decided.findings, rules)
    # Rules first: they are few, and hold for all objects at once.
    for region, planned in rules.items():
        by_rule[region].set(planned.news)
    if not (decided.extensions or decided.findings):
        return Extended(decided, decided.findings, rules)
    store = term_store(opened.opener)
    if store is None:
        raise Refusal(
            f"{len(decided.promised)} snapshots are promised a term, and {opened.vault.url} keeps none",
            "Give the store the option immutable = 'object-lock' or 'bucket-lock', in a bucket that has it.",
        )
    try:
        findings = planning.apply(decided, store, memory.until, lanes=_LANES)
    finally:
        memory.write(now)
    return Extended(decided, findings, rules)


def _rules_for(store: R2Rules, terms: Mapping[str, timedelta], held: tuple[Promised, ...]) -> RulePlan:
    from covenant.safeguard.bucket_rules import plan

    return plan(store.rules(), store.folder, terms, held)


def held_by_rules(opened: OpenVault, snapshots: Iterable[Snapshot]) -> dict[str, dict[str, datetime | None]]:
    """What the rules of each region that keeps any hold these snapshots for: region to snapshot to moment."""
    from covenant.safeguard.bucket_rules import held_until as held

    wanted, now = list(snapshots), opened.clock.now()
    kept = {region: (store.rules(), store.folder) for region, store in _rule_stores(opened.opener).items()}
    return {
        region: {one.id: held(rules, folder, min(one.time, now)) for one in wanted}
        for region, (rules, folder) in kept.items()
    }


def held_until(opened: OpenVault, snapshot_ids: Iterable[str]) -> dict[str, dict[str, datetime | None]]:
    """What each region that keeps terms says itself of these snapshots' objects: region to snapshot to moment."""
    from covenant.vault.lanes import in_threads
    from covenant.vault.names import SNAPSHOTS, object_name

    def ask(store: TermStore, snapshot_id: str) -> tuple[str, datetime | None]:
        try:
            return snapshot_id, store.term(object_name(SNAPSHOTS, snapshot_id))
        except ObjectMissing:
            return snapshot_id, None

    wanted = list(snapshot_ids)
    return {
        region: dict(in_threads(partial(ask, store), wanted, _LANES))
        for region, store in _term_stores(opened.opener).items()
    }


class _Memory:
    """What was extended until when, in the cache of this machine: losing it costs requests, and no term."""

    def __init__(self, opened: OpenVault) -> None:
        self._path = opened.vault.cache / _MEMORY if opened.vault.cache else None
        self._store = opened.vault.url
        self.until: dict[str, datetime] = {}
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            said = json.loads((self._path or Path(os.devnull)).read_text())[self._store]
            self.until = {name: datetime.fromisoformat(until) for name, until in said.items()}

    def write(self, now: datetime) -> None:
        """Keep it, without what is over."""
        if self._path is None:
            return
        lasting = {name: until.isoformat() for name, until in self.until.items() if until > now}
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            aside = self._path.with_suffix(f".{os.getpid()}")
            aside.write_text(json.dumps({self._store: lasting}))
            aside.replace(self._path)
