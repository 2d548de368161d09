"""The effective settings, each value beside where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from covenant.kernel import calendar
from covenant.kernel.durations import format_interval
from covenant.kernel.keep import Keep
from covenant.settings.secrets import SecretCommand, SecretEnv, SecretFile, SecretRef
from covenant.settings.toml_lines import Where
from covenant.settings.values import DataClass, Settings, Source, Sqlite, Vault


def show(settings: Settings) -> dict[str, Any]:
    """The settings as nested tables, shaped as ``covenant.toml`` is, with secrets only by reference.

    Every value is ``{"value": …, "origin": …}``; the origin is a line of the file (``covenant.toml:12``), the class
    that supplied it (``class critical``), or ``default``.
    """
    shown = _Origins(settings)
    return {
        "vaults": {name: shown.vault(vault) for name, vault in settings.vaults.items()},
        "classes": {name: shown.data_class(each) for name, each in settings.classes.items()},
        "sources": {name: shown.source(source) for name, source in settings.sources.items()},
        "limits": shown.table(("limits",), ((key, getattr(settings.limits, key)) for key in _LIMITS)),
    }


_LIMITS = ("upload_threads", "workers", "pack_size", "compression")


class _Origins:
    """Knows where each value of one ``Settings`` stands."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def vault(self, vault: Vault) -> dict[str, Any]:
        named: Where = ("vaults", vault.name)
        where = named if named in self._settings.lines else ("vault",)
        shown = self.table(where, (("url", vault.url), ("password", _reference(vault.password))))
        options = (
            (key, value if isinstance(value, str) else _reference(value)) for key, value in vault.options.items()
        )
        return {**shown, "options": self.table((*where, "options"), options)}

    def data_class(self, data_class: DataClass) -> dict[str, Any]:
        where: Where = ("classes", data_class.name)
        objectives = data_class.objectives
        promised = (("rpo", format_interval(objectives.rpo)), ("rto", format_interval(objectives.rto)))
        return {
            **self.table(where, promised),
            "retention": self.table((*where, "retention"), _rules(data_class.retention)),
        }

    def source(self, source: Source) -> dict[str, Any]:
        where: Where = ("sources", source.name)
        by_class = f"class {source.data_class}"
        objectives = source.objectives
        promised = (("rpo", format_interval(objectives.rpo)), ("rto", format_interval(objectives.rto)))
        return {
            **self.table(where, _written(source)),
            **self.table(where, promised, otherwise=by_class),
            "retention": self.table((*where, "retention"), _rules(source.retention), otherwise=by_class),
        }

    def table(
        self, where: Where, values: Iterator[tuple[str, Any]] | tuple[Any, ...], otherwise: str = "default"
    ) -> Any:
        """The values of one table, each with its origin."""
        return {key: {"value": value, "origin": self._origin((*where, key), otherwise)} for key, value in values}

    def _origin(self, where: Where, otherwise: str) -> str:
        line = self._settings.lines.get(where)
        if line is None and where[-1] == "paths":
            line = self._settings.lines.get((*where[:-1], "path"))  # the short form, for a single one
        return otherwise if line is None else f"{self._settings.path.name}:{line}"


def _written(source: Source) -> Iterator[tuple[str, Any]]:
    """What a source's table says or could say, by the keys that it would be written with."""
    yield "kind", source.kind
    yield "class", source.data_class
    yield "vault", source.vault
    yield "tags", list(source.tags)
    system = source.system
    if isinstance(system, Sqlite):
        yield "path", str(system.path)
        return
    yield "paths", [str(path) for path in system.paths]
    yield "exclude", list(system.exclude)
    yield "one_file_system", system.one_file_system
    yield "exclude_caches", system.exclude_caches
    yield "exclude_if_present", list(system.exclude_if_present)


def _rules(keep: Keep | None) -> Iterator[tuple[str, Any]]:
    """The rules in force, by the keys that they would be written with."""
    if keep is None:
        return
    for name, count in keep.counts():
        yield f"keep_{name}", count
    if keep.within is not None:
        yield "keep_within", calendar.spelled(keep.within)
    if keep.tags:
        yield "keep_tags", [",".join(tags) for tags in keep.tags]


def _reference(secret: SecretRef | None) -> dict[str, Any] | None:
    match secret:
        case SecretFile(path):
            return {"file": str(path)}
        case SecretEnv(name):
            return {"env": name}
        case SecretCommand(argv):
            return {"command": list(argv)}
    return None
