"""A drill's record as text, and back: so it lies in the catalog, in the evidence and beside its report.

The text is one JSON object, version 1 of which is

    {"version": 1, "result": "passed" | "failed" | "could not verify", "drill": DrillRecord}

with the fields of ``record`` by their names, instants in RFC 3339 and lengths of time as ISO 8601 has them
(``PT90S``). ``result`` is for readers that only want to know; whoever reads the record judges anew. Fields that are
missing have their defaults, and ones that are not known are passed over.
"""

from __future__ import annotations

from typing import Any

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
    return encoded({"version": VERSION, "result": record.result, "drill": record}).decode()


def encoded(value: Any) -> bytes:
    """JSON of a value that may hold names which are no UTF-8: their odd bytes are written as ``\\udcff``.

    Names come from file systems, where every byte is allowed. None of them may keep a record from being kept.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_spelled(msgspec.to_builtins(value)))


def spelled(text: str) -> str:
    """Text that can be stored anywhere, its odd bytes written as ``\\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode()


def _spelled(value: Any) -> Any:
    if isinstance(value, str):
        return spelled(value)
    if isinstance(value, dict):
        return {_spelled(key): _spelled(each) for key, each in value.items()}
    return [_spelled(each) for each in value] if isinstance(value, (list, tuple)) else value


def from_json(text: str) -> DrillRecord:
    """The record that a text tells. Raises ``DamageError`` for one that tells none."""
    try:
        version = msgspec.json.decode(text, type=_Version).version
        if version > VERSION:
            raise DamageError(f"the record has version {version}, newer than this program", "Update Covenant.")
        return msgspec.json.decode(text, type=_Written).drill
    except msgspec.MsgspecError as error:
        raise DamageError(f"the record of a drill is not readable: {error}") from error
