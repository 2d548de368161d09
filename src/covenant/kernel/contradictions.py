"""Promises that cannot be kept together: a policy that contradicts itself is told so before anyone relies on it.

Each rule looks at one source, or one vault, and says what is wrong, which lines say it, and the smallest change that
mends it. A mend is a key and a value as one would write them into the source's (or the vault's) table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from covenant.kernel import calendar
from covenant.kernel.durations import format_interval
from covenant.kernel.keep import UNLIMITED, Keep
from covenant.kernel.layers import Stated, merged
from covenant.kernel.policy import BackupKind, Policy, SourcePolicy, VaultPolicy
from covenant.kernel.schedule import Schedule
from covenant.kernel.zones import zone_named

_NOTHING, _MINUTE, _DAY = timedelta(), timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Mend:
    """The smallest change that mends a contradiction: write ``key = value`` into the table of ``subject``."""

    subject: str
    """``sources.media``, ``vault`` or ``vaults.offsite``."""
    key: str
    value: Any

    def __str__(self) -> str:
        written = self.value if isinstance(self.value, int) else f"'{self.value}'"
        return f"{self.subject}: {self.key} = {written}"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A promise that cannot be kept. ``rule`` is a fixed word for machines, ``origins`` are the lines involved."""

    rule: str
    subject: str
    reason: str
    origins: tuple[str, ...]
    mend: Mend

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"


def contradictions(policy: Policy) -> tuple[Contradiction, ...]:
    """Everything in a policy that contradicts itself, source by source and then vault by vault."""
    of_sources = (each for source in policy.sources.values() for rule in _OF_SOURCES for each in rule(source, policy))
    of_vaults = (each for vault in policy.vaults.values() for rule in _OF_VAULTS for each in rule(vault))
    return (*of_sources, *of_vaults)


# -- of a source ------------------------------------------------------------------------------------------------------


def _zero_objectives(source: SourcePolicy, _: Policy) -> Iterator[Contradiction]:
    """Nobody loses nothing, and nobody restores in no time."""
    for key, stated, least in (("rpo", source.rpo, "10m"), ("rto", source.rto, "1h")):
        if stated.value <= _NOTHING:
            yield _found(f"{key}-zero", source, f"no {key} of zero can be kept", (stated,), key, least)


def _gap(source: SourcePolicy, _: Policy) -> Iterator[Contradiction]:
    """Backups must be more frequent than the RPO, for each takes its time."""
    gaps = {kind: stated.value.longest_gap() for kind, stated in source.schedules.items()}
    if source.rpo.value <= _NOTHING:
        return
    every = max(source.rpo.value / 2, _MINUTE) // _MINUTE * _MINUTE
    if source.rpo.value <= _MINUTE:
        reason = f"an rpo of {_len(source.rpo.value)} cannot be kept: backups begin at most once a minute"
        yield _found("rpo-gap", source, reason, (source.rpo,), "rpo", "10m")
    elif not gaps:
        reason = f"nothing is scheduled, and at most {_len(source.rpo.value)} may be lost"
        yield _found("rpo-gap", source, reason, (source.rpo,), "schedule.incremental", f"every {_len(every)}")
    elif min(gaps.values()) >= source.rpo.value:
        yield _too_seldom(source, min(gaps, key=lambda each: gaps[each]), every)


def _too_seldom(source: SourcePolicy, kind: BackupKind, every: timedelta) -> Contradiction:
    stated, rpo = source.schedules[kind], source.rpo.value
    gap, oftener = stated.value.longest_gap(), replace(stated.value, every=every, cron="")
    reason = (
        f"at most {_len(rpo)} may be lost, and the most frequent backup, {kind} '{stated}', waits up to {_len(gap)}"
        f" for the next{', which leaves it no time' * (gap == rpo)}"
    )
    if oftener.longest_gap() < rpo:
        return _found("rpo-gap", source, reason, (source.rpo, stated), f"schedule.{kind}", f"every {_len(every)}")
    # However often it is, it waits for the end of a blackout.
    return _found("rpo-gap", source, reason, (source.rpo, stated), "rpo", _len(gap + timedelta(hours=1)))


