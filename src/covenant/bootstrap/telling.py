"""Telling people and showing numbers, put together: how things stand goes in, messages and metrics come out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from covenant import __version__
from covenant.adapters.channels.apprise import AppriseChannel
from covenant.adapters.channels.log import LogChannel
from covenant.adapters.channels.remembered import CatalogMemory
from covenant.adapters.metrics.prometheus import Scene, Tally, render
from covenant.respond.alert import Channel, Rules, State
from covenant.respond.condition import Severity
from covenant.respond.conditions import conditions_of
from covenant.respond.telling import Teller

if TYPE_CHECKING:
    from covenant.catalog.catalog import Catalog
    from covenant.catalog.history import History, Past
    from covenant.kernel.clock import Clock
    from covenant.kernel.findings import Finding
    from covenant.kernel.policy import Policy
    from covenant.kernel.standing import Standing
    from covenant.respond.condition import Condition
    from covenant.respond.ports import Carrier
    from covenant.settings.values import Alerts
    from covenant.settings.values import Channel as Described

LOG = "log"
"""The channel that is always there, and hears of everything."""
_FIRST_WAIT, _SHORTEST_WAIT, _LONGEST_WAIT = 3.0, 15.0, 60.0
_SHARE = 0.005
"""Looking takes about this share of the time where there are many sources, and is never rarer than each minute. An idle
daemon may take twice as much in all."""


def rules_of(alerts: Alerts) -> Rules:
    """Who hears what, as ``covenant.toml`` says it; and the log, which hears of everything."""
    described = (
        Channel(each.name, each.classes, Severity.named(each.severity), each.after) for each in alerts.channels.values()
    )
    log = Channel(LOG, severity=Severity.INFO)
    return Rules(channels=(log, *described), group_for=alerts.group_for, repeat=alerts.repeat)


def carrier(described: Described, variables: Mapping[str, str]) -> Carrier:
    """What carries messages to a channel; its address is looked up at each one."""
    return AppriseChannel(described.name, lambda: described.url.resolve(variables))


def memory(state_dir: Path, catalog: Catalog) -> CatalogMemory:
    """Where it is remembered who was told what: the catalog, and before it knew of that a file below ``state_dir``."""
    from hashlib import sha256

    return CatalogMemory(catalog, state_dir / f"alerts-{sha256(catalog.place.encode()).hexdigest()[:16]}.json")


def teller(
    alerts: Alerts, variables: Mapping[str, str], kept: CatalogMemory, clock: Clock, log: Callable[[str], object]
) -> Teller:
    """What tells people, ready to be given what is wrong at every look."""
    carriers: dict[str, Carrier] = {name: carrier(each, variables) for name, each in alerts.channels.items()}
    return Teller(rules_of(alerts), {LOG: LogChannel(log), **carriers}, kept, clock)


def scene(standing: Standing, catalog: Catalog, history: History, alerts: State) -> Scene:
    """Everything that Prometheus is shown."""
    past = {(name, kind): each for name, of in history.sources.items() for kind, each in of.past.items()}
    past |= {(name, kind): each for name, of in history.vaults.items() for kind, each in of.past.items()}
    tallies = tuple(_tally(*key, ended, past.get(key)) for key, ended in catalog.ended().items())
    return Scene(version=__version__, standing=standing, tallies=tallies, alerts=alerts)


def _tally(subject: str, kind: str, ended: Mapping[str, int], past: Past | None) -> Tally:
    good = past.good if past else None
    if good is None or good.ended_at is None:
        return Tally(subject=subject, kind=kind, ended=ended)
    return Tally(
        subject=subject,
        kind=kind,
        ended=ended,
        seconds=(good.ended_at - good.started_at).total_seconds(),
        bytes=good.tally.get("bytes"),
        stored_bytes=good.tally.get("stored_bytes"),
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at everything."""

    standing: Standing
    oddities: tuple[Finding, ...]
    history: History


def see(policy: Policy, catalog: Catalog, clock: Clock) -> Seen:
    """How things stand now."""
    from covenant.loop.anomalies import anomalies
    from covenant.loop.promised import promised_since
    from covenant.loop.standing import standing

    now = clock.now()
    history = catalog.history(now)
    found = standing(policy, history, now, promised_since(catalog))
    return Seen(found, anomalies(policy, history, now), history)


@dataclass(slots=True)
class Lookout:
    """Looks at how things stand again and again beside the loop, tells people, and has the numbers ready.

    ``see`` finds out how things stand, ``alerts`` says who is told what (both may answer differently each time), and
    only who is ``leading`` tells anyone, for two daemons must not both wake the same person.
    """

    see: Callable[[], Seen]
    alerts: Callable[[], Alerts]
    leading: Callable[[], bool]
    catalog: Catalog
    kept: CatalogMemory
    clock: Clock
    variables: Mapping[str, str]
    log: Callable[[str], object]
    troubles: Callable[[], tuple[Condition, ...]] = tuple
    """What is wrong beside the promises: with the settings themselves."""
    _text: str = ""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def look(self, *, at_once: bool = False) -> None:
        """Look once. ``at_once``: nobody will look again soon, so nothing waits to be grouped with what comes."""
        seen, alerts = self.see(), self.alerts()
        telling = teller(
            replace(alerts, group_for=timedelta()) if at_once else alerts,
            self.variables,
            self.kept,
            self.clock,
            self.log,
        )
        if self.leading():
            telling.look((*self.troubles(), *conditions_of(seen.standing, seen.oddities)))
        self._text = render(scene(seen.standing, self.catalog, seen.history, telling.state()))

    def scrape(self) -> str:
        """The numbers as of the last look, which they bear the moment of."""
        return self._text

    def begin(self) -> None:
        """Look again and again from now on, in a thread of its own: a channel that hangs holds nobody else up."""
        self._thread = threading.Thread(target=self._keep_looking, name="lookout", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more. Waits for the look that is under way, no longer than a channel takes."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _keep_looking(self) -> None:
        # The first look waits until somebody leads, and is no measure: it loads what the others find loaded.
        wait, measured = _FIRST_WAIT, False
        while not self._stop.wait(wait):
            began = self.clock.monotonic()
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not silence what comes after
                self.log(f"how things stand could not be told: {error}\n")
            took = self.clock.monotonic() - began if measured else 0.0
            wait, measured = min(max(_SHORTEST_WAIT, took / _SHARE), _LONGEST_WAIT), True
