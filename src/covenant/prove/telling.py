"""A drill's record as text, and back: so it lies in the catalog, in the evidence and beside its report.

The text is one JSON object, version 1 of which is

    {"version": 1, "result": "passed" | "failed" | "could not verify", "drill": DrillRecord}

with the fields of ``record`` by their names, instants in RFC 3339 and lengths of time as ISO 8601 has them
(``PT90S``). ``result`` is for readers that only want to know; whoever reads the record judges anew. Fields that are
missing have their defaults, and ones that are not known are passed over.
"""

from __future__ import annotations

import msgspec

from covenant.kernel.errors import DamageError
from covenant.prove.record import DrillRecord

VERSION = 1


class _Written(msgspec.Struct):
    version: int
    drill: DrillRecord


class _Version(msgspec.Struct):
    version: int


def to_json(record: DrillRecord) -> str:
    """The record as text."""
    return msgspec.json.encode({"version": VERSION, "result": record.result, "drill": record}).decode()


def from_json(text: str) -> DrillRecord:
    """The record that a text tells. Raises ``DamageError`` for one that tells none."""
    try:
        version = msgspec.json.decode(text, type=_Version).version
        if version > VERSION:
            raise DamageError(f"the record has version {version}, newer than this program", "Update Covenant.")
        return msgspec.json.decode(text, type=_Written).drill
    except msgspec.MsgspecError as error:
        raise DamageError(f"the record of a drill is not readable: {error}") from error