def _no_full(source: SourcePolicy, _: Policy) -> Iterator[Contradiction]:
    """What is read in part needs, now and then, to be read in full."""
    partial = [source.schedules[kind] for kind in ("differential", "incremental", "log") if kind in source.schedules]
    if partial and not {"full", "archive"} & set(source.schedules):
        reason = "only what changed is ever read, and nothing is scheduled that reads everything"
        yield _found("no-full", source, reason, tuple(partial), "schedule.full", "0 2 * * Sun")


def _swallowed(source: SourcePolicy, _: Policy) -> Iterator[Contradiction]:
    """A schedule whose every moment is blacked out never begins when it says."""
    for kind, stated in source.schedules.items():
        if stated.value.swallowed:
            blackouts = ", ".join(map(str, stated.value.blackouts))
            reason = f"every moment of {kind} '{stated}' falls into a blackout ({blackouts})"
            said = merged(source.layers).get("schedule.blackouts")
            lines = (stated,) if said is None else (stated, said)
            yield _found("swallowed", source, reason, lines, f"schedule.{kind}", _free_time(stated.value))


def _free_time(schedule: Schedule) -> str:
    """The first whole minute after its blackouts, by the clock on the wall, on the days that it is meant for."""
    after = datetime.fromisoformat("2024-01-08T00:00+00:00")
    wall = (schedule.following(after) or after).astimezone(zone_named(schedule.zone))
    days = schedule.cron.split()[2:] or ["*", "*", "*"]
    return " ".join((str(wall.minute), str(wall.hour), *days))


