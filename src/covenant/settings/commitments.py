"""What is promised and carried by no source, read into plain values by section and key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from covenant.settings.reading import Reading
from covenant.settings.tables.document import SEVERAL, SINGLE
from covenant.settings.tables.fields import Table


def commitments(reading: Reading) -> dict[str, Mapping[str, Any]]:
    """The sections that are written down, each with what it says; silence is left out."""
    found: dict[str, Mapping[str, Any]] = {}
    for section, kind in SINGLE.items():
        if section in reading.document:
            table = reading.problems.read(kind, reading.document[section], (section,))
            if table is not None:
                found[section] = _said(table)
    for section, kind in SEVERAL.items():
        tables = {name: reading.problems.read(kind, raw, where) for name, raw, where in reading.named(section)}
        if tables:
            found[section] = {name: _said(table) for name, table in tables.items() if table is not None}
    for index, tier in enumerate(found.get("export", {}).get("tiers", ())):
        reading.refer(tier, reading.names("tiers"), ("export", "tiers", index), "tier")
    return found


def _said(table: Table) -> dict[str, Any]:
    """What a table says, by the keys that it is written with."""
    said: dict[str, Any] = {}
    for name, field in type(table).model_fields.items():
        if name in table.model_fields_set:
            value = getattr(table, name)
            value = _said(value) if isinstance(value, Table) else value
            said[field.alias or name] = tuple(value) if isinstance(value, list) else value
    return said
