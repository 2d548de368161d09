"""Which rules by prefix make a bucket keep what was promised, where objects have no terms of their own.

A rule holds for all objects below a prefix, and of all rules that hold for an object the longest wins. Two kinds are
enough, and each says what the other cannot:

    <vault>/data/, snapshots/, keys/, config    Age: as long from its upload as the longest term that is promised
    <vault>/data/, keys/, config                Date: until the last snapshot under a term needs it no more

An age protects a new object from its first moment. It lets a pack go that was uploaded long ago and that yesterday's
snapshot needs: the date holds that one, and is moved on with every new snapshot. Never locked are ``index/``, which is
rebuilt from the packs, and ``locks/``.

A rule that stands is never shortened, and nobody else's rule is touched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from typing import Literal, NamedTuple, Protocol

from covenant.kernel.errors import Refusal
from covenant.safeguard.terms import Promised
from covenant.vault.names import CONFIG, DATA, KEYS, SNAPSHOTS

LIMIT = 1000
"""So many rules has a bucket at most."""

_AGED = (f"{DATA}/", f"{SNAPSHOTS}/", f"{KEYS}/", CONFIG)
_DATED = (f"{DATA}/", f"{KEYS}/", CONFIG)

Action = Literal["add", "extend", "keep"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a bucket keeps below a prefix: for an age, until a date, or for ever where it says neither."""

    id: str
    prefix: str
    age: timedelta | None = None
    until: datetime | None = None
    enabled: bool = True

    @property
    def for_ever(self) -> bool:
        """Whether no time ends it."""
        return self.age is None and self.until is None

    def covers(self, wanted: Rule) -> bool:
        """Whether whatever ``wanted`` keeps, this rule keeps as long."""
        if not self.enabled or not wanted.prefix.startswith(self.prefix):
            return False
        if wanted.age is not None:
            return self.for_ever or (self.age is not None and self.age >= wanted.age)
        return self.for_ever or (self.until is not None and wanted.until is not None and self.until >= wanted.until)


class RuleStore(Protocol):
    """A bucket that keeps rules by prefix."""

    def rules(self) -> tuple[Rule, ...]:
        """The rules that stand. Raises ``StoreDenied``, ``StoreUnavailable``, ``StoreError``."""
        ...

    def set(self, rules: Sequence[Rule]) -> None:
        """Add these, each in the place of the one with its id; all others stay. Raises as ``rules`` does."""
        ...


