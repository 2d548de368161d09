"""The classes, tiers and sources of a document: what is kept, and what was promised for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from covenant.kernel.layers import Layer, keep_of, merged
from covenant.settings import defaults
from covenant.settings.probes import probes
from covenant.settings.problems import did_you_mean
from covenant.settings.reading import Reading
from covenant.settings.tables.fields import SecretTable
from covenant.settings.tables.promises import ClassTable, PromiseTable, TierTable
from covenant.settings.tables.sources import KINDS, AnySource, FilesTable, PostgresTable, SourceTable, SqliteTable
from covenant.settings.toml_lines import Where
from covenant.settings.values import DataClass, Files, Objectives, Planned, Postgres, Source, Sqlite


def classes(reading: Reading) -> Iterator[DataClass]:
    """The classes that are written down, over the defaults of those that are known."""
    for name, raw, where in reading.named("classes"):
        table = reading.problems.read(ClassTable, raw, where)
        if table is None:
            continue
        known = defaults.CLASSES.get(name)
        below = (defaults.EVERYTHING,) if known is None else known.layers
        layers = (*below, reading.layer(f"class {name}", table, where))
        missing = [key for key in ("rpo", "rto") if key not in merged(layers)]
        for key in missing:
            hint = f"A class of your own says what it promises: {key} = '4h'."
            reading.problems.add((*where, key), "the key is missing", hint)
        if not missing:
            yield DataClass.merged(name, layers)


def tiers(reading: Reading) -> Iterator[Layer]:
    """The tiers that are written down."""
    for name, raw, where in reading.named("tiers"):
        table = reading.problems.read(TierTable, raw, where)
        if table is not None:
            yield reading.layer(f"tier {name}", table, where)


def sources(reading: Reading, known: Mapping[str, DataClass], tiered: Mapping[str, Layer]) -> Iterator[Source]:
    """The sources, with what their classes and tiers promise."""
    names = {*defaults.CLASSES, *reading.names("classes")}
    vaults = (reading.names("vaults") | ({"default"} if "vault" in reading.document else set())) or {"default"}
    tier_names = reading.names("tiers")
    for name, raw, where in reading.named("sources"):
        if isinstance(raw, dict):
            # Without any vault in the file, the default one is for the environment or the command line to name.
            reading.refer(raw.get("class"), names, (*where, "class"), "class")
            reading.refer(raw.get("vault", "default"), vaults, (*where, "vault"), "vault")
            reading.refer(raw.get("tier"), tier_names, (*where, "tier"), "tier")
        table = _table(reading, raw, where)
        data_class = None if table is None else known.get(table.data_class)
        if table is not None and data_class is not None:
            tier = tiered.get(table.tier or "")
            yield _source(reading, name, table, where, (*data_class.layers, *((tier,) if tier else ())))


def _table(reading: Reading, raw: Any, where: Where) -> AnySource | None:
    """The table of a source, read as its kind asks."""
    kind = raw.get("kind") if isinstance(raw, dict) else None
    at = (*where, "kind")
    if not isinstance(kind, str):
        listed = ", ".join(f"'{name}'" for name in KINDS)
        reading.problems.add(at, "the key is missing", f"Say what the source is: kind is one of {listed}.")
        return None
    if kind not in KINDS:
        reading.problems.add(at, f"there is no kind '{kind}'", did_you_mean(kind, KINDS))
        return None
    return reading.problems.read(KINDS[kind], raw, where)


def _source(reading: Reading, name: str, table: AnySource, where: Where, below: tuple[Layer, ...]) -> Source:
    dumped = isinstance(table, PostgresTable) and (table.grade == "dump" or bool(table.schemas))
    kind = None if dumped else defaults.KINDS.get(table.kind)
    layers = (*below[:1], *((kind,) if kind else ()), *below[1:], reading.layer(f"source {name}", table, where))
    said = merged(layers)
    return Source(
        name=name,
        system=_system(reading, name, table, where),
        data_class=table.data_class,
        objectives=Objectives(said["rpo"].value, said["rto"].value),
        retention=keep_of(said),
        vault=table.vault,
        tags=tuple(table.tags),
        tier=table.tier or "",
        layers=layers,
        probes=probes(reading, table.probes, table.kind, where),
    )


def _system(reading: Reading, name: str, table: AnySource, where: Where) -> Files | Sqlite | Postgres | Planned:
    match table:
        case FilesTable():
            return _files(reading, table)
        case SqliteTable():
            return Sqlite(reading.path(table.path))
        case PostgresTable():
            return _postgres(reading, name, table)
        case _:
            return Planned(table.kind, _said(reading, table, where))


def _files(reading: Reading, table: FilesTable) -> Files:
    written = table.paths or [table.path or ""]
    return Files(
        paths=tuple(reading.path(path) for path in written),
        exclude=tuple(table.exclude),
        one_file_system=table.one_file_system,
        exclude_caches=table.exclude_caches,
        exclude_if_present=tuple(table.exclude_if_present),
    )


def _postgres(reading: Reading, name: str, table: PostgresTable) -> Postgres:
    return Postgres(
        url=reading.secret(table.url),
        slot=table.slot or _slot(name),
        database=table.database or "",
        grade=table.grade,
        schemas=tuple(table.schemas),
        log_interval=table.log_interval,
        max_rate=table.max_rate,
        tablespace_map=dict(table.tablespace_map),
    )


def _slot(name: str) -> str:
    """A replication slot's name from a source's; slots allow fewer letters, so a changed name carries its hash."""
    plain = re.sub("[^a-z0-9_]", "_", name.lower())[:40]
    return f"covenant_{plain}" if plain == name else f"covenant_{plain}_{sha256(name.encode()).hexdigest()[:8]}"


def _said(reading: Reading, table: SourceTable, where: Where) -> dict[str, Any]:
    """What a source says of its system beyond what every source says."""
    said: dict[str, Any] = {}
    for key in type(table).model_fields:
        value = getattr(table, key)
        if key in SourceTable.model_fields or key in PromiseTable.model_fields or key == "kind" or value is None:
            continue
        if isinstance(value, SecretTable):
            value = reading.secret(value)
        elif key == "options":
            value = reading.options(value, where)
        said[key] = tuple(value) if isinstance(value, list) else value
    return said