def _retention(source: SourcePolicy, _: Policy) -> Iterator[Contradiction]:
    """What must be recoverable for a window must be kept for as long."""
    window, keep = source.window, source.keep
    if keep is None or window.value <= _NOTHING or kept_whole(keep) >= window.value:
        return
    origins = [Stated("", origin) for origin in source.keep_origins.values()]
    days = -(-window.value // _DAY)
    reason = (
        f"any moment of the last {_len(window.value)} must be recoverable, and everything is kept for"
        f" {_len(kept_whole(keep))} only"
    )
    yield _found("retention-window", source, reason, (window, *origins), "retention.keep_within", f"{days}d")


def kept_whole(keep: Keep) -> timedelta:
    """For how long every snapshot is kept, at least, by the rule of the span and those that keep all."""
    if UNLIMITED in dict(keep.counts()).values():
        return timedelta.max
    if keep.within is None:
        return _NOTHING
    from_here = datetime.fromisoformat("2024-03-01T00:00+00:00")  # after the shortest month
    return from_here - calendar.before(from_here, keep.within)


def _immutable(source: SourcePolicy, policy: Policy) -> Iterator[Contradiction]:
    """Nothing can be let go while its term lasts; and a term needs a region that can keep it."""
    if source.immutable is None:
        return
    vault = policy.vaults[source.vault]
    if not vault.immutable_by:
        first = () if vault.regions == ("default",) else (f"regions.{vault.regions[0]}.",)
        reason = f"nobody may delete its snapshots for {_len(source.immutable.value)}, and no region can see to that"
        yield Contradiction(
            "immutable-nowhere",
            f"source '{source.source}'",
            reason,
            (source.immutable.origin,),
            Mend(_table(vault), "".join((*first, "immutable")), "object-lock"),
        )
    keep = source.keep
    if keep is not None and kept_whole(keep) < source.immutable.value and source.window.value < source.immutable.value:
        days = -(-source.immutable.value // _DAY)
        reason = (
            f"snapshots are let go that nobody may delete for {_len(source.immutable.value)}:"
            f" everything is kept for {_len(kept_whole(keep))} only"
        )
        origins = [Stated("", origin) for origin in source.keep_origins.values()]
        yield _found(
            "immutable-retention", source, reason, (source.immutable, *origins), "retention.keep_within", f"{days}d"
        )


def _copies(source: SourcePolicy, policy: Policy) -> Iterator[Contradiction]:
    """A vault of two regions holds no three copies."""
    regions = policy.vaults[source.vault].regions
    if source.copies.value > len(regions):
        reason = (
            f"{source.copies} copies are promised, and its vault '{source.vault}' has {len(regions)}"
            f" region{'s' * (len(regions) > 1)}: {', '.join(regions)}"
        )
        yield _found("copies-regions", source, reason, (source.copies,), "copies", len(regions))


def _lowered(source: SourcePolicy, _: Policy) -> Iterator[Contradiction]:
    """A tier adds to what a class promises; it takes nothing away."""
    tier = next((layer for layer in source.layers if layer.name == f"tier {source.tier}"), None)
    if tier is None:
        return
    below = merged([layer for layer in source.layers if layer.name.split(" ")[0] in ("everything", "class")])
    now = merged(source.layers)
    for key, worse in _WORSE.items():
        mine, before = tier.said.get(key), below.get(key)
        if mine is not None and before is not None and worse(mine.value, before.value) and now[key] == mine:
            reason = (
                f"tier '{source.tier}' lowers what class '{source.data_class}' promises:"
                f" {key} is {_shown(mine.value)} and was {_shown(before.value)}"
            )
            mend = Mend(f"tiers.{source.tier}", key, _shown(before.value))
            lines = (mine.origin, before.origin)
            yield Contradiction("tier-lowers", f"source '{source.source}'", reason, lines, mend)


_WORSE: dict[str, Callable[[Any, Any], bool]] = {
    "rpo": lambda mine, before: mine > before,
    "rto": lambda mine, before: mine > before,
    "window": lambda mine, before: mine < before,
    "copies": lambda mine, before: mine < before,
    "immutable": lambda mine, before: mine < before,
    "priority": lambda mine, before: mine > before,
}
"""When a value promises less than another."""


# -- of a vault -------------------------------------------------------------------------------------------------------


def _acknowledge(vault: VaultPolicy) -> Iterator[Contradiction]:
    """No write reaches more regions than there are."""
    regions = len(vault.regions)
    if vault.acknowledge.value > regions:
        reason = f"a write counts when it is in {vault.acknowledge} regions, and there are {regions}"
        mend = Mend(_table(vault), "acknowledge", regions)
        yield Contradiction("acknowledge-regions", f"vault '{vault.vault}'", reason, (vault.acknowledge.origin,), mend)


def _swallowed_chores(vault: VaultPolicy) -> Iterator[Contradiction]:
    for kind, stated in vault.chores.items():
        if stated.value.swallowed:
            reason = f"every moment of {kind} '{stated}' falls into a blackout"
            mend = Mend(_table(vault), f"chores.{kind}", _free_time(stated.value))
            yield Contradiction("swallowed", f"vault '{vault.vault}'", reason, (stated.origin,), mend)


def _read_back(vault: VaultPolicy) -> Iterator[Contradiction]:
    """What shall be read back in time needs someone who reads, and often enough to be late once and still in time."""
    promised, reading = vault.verify_within, vault.chores.get("verify")
    if promised is None:
        return
    within = _len(promised.value)
    often = max(_MINUTE, min(timedelta(hours=1), promised.value / 10 // _MINUTE * _MINUTE))
    mend = Mend(_table(vault), "chores.verify", f"every {_len(often)}")
    if reading is None:
        reason = f"everything is to be read back within {within}, and nothing is scheduled that reads it"
        yield Contradiction("verify-gap", f"vault '{vault.vault}'", reason, (promised.origin,), mend)
    elif (gap := reading.value.longest_gap()) > promised.value / 5:
        reason = (
            f"everything is to be read back within {within}, and verify '{reading}' waits up to {_len(gap)} each time"
        )
        lines = tuple(dict.fromkeys((promised.origin, reading.origin)))
        yield Contradiction("verify-gap", f"vault '{vault.vault}'", reason, lines, mend)


def _table(vault: VaultPolicy) -> str:
    return "vault" if vault.vault == "default" else f"vaults.{vault.vault}"


_OF_SOURCES: tuple[Callable[[SourcePolicy, Policy], Iterator[Contradiction]], ...] = (
    _zero_objectives,
    _gap,
    _no_full,
    _swallowed,
    _retention,
    _immutable,
    _copies,
    _lowered,
)
_OF_VAULTS: tuple[Callable[[VaultPolicy], Iterator[Contradiction]], ...] = (
    _acknowledge,
    _swallowed_chores,
    _read_back,
)


def _found(
    rule: str, source: SourcePolicy, reason: str, lines: tuple[Stated[Any], ...], key: str, value: Any
) -> Contradiction:
    origins = tuple(dict.fromkeys(line.origin for line in lines))
    mend = Mend(f"sources.{source.source}", key, value)
    return Contradiction(rule, f"source '{source.source}'", reason, origins, mend)


def _len(length: timedelta) -> str:
    return format_interval(length)


def _shown(value: Any) -> Any:
    return _len(value) if isinstance(value, timedelta) else value
