"""What is kept, by kind. Those of ``PLANNED`` can be written down, and are shown as not covered by this version."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import ConfigDict, Field, model_validator

from covenant.settings.tables.fields import Bandwidth, Interval, Secret, Text, refused
from covenant.settings.tables.promises import PromiseTable


class SourceTable(PromiseTable):
    """What every kind of source has."""

    data_class: Text = Field(alias="class", description="What it was promised: critical, important, operational, …")
    tier: Text | None = Field(None, description="The tier whose promises are laid over those of its class.")
    vault: Text = Field("default", description="The vault that it is kept in.")
    tags: list[Text] = Field(default_factory=list, description="Tags of its snapshots.")
    probes: list[Any] = Field(  # `probes` reads each by its kind, and `schema` tells what it may be
        default_factory=list, description="What it is asked after it was restored in a drill."
    )


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
            raise refused("either path or paths is needed", 'Write paths = ["./media"].')
        return self


class SqliteTable(SourceTable):
    """A SQLite database, which may be written to meanwhile."""

    kind: Literal["sqlite"] = Field(description="What it is.")
    path: Text = Field(description="The database's file; relative to covenant.toml's folder.")


class PostgresTable(SourceTable):
    """A PostgreSQL server, kept whole over one ordinary connection."""

    kind: Literal["postgres"] = Field(description="What it is.")
    url: Secret = Field(description="Where its address is, which holds credentials.")
    database: Text | None = Field(None, description="The database to connect to, where the address names none.")
    grade: Literal["automatic", "physical", "dump"] = Field(
        "automatic", description="How it is kept: by base backups and its log, or by dumps; the best it allows."
    )
    schemas: list[Text] = Field(default_factory=list, description="Only these schemas, which are dumped.")
    log_interval: Interval = Field(
        timedelta(seconds=10), description="How long changes may wait before they are in the vault."
    )
    slot: Annotated[str, Field(pattern="^[a-z0-9_]{1,63}$")] | None = Field(
        None, description="The replication slot; named after the source by default."
    )
    max_rate: Bandwidth | None = Field(
        None, description="The most that the server sends in a second: '20MiB/s', from 32KiB/s to 1GiB/s."
    )
    tablespace_map: dict[Text, Text] = Field(
        default_factory=dict, description="Where a restore puts tablespaces: the old folder, and the new one."
    )

    @model_validator(mode="after")
    def _possible_grade(self) -> Self:
        if self.schemas and self.grade == "physical":
            raise refused("a base backup has every schema", "Leave out schemas, or write grade = 'dump'.")
        if self.continuous and (self.schemas or self.grade == "dump"):
            raise refused("a dump has no change log that could be followed", "Leave out continuous.")
        return self

    @model_validator(mode="after")
    def _possible_rate(self) -> Self:
        if self.max_rate is not None and not 32 << 10 <= self.max_rate <= 1 << 30:
            raise refused("no server sends at that rate", "Write max_rate between '32KiB/s' and '1GiB/s'.")
        return self


class D1Table(SourceTable):
    """A D1 database. Not covered by this version."""

    kind: Literal["d1"] = Field(description="What it is.")
    account: Text = Field(description="The account's id.")
    database: Text = Field(description="The database's id.")
    token: Secret | None = Field(None, description="Where the token is that may read it.")


class BucketTable(SourceTable):
    """A bucket of an object store. Not covered by this version."""

    kind: Literal["bucket"] = Field(description="What it is.")
    url: Text = Field(description="The bucket, and a prefix in it: s3://bucket/prefix.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options of the object store; credentials by reference."
    )
    exclude: list[Text] = Field(default_factory=list, description="What to leave out, in gitignore's syntax.")


class ConfigTable(SourceTable):
    """Configuration: files, variables, settings of services. Not covered by this version."""

    kind: Literal["config"] = Field(description="What it is.")
    paths: list[Text] = Field(default_factory=list, description="Files and folders; relative to the file's folder.")
    repositories: list[Text] = Field(default_factory=list, description="Git repositories.")
    variables: list[Text] = Field(default_factory=list, description="Environment variables, by name.")
    services: list[Text] = Field(default_factory=list, description="Services whose settings are asked for.")


AnySource: TypeAlias = FilesTable | SqliteTable | PostgresTable | D1Table | BucketTable | ConfigTable
PLANNED: tuple[type[SourceTable], ...] = (D1Table, BucketTable, ConfigTable)
KINDS: dict[str, type[AnySource]] = {
    "files": FilesTable,
    "sqlite": SqliteTable,
    "postgres": PostgresTable,
    "d1": D1Table,
    "bucket": BucketTable,
    "config": ConfigTable,
}
