"""How Covenant itself works: its limits, its catalog, its metrics, its alerts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta
from pathlib import Path

from covenant.settings import defaults
from covenant.settings.reading import Reading
from covenant.settings.secrets import SecretRef
from covenant.settings.tables.running import AlertsTable, CatalogTable, LimitsTable, MetricsTable
from covenant.settings.values import Alerts, Channel, Limits


def limits(reading: Reading) -> Limits:
    """The limits; none where nothing is said."""
    table = reading.problems.read(LimitsTable, reading.document.get("limits", {}), ("limits",))
    return Limits() if table is None else Limits(**table.model_dump())


def catalog(reading: Reading) -> Path | SecretRef | None:
    """Where it is remembered what was done; ``None`` for the usual file."""
    if "catalog" not in reading.document:
        return None
    table = reading.problems.read(CatalogTable, reading.document["catalog"], ("catalog",))
    if table is None:
        return None
    return reading.secret(table.url) if table.url is not None else reading.path(table.path or "")


def metrics(reading: Reading) -> tuple[str, int] | None:
    """The address and port that metrics are read at; ``None`` for nowhere."""
    if "metrics" not in reading.document:
        return None
    table = reading.problems.read(MetricsTable, reading.document["metrics"], ("metrics",))
    if table is None:
        return None
    host, _, port = table.listen.rpartition(":")
    if int(port) > 65535:
        reading.problems.add(("metrics", "listen"), f"there is no port {port}", "Ports go up to 65535.")
    return host.strip("[]"), int(port)


def alerts(reading: Reading, classes: Collection[str]) -> Alerts:
    """Who is told what; nobody where nothing is said."""
    table = reading.problems.read(AlertsTable, reading.document.get("alerts", {}), ("alerts",))
    if table is None:
        return Alerts()
    return Alerts(
        {channel.name: channel for channel in _channels(reading, table, classes)},
        defaults.GROUP_FOR if table.group_for is None else table.group_for,
        defaults.REPEAT if table.repeat is None else table.repeat,
    )


def _channels(reading: Reading, table: AlertsTable, classes: Collection[str]) -> Iterator[Channel]:
    for name, each in table.channels.items():
        for index, data_class in enumerate(each.classes):
            reading.refer(data_class, classes, ("alerts", "channels", name, "classes", index), "class")
        after = timedelta() if each.after is None else each.after
        yield Channel(name, reading.secret(each.url), tuple(each.classes), each.severity, after)
