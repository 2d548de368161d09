"""The effective settings, each value beside where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from covenant.kernel.calendar import spelled
from covenant.kernel.durations import Span, format_interval
from covenant.kernel.layers import merged
from covenant.kernel.schedule import Blackout, Schedule
from covenant.settings.secrets import SecretCommand, SecretEnv, SecretFile
from covenant.settings.toml_lines import Where
from covenant.settings.values import Alerts, DataClass, Planned, Probe, Region, Settings, Source, Vault


def show(settings: Settings) -> dict[str, Any]:
    """The settings as nested tables, shaped as ``covenant.toml`` is, with secrets only by reference.

    Every value is ``{"value": …, "origin": …}``; the origin is a line of the file (``covenant.toml:12``, and whose line
    it is where several say the same key), or ``default``.
    """
    shown = _Origins(settings)
    limits = ((key, getattr(settings.limits, key)) for key in settings.limits.__dataclass_fields__)
    listen = None if settings.metrics is None else f"{settings.metrics[0]}:{settings.metrics[1]}"
    where_catalog = "path" if isinstance(settings.catalog, Path | None) else "url"
    return {
        "vaults": {name: shown.vault(vault) for name, vault in settings.vaults.items()},
        "classes": {name: shown.data_class(each) for name, each in settings.classes.items()},
        "tiers": {name: _nested(layer.said.items()) for name, layer in settings.tiers.items()},
        "sources": {name: shown.source(source) for name, source in settings.sources.items()},
        "limits": shown.table(("limits",), limits),
        "catalog": shown.table(("catalog",), ((where_catalog, settings.catalog),)),
        "metrics": shown.table(("metrics",), (("listen", listen),)),
        "alerts": shown.alerts(settings.alerts),
        **{section: shown.tables((section,), said) for section, said in settings.commitments.items()},
    }


class _Origins:
    """Knows where each value of one ``Settings`` stands."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def vault(self, vault: Vault) -> dict[str, Any]:
        named: Where = ("vaults", vault.name)
        where = named if named in self._settings.lines else ("vault",)
        whole = (
            ("url", vault.url),
            ("password", vault.password),
            ("acknowledge", vault.acknowledge),
            ("verify_within", vault.verify_within),
        )
        chores = ((kind, str(schedule)) for kind, schedule in vault.chores.items())
        shown = {**self.table(where, whole), "chores": self.table((*where, "chores"), chores)}
        if (*where, "regions") not in self._settings.lines:
            return {**shown, "options": self.table((*where, "options"), vault.options.items())}
        del shown["url"]
        return {**shown, "regions": {each.name: self.region(each, where) for each in vault.regions}}

    def region(self, region: Region, vault: Where) -> dict[str, Any]:
        where = (*vault, "regions", region.name)
        said = (
            ("url", region.url),
            ("storage_class", region.storage_class),
            ("archive_after", region.archive_after),
            ("archive_class", region.archive_class),
            ("immutable", region.immutable),
        )
        return {**self.table(where, said), "options": self.table((*where, "options"), region.options.items())}

    def data_class(self, data_class: DataClass) -> dict[str, Any]:
        return _nested(merged(data_class.layers).items())

    def source(self, source: Source) -> dict[str, Any]:
        where: Where = ("sources", source.name)
        written = (
            ("kind", source.kind),
            ("class", source.data_class),
            ("tier", source.tier),
            ("vault", source.vault),
            ("tags", source.tags),
            *_system(source),
            *((("probes", tuple(map(_asked, source.probes))),) if source.probes else ()),
        )
        return {**self.table(where, written), **_nested(merged(source.layers).items())}

    def alerts(self, alerts: Alerts) -> dict[str, Any]:
        channels = {
            name: self.table(
                ("alerts", "channels", name),
                (
                    ("url", channel.url),
                    ("classes", channel.classes),
                    ("severity", channel.severity),
                    ("after", channel.after),
                ),
            )
            for name, channel in alerts.channels.items()
        }
        times = (("group_for", alerts.group_for), ("repeat", alerts.repeat))
        return {**self.table(("alerts",), times), "channels": channels}

    def tables(self, where: Where, said: Mapping[str, Any]) -> dict[str, Any]:
        """A table that may hold tables."""
        return {
            key: self.tables((*where, key), value)
            if isinstance(value, Mapping)
            else self.table(where, ((key, value),))[key]
            for key, value in said.items()
        }

    def table(self, where: Where, values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        """The values of one table, each with its origin."""
        return {key: {"value": plain(value), "origin": self._origin((*where, key))} for key, value in values}

    def _origin(self, where: Where) -> str:
        line = self._settings.lines.get(where)
        if line is None and where[-1] == "paths":
            line = self._settings.lines.get((*where[:-1], "path"))  # the short form, for a single one
        return "default" if line is None else f"{self._settings.path.name}:{line}"


def _nested(said: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Values that know where they stand, as the tables that they would be written in."""
    shown: dict[str, Any] = {}
    for key, stated in said:
        outer, _, inner = key.rpartition(".")
        table = shown.setdefault(outer, {}) if outer else shown
        table[inner] = {"value": plain(stated.value), "origin": stated.origin}
    return shown


def _system(source: Source) -> Iterable[tuple[str, Any]]:
    """What a source's table says or could say of its system, by the keys that it would be written with."""
    match source.system:
        case Planned() as planned:
            return planned.said.items()
        case system:
            return ((key, getattr(system, key)) for key in system.__dataclass_fields__)


def _asked(probe: Probe) -> dict[str, Any]:
    """A probe as its table."""
    within = {} if probe.within is None else {"within": probe.within}
    return {"kind": probe.kind, **probe.said, **within}


def plain(value: Any) -> Any:
    """A value as it would be written in the file, of types that JSON knows."""
    match value:
        case timedelta():
            return format_interval(value)
        case Span():
            return spelled(value)
        case Schedule() | Blackout() | Path():
            return str(value)
        case SecretFile(path):
            return {"file": str(path)}
        case SecretEnv(name):
            return {"env": name}
        case SecretCommand(argv):
            return {"command": list(argv)}
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case tuple() | list():
            return [",".join(each) if isinstance(each, tuple) else plain(each) for each in value]
    return value
