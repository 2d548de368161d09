"""What each source is asked in a drill: by its kind, and by what covenant.toml says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covenant.prove.ports import Probe, Spoiler, System
from covenant.prove.probes.application import Application
from covenant.settings import values

if TYPE_CHECKING:
    from covenant.settings.values import Source

_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""What of our environment a user's application sees; no password is among it."""


def system_of(source: Source, variables: Mapping[str, str]) -> System | None:
    """What a source brings to a drill; ``None`` for a kind that cannot be rehearsed."""
    match source.system:
        case values.Files():
            return System(tuple(_applications(source, variables)))
        case values.Sqlite(path):
            from covenant.adapters.sources.sqlite.spoiling import RowChanged

            spoilers: tuple[Spoiler, ...] = (RowChanged(str(path)),)
            return System((*_of_database(source, str(path)), *_applications(source, variables)), spoilers)
        case _:
            return None


def _of_database(source: Source, path: str) -> Iterator[Probe]:
    from covenant.adapters.sources.sqlite.probing import Query, References, Rows, Structure

    written = {probe.kind for probe in source.probes}
    if "structure" not in written:
        yield Structure(path)
    for probe in source.probes:
        said, within = probe.said, _within(probe)
        match probe.kind:
            case "structure":
                yield Structure(path, said["foreign_keys"], **within)
            case "sql":
                yield Query(path, said["query"], said["expect"], said["name"] or "", **within)
            case "rows":
                yield Rows(path, said["tables"], said["tolerance"], said["column"] or "", **within)
            case "references":
                folder, name = str(said["folder"]), said["name"] or ""
                yield References(path, said["query"], said["source"], folder, name, **within)


def _applications(source: Source, variables: Mapping[str, str]) -> Iterator[Probe]:
    ours = {name: variables[name] for name in _INHERITED if name in variables}
    for probe in source.probes:
        if probe.kind == "http":
            said = probe.said
            places: dict[str, tuple[str, Path]] = said["places"]
            yield Application(
                command=said["command"],
                url=said["url"],
                status=said["status"],
                text=said["text"] or "",
                places={name: (other or source.name, str(path)) for name, (other, path) in places.items()},
                inherited={**ours, **said["environment"]},
                name=said["name"] or "",
                source=source.name,
                **_within(probe),
            )


def _within(probe: values.Probe) -> dict[str, Any]:
    return {} if probe.within is None else {"within": probe.within.total_seconds()}
