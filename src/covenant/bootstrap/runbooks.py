"""The ground that runbooks are written on: what ``covenant.toml`` says, and what past drills took."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from covenant.bootstrap.sources import source_paths
from covenant.kernel.durations import format_interval
from covenant.prove.record import DrillRecord, Scenario
from covenant.recover.order import RANKS, in_order, rank_of
from covenant.respond.runbook.ground import Audience, Ground, Kept, Place, Spread, times_back, times_of_steps

if TYPE_CHECKING:
    from covenant.catalog.catalog import Catalog
    from covenant.kernel.policy import Policy
    from covenant.prove.objectives import Forecast
    from covenant.settings.values import Settings

_DRILLS = 1_000
"""How many past drills expected times are taken from."""
_NAMES = {
    Scenario.DATA_CENTRE_OUTAGE: re.compile(r"(data|provider).*outage|outage"),
    Scenario.DATABASE_CORRUPTION: re.compile(r"database|corrupt"),
    Scenario.SECURITY_BREACH: re.compile(r"breach|security|intrusion"),
    Scenario.HUMAN_ERROR: re.compile(r"human|error|accident|delet"),
}
"""How people call the four scenarios in ``[scenarios]``; the first that fits is meant."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What is known of how long things take: past drills, and what restores of today's data would take, by source."""

    drills: Sequence[DrillRecord] = ()
    forecasts: Mapping[str, Forecast] = field(default_factory=dict)


def rehearsed(catalog: Catalog, policy: Policy, now: datetime) -> Rehearsed:
    """The same, as the catalog has it."""
    from covenant.catalog.records import DRILL
    from covenant.loop.outlook import forecast_of, measurements
    from covenant.prove.telling import from_json

    history = catalog.history(now)
    found = measurements(policy, history)
    forecasts = {name: forecast_of(history.source(name), found.get(name, [])) for name in policy.sources}
    drills = tuple(from_json(proof.detail) for proof in catalog.proofs(kind=DRILL, most=_DRILLS))
    return Rehearsed(drills, {name: each for name, each in forecasts.items() if each is not None})


def ground(settings: Settings, policy: Policy, known: Rehearsed, now: datetime) -> Ground:
    """Everything that a runbook needs to know of this policy."""
    said = settings.commitments
    ready, scenarios = said.get("readiness", {}), _by_scenario(said.get("scenarios", {}))
    return Ground(
        policy=str(settings.path),
        made_at=now,
        sources=tuple(_sources(settings, policy, known)),
        places=tuple(_places(settings)),
        contacts=tuple(ready.get("contacts", ())),
        vendors=tuple(ready.get("vendors", ())),
        channels=tuple(_channels(settings)),
        audiences=tuple(
            Audience(each["who"], each["how"], each.get("owner") or "")
            for each in said.get("communication", {}).values()
        ),
        services={rank: tuple(said["restoration"][rank]) for rank in RANKS if said.get("restoration", {}).get(rank)},
        read_only=bool(said.get("incidents", {}).get("read_only")),
        restore_needs=str(said.get("authorisation", {}).get("restore") or ""),
        about={name: each["about"] for name, each in scenarios.items() if each.get("about")},
        own={name: tuple(each["steps"]) for name, each in scenarios.items()},
        procedures={name: tuple(each["steps"]) for name, each in said.get("procedures", {}).items()},
        rehearsed=times_of_steps(known.drills),
    )


def _sources(settings: Settings, policy: Policy, known: Rehearsed) -> Iterator[Kept]:
    back = times_back(known.drills)
    restoration = settings.commitments.get("restoration", {})
    priorities = {name: each.priority.value for name, each in policy.sources.items()}
    for name in in_order(priorities, restoration):
        source, promised = settings.sources[name], policy.sources[name]
        yield Kept(
            name=name,
            system=source.kind,
            data_class=source.data_class,
            rank=rank_of(name, priorities[name], restoration),
            priority=priorities[name],
            rto=promised.rto.value,
            rpo=promised.rpo.value,
            vault=source.vault,
            paths=() if source.kind == "postgres" else source_paths(source),
            covered=source.covered,
            dumped=source.dumped,
            back=back.get(name, Spread()),
            forecast=known.forecasts.get(name),
        )


def _places(settings: Settings) -> Iterator[Place]:
    for vault in settings.vaults.values():
        for number, region in enumerate(vault.regions):
            secrets = [value for value in region.options.values() if not isinstance(value, str)]
            needs = tuple(str(secret) for secret in secrets)
            yield Place(vault=vault.name, region=region.name, url=region.url, primary=number == 0, needs=needs)


def _channels(settings: Settings) -> Iterator[str]:
    for channel in sorted(settings.alerts.channels.values(), key=lambda each: each.after):
        after = f"after {format_interval(channel.after)}" if channel.after else "at once"
        classes = f", of {', '.join(channel.classes)}" if channel.classes else ""
        yield f"{channel.name}: {channel.severity} and worse{classes}, {after}"


def _by_scenario(said: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for name, table in said.items():
        scenario = next((each for each, pattern in _NAMES.items() if pattern.search(name)), None)
        if scenario is not None:
            found.setdefault(scenario, table)
    return found
