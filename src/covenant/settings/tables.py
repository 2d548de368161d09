"""The tables of ``covenant.toml`` as people write them: which keys there are, of which type, and what each is for.

The descriptions are what editors show; ``schema`` publishes them. What a table means together with the others (names
that refer to one another, defaults that a class supplies) is decided in ``resolve``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from covenant.kernel.durations import Span, parse_interval, parse_span
from covenant.settings.amounts import STRONGEST, parse_compression, parse_pack_size

INLINE_SECRET = "a secret may not stand in this file"
SECRET_HINT = 'Say where it is: { file = "vault.key" }, { env = "NAME" } or { command = ["pass", "show", "vault"] }.'
SECRET_OPTION = "(secret|token|password|passphrase|key)$"
"""The names of a store's options that are secrets."""


def _refused(what: str, hint: str) -> PydanticCustomError:
    """A value that cannot be followed; ``problems`` takes the hint from the context."""
    return PydanticCustomError("covenant", "{what}", {"what": what, "hint": hint})


def _parsed(parse: Callable[[str], Any], hint: str) -> BeforeValidator:
    """Text that one of our own readers takes apart."""

    def read(value: object) -> object:
        if not isinstance(value, str):
            raise _refused(f"{_shown(value)} is not text", hint)
        try:
            return parse(value)
        except ValueError as error:
            raise _refused(str(error), hint) from error

    return BeforeValidator(read)


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _no_inline_secret(value: object) -> object:
    if not isinstance(value, dict):
        raise _refused(INLINE_SECRET, SECRET_HINT)
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
Count: TypeAlias = Annotated[int, Field(ge=-1)]
Text: TypeAlias = Annotated[str, Field(min_length=1)]


class Table(BaseModel):
    """A table whose every key is known, and whose values are of the type they are written in."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


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
            raise _refused("a secret is in exactly one place", SECRET_HINT)
        return self


Secret: TypeAlias = Annotated[SecretTable, BeforeValidator(_no_inline_secret)]


class VaultTable(Table):
    """Where snapshots are kept, and how the vault is opened."""

    url: Text = Field(description="A folder (relative to covenant.toml's), or s3:, gs:, az: and where the objects lie.")
    password: Secret | None = Field(None, description="Where the vault's password is; never the password itself.")
    options: dict[str, Any] = Field(  # `resolve` reads each value by itself, and `schema` tells what it may be
        default_factory=dict,
        description="Options of the object store: region, endpoint, access_key_id; credentials by reference.",
    )


class RetentionTable(Table):
    """Which snapshots are kept: those that any one rule keeps. 0 switches a rule off, -1 keeps all of its kind."""

    keep_last: Count | None = Field(None, description="The newest so many.")
    keep_hourly: Count | None = Field(None, description="The newest of each of so many hours.")
    keep_daily: Count | None = Field(None, description="The newest of each of so many days.")
    keep_weekly: Count | None = Field(None, description="The newest of each of so many weeks.")
    keep_monthly: Count | None = Field(None, description="The newest of each of so many months.")
    keep_yearly: Count | None = Field(None, description="The newest of each of so many years.")
    keep_within: CalendarSpan | None = Field(None, description="Everything this much older than the newest, or less.")
    keep_tags: list[str] | None = Field(None, description="Everything with one of these tags; 'a,b' asks for both.")


class ClassTable(Table):
    """A class of data: everything in it was promised the same. What a known class leaves out stays as it is."""

    rpo: Interval | None = Field(
        None, description="How much may be lost: the largest age of what a restore brings back."
    )
    rto: Interval | None = Field(None, description="How long a restore may take.")
    retention: RetentionTable | None = Field(None, description="Which snapshots are kept.")


class SourceTable(Table):
    """What every kind of source has."""

    data_class: Text = Field(alias="class", description="What it was promised: critical, important, operational, …")
    vault: Text = Field("default", description="The vault that it is kept in.")
    tags: list[Text] = Field(default_factory=list, description="Tags of its snapshots.")
    retention: RetentionTable | None = Field(None, description="Rules that differ from those of its class.")


class FilesTable(SourceTable):
    """Folders and files."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["path"]}, {"required": ["paths"]}]})

    kind: Literal["files"] = Field(description="What it is.")
    path: Text | None = Field(None, description="The folder or file to keep; relative to covenant.toml's folder.")
    paths: list[Text] | None = Field(None, min_length=1, description="The folders and files to keep.")
    exclude: list[Text] = Field(default_factory=list, description="What to leave out, in gitignore's syntax.")
    one_file_system: bool = Field(False, description="Do not cross into other file systems.")
    exclude_caches: bool = Field(False, description="Leave out folders marked by a CACHEDIR.TAG.")
    exclude_if_present: list[Text] = Field(
        default_factory=list, description="Leave out folders that hold a file of one of these names."
    )

    @model_validator(mode="after")
    def _path_or_paths(self) -> Self:
        if (self.path is None) == (self.paths is None):
            raise _refused("either path or paths is needed", 'Write paths = ["./media"].')
        return self


class SqliteTable(SourceTable):
    """A SQLite database, which may be written to meanwhile."""

    kind: Literal["sqlite"] = Field(description="What it is.")
    path: Text = Field(description="The database's file; relative to covenant.toml's folder.")


class LimitsTable(Table):
    """How much of the machine may be used."""

    upload_threads: Annotated[int, Field(ge=1, le=64)] | None = Field(None, description="Uploads at the same time.")
    workers: Annotated[int, Field(ge=1, le=256)] | None = Field(None, description="Processes that read and encrypt.")
    pack_size: PackSize | None = Field(None, description="The size that packs are filled to, '4MiB' to '128MiB'.")
    compression: Compression = Field(None, description="'off', 'auto', 'max', or zstd's level.")


KINDS: dict[str, type[FilesTable] | type[SqliteTable]] = {"files": FilesTable, "sqlite": SqliteTable}
PLANNED_KINDS = ("postgres", "bucket", "d1", "config")
NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""How vaults, classes and sources may be named."""


class Document(Table):
    """What is kept, what each class of data was promised, and where the vaults are."""

    vault: VaultTable | None = Field(None, description="The vault named 'default'.")
    vaults: dict[str, VaultTable] = Field(default_factory=dict, description="Vaults by name, where there are several.")
    classes: dict[str, ClassTable] = Field(default_factory=dict, description="What was promised, by class of data.")
    sources: dict[str, Annotated[FilesTable | SqliteTable, Field(discriminator="kind")]] = Field(
        default_factory=dict, description="What is kept, by name."
    )
    limits: LimitsTable | None = Field(None, description="How much of the machine may be used.")
