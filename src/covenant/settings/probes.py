"""What a source is asked after it was restored, read into plain values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from covenant.settings.problems import did_you_mean
from covenant.settings.reading import Reading
from covenant.settings.tables.probes import ASKED, PROBES, AnyProbe, HttpTable, ReferencesTable
from covenant.settings.toml_lines import Where
from covenant.settings.values import Probe


def probes(reading: Reading, written: list[Any], kind: str, where: Where) -> tuple[Probe, ...]:
    """The probes of a source of this kind, which stand at ``where``."""
    return tuple(_probes(reading, written, kind, (*where, "probes")))


def _probes(reading: Reading, written: list[Any], system: str, where: Where) -> Iterator[Probe]:
    for index, raw in enumerate(written):
        at = (*where, index)
        kind = raw.get("kind") if isinstance(raw, dict) else None
        if kind not in PROBES:
            what = "the key is missing" if kind is None else f"there is no kind '{kind}'"
            reading.problems.add((*at, "kind"), what, did_you_mean(str(kind), PROBES))
            continue
        known = ASKED.get(system, frozenset({"http"}))
        if kind not in known:
            hint = f"A source of kind '{system}' can be asked by {', '.join(map(repr, sorted(known)))}."
            reading.problems.add((*at, "kind"), f"'{kind}' cannot be asked of a source of kind '{system}'", hint)
        table = reading.problems.read(PROBES[kind], raw, at)
        if table is not None:
            yield _probe(reading, table, at)


def _probe(reading: Reading, table: AnyProbe, where: Where) -> Probe:
    said = {name: getattr(table, name) for name in type(table).model_fields if name not in ("kind", "within")}
    names = reading.names("sources")
    if isinstance(table, ReferencesTable):
        reading.refer(table.source, names, (*where, "source"), "source")
        said["folder"] = reading.path(table.folder)
    if isinstance(table, HttpTable):
        said["command"] = (_program(reading, table.command[0]), *table.command[1:])
        said["places"] = {name: _place(reading, text, (*where, "places", name)) for name, text in table.places.items()}
    plain = {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}
    return Probe(table.kind, plain, table.within)


def _program(reading: Reading, written: str) -> str:
    """A program that is named with its folder lies below covenant.toml's, unless the path is absolute."""
    return str(reading.path(written)) if "/" in written else written


def _place(reading: Reading, written: str, where: Where) -> tuple[str, Path]:
    """``SOURCE:PATH``, or a path of the source itself (whose name is ``""`` then)."""
    source, colon, path = written.partition(":")
    if not colon:
        return "", reading.path(written)
    reading.refer(source, reading.names("sources"), where, "source")
    return source, reading.path(path)
