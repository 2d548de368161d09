"""The types of single values of ``covenant.toml``: how each is written, and what it is read as."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from covenant.kernel.durations import Span, parse_interval, parse_span
from covenant.kernel.schedule import Blackout, Schedule, parse_blackout, parse_schedule, parse_zone
from covenant.settings.amounts import (
    STRONGEST,
    parse_bandwidth,
    parse_compression,
    parse_pack_size,
    parse_share,
    parse_size,
)

INLINE_SECRET = "a secret may not stand in this file"
SECRET_HINT = 'Say where it is: { file = "vault.key" }, { env = "NAME" } or { command = ["pass", "show", "vault"] }.'
SECRET_OPTION = "(secret|token|password|passphrase|key)$"
"""The names of a store's options that are secrets."""


def refused(what: str, hint: str) -> PydanticCustomError:
    """A value that cannot be followed; ``problems`` takes the hint from the context."""
    return PydanticCustomError("covenant", "{what}", {"what": what, "hint": hint})


def _parsed(parse: Callable[[str], Any], hint: str) -> BeforeValidator:
    """Text that one of our own readers takes apart."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            raise refused(f"{_shown(value)} is not text", hint)
        try:
            return parse(value)
        except ValueError as error:
            raise refused(str(error), hint) from error

    return BeforeValidator(read)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _no_inline_secret(value: object) -> object:
    if not isinstance(value, dict):
        raise refused(INLINE_SECRET, SECRET_HINT)
    return value


def _level(value: object) -> object:
    """A bare level is read as its text is; a truth value is no level."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Interval: TypeAlias = Annotated[
    timedelta,
    _parsed(parse_interval, "Write a length of time: '15m', '4h', '7d' or '1h30m'."),
    WithJsonSchema({"type": "string", "pattern": "^([0-9]+[wdhms])+$", "examples": ["15m", "4h", "7d"]}),
]
CalendarSpan: TypeAlias = Annotated[
    Span,
    _parsed(parse_span, "Write a stretch of the calendar: '7d', '12m' (months) or '1y5m7d2h'."),
    WithJsonSchema({"type": "string", "pattern": "^([0-9]+[ymdh])+$", "examples": ["7d", "1y5m7d2h"]}),
]
PackSize: TypeAlias = Annotated[
    int,
    _parsed(parse_pack_size, "Write a size from '4MiB' to '128MiB'."),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+ *([kKmM][iI]?[bB]?)?$", "examples": ["16MiB"]}),
]
Compression: TypeAlias = Annotated[
    int | None,
    _parsed(parse_compression, f"Write 'off', 'auto', 'max' or a level from 1 to {STRONGEST}."),
    BeforeValidator(_level),
    WithJsonSchema({"anyOf": [{"enum": ["off", "auto", "max"]}, {"type": "integer", "minimum": 0, "maximum": 22}]}),
]
Size: TypeAlias = Annotated[
    int,
    _parsed(parse_size, "Write a size: '20GiB'."),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+ *([kKmMgGtT][iI]?[bB]?)?$", "examples": ["20GiB"]}),
]
Share: TypeAlias = Annotated[
    float,
    _parsed(parse_share, "Write a share: '5%'."),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+([.][0-9]+)? *%$", "examples": ["5%"]}),
]
Bandwidth: TypeAlias = Annotated[
    int,
    _parsed(parse_bandwidth, "Write how much in a second: '20MiB/s'."),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]+ *([kKmMgG][iI]?)?[bB]?/s$", "examples": ["20MiB/s"]}),
]
When: TypeAlias = Annotated[
    Schedule | None,
    _parsed(parse_schedule, "Write 'every 15m', the five fields of cron as '0 3 * * Mon', or 'never'."),
    WithJsonSchema({"type": "string", "examples": ["every 15m", "0 3 * * *", "never"]}),
]
NotNow: TypeAlias = Annotated[
    Blackout,
    _parsed(parse_blackout, "Write '22:00-02:00' or 'Mon-Fri 08:00-10:00'."),
    WithJsonSchema({"type": "string", "examples": ["22:00-02:00", "Mon-Fri 08:00-10:00"]}),
]
Zone: TypeAlias = Annotated[
    str,
    _parsed(parse_zone, "Write a name of the time zone database: 'Europe/Berlin' or 'UTC'."),
    WithJsonSchema({"type": "string", "examples": ["UTC", "Europe/Berlin"]}),
]
Count: TypeAlias = Annotated[int, Field(ge=-1)]
Text: TypeAlias = Annotated[str, Field(min_length=1)]


class Table(BaseModel):
    """A table whose every key is known, and whose values are of the type they are written in."""

    # Each is built when it is first read by: most files have few of the tables that there are.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True, defer_build=True)


class SecretTable(Table):
    """Where a secret is: in a file, in an environment variable, or printed by a program. Exactly one of the three."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    file: Text | None = Field(None, description="A file with the secret in it; relative to covenant.toml's folder.")
    env: Text | None = Field(None, description="The name of an environment variable.")
    command: list[Text] | None = Field(
        None,
        min_length=1,
        description="A program and its arguments, run without a shell; what it prints is the secret.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(place is not None for place in (self.file, self.env, self.command)) != 1:
            raise refused("a secret is in exactly one place", SECRET_HINT)
        return self


Secret: TypeAlias = Annotated[SecretTable, BeforeValidator(_no_inline_secret)]