class Step(NamedTuple):
    """One rule of ours: what happens to it, and why."""

    rule: Rule
    action: Action
    why: str

    def as_json(self) -> dict[str, object]:
        """The row as plain values."""
        return {
            "id": self.rule.id,
            "prefix": self.rule.prefix,
            "age_seconds": int(self.rule.age.total_seconds()) if self.rule.age is not None else None,
            "until": self.rule.until.isoformat() if self.rule.until is not None else None,
            "action": self.action,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class RulePlan:
    """What becomes of each rule of ours, a row for each."""

    steps: tuple[Step, ...]

    @property
    def news(self) -> tuple[Rule, ...]:
        """The rules to be set; none where all is as it should be."""
        return tuple(step.rule for step in self.steps if step.action != "keep")


def plan(kept: Sequence[Rule], folder: str, terms: Mapping[str, timedelta], held: Sequence[Promised]) -> RulePlan:
    """What the bucket must be told, beyond what it keeps.

    ``folder`` is where the vault lies in its bucket, ``terms`` are by source, ``held`` are the snapshots under a term.
    Raises ``Refusal`` where the bucket has no room for so many rules.
    """
    by_id = {rule.id: rule for rule in kept}
    steps = tuple(_placed(by_id, rule, why) for rule, why in _wanted(folder, terms, held))
    if len(by_id | {step.rule.id: step.rule for step in steps}) > LIMIT:
        raise Refusal(
            f"the bucket has {len(kept)} rules, and takes {LIMIT} at most", "Remove rules that nobody needs there."
        )
    return RulePlan(steps)


def held_until(kept: Sequence[Rule], folder: str, taken: datetime) -> datetime | None:
    """Until when a snapshot of then can at least be restored by the rules alone; ``None``: no longer than now.

    Its own object by the age, which counts from an upload that was not before ``taken``; what it needs by the date,
    because a pack may be older than any snapshot that needs it.
    """
    moments = [_longest(kept, _below(folder, f"{SNAPSHOTS}/"), taken)]
    moments += [_longest(kept, _below(folder, each), None) for each in _DATED]
    known = [moment for moment in moments if moment is not None]
    return min(known) if len(known) == len(moments) else None


def canary_rule(folder: str, each: str, age: timedelta) -> Rule:
    """The rule that locks what is stored to measure the bucket, and nothing else."""
    return Rule(_id(folder, "canary", "age"), _below(folder, f"{each}/"), age=age)


def term_by(kept: Sequence[Rule], folder: str, name: str, stored_at: datetime) -> datetime | None:
    """Until when the rules hold one object that was stored then; ``None`` where none holds it."""
    return _longest(kept, _below(folder, name), stored_at)


def _wanted(folder: str, terms: Mapping[str, timedelta], held: Sequence[Promised]) -> list[tuple[Rule, str]]:
    """The rules as they should be at least, each with its reason."""
    wanted = []
    if terms:
        source, longest = max(terms.items(), key=lambda item: (item[1], item[0]))
        age = timedelta(seconds=math.ceil(longest.total_seconds()))
        wanted = [
            (Rule(_id(folder, each, "age"), _below(folder, each), age=age), f"the term of source '{source}'")
            for each in _AGED
        ]
    if held:
        last = max(held, key=lambda one: (one.until, one.snapshot.id))
        until = _whole_seconds(last.until)
        why = f"snapshot {last.snapshot.short_id} of source '{last.snapshot.source}' needs it until then"
        wanted += [(Rule(_id(folder, each, "date"), _below(folder, each), until=until), why) for each in _DATED]
    return wanted


def _placed(by_id: Mapping[str, Rule], wanted: Rule, why: str) -> Step:
    """The step for one rule, under the first of its names where nothing that stands would become shorter by it.

    Somebody may have made another kind of rule of ours, or let it hold for more: that stays, and ours stands beside it.
    """
    for number in count(1):
        named = wanted if number == 1 else replace(wanted, id=f"{wanted.id}-{number}")
        standing = by_id.get(named.id)
        if standing is None or not standing.enabled or standing.covers(named) or named.covers(standing):
            return _step(standing, named, why)
    raise AssertionError("there is always another name")


def _step(standing: Rule | None, wanted: Rule, why: str) -> Step:
    if standing is None:
        return Step(wanted, "add", why)
    if standing.covers(wanted):
        return Step(standing, "keep", "stands already, for as long or longer")
    on = replace(standing, enabled=True)
    if standing.prefix == wanted.prefix and on.covers(wanted):
        return Step(on, "extend", f"{why}; it was off")
    return Step(wanted, "extend", why)


def _longest(kept: Sequence[Rule], prefix: str, taken: datetime | None) -> datetime | None:
    """Until when all that lies below the prefix stays; with ``taken``, what was uploaded then."""
    moments = []
    for rule in kept:
        if rule.enabled and prefix.startswith(rule.prefix):
            if rule.for_ever:
                moments.append(datetime.max.replace(tzinfo=UTC))
            elif rule.until is not None:
                moments.append(rule.until)
            elif rule.age is not None and taken is not None:
                moments.append(taken + rule.age)
    return max(moments, default=None)


def _below(folder: str, each: str) -> str:
    return f"{folder}/{each}" if folder else each


def _id(folder: str, each: str, kind: str) -> str:
    """A name of our own, the same each time, and another for each vault of a bucket."""
    return f"covenant-{sha256(folder.encode()).hexdigest()[:8]}-{each.rstrip('/')}-{kind}"


def _whole_seconds(moment: datetime) -> datetime:
    """The next full second, for a term must not become shorter by the rest."""
    return moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)
