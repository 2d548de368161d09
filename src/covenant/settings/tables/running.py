"""How Covenant itself works: limits, where it remembers, how it is watched, whom it tells."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from covenant.settings.tables.fields import Bandwidth, Compression, Interval, PackSize, Secret, Table, Text, refused

Severity = Literal["info", "warning", "critical"]


class LimitsTable(Table):
    """How much of the machine may be used."""

    upload_threads: Annotated[int, Field(ge=1, le=64)] | None = Field(None, description="Uploads at the same time.")
    workers: Annotated[int, Field(ge=1, le=256)] | None = Field(None, description="Processes that read and encrypt.")
    pack_size: PackSize | None = Field(None, description="The size that packs are filled to, '4MiB' to '128MiB'.")
    compression: Compression = Field(None, description="'off', 'auto', 'max', or zstd's level.")
    concurrent: Annotated[int, Field(ge=1, le=64)] | None = Field(None, description="Runs at the same time.")
    bandwidth: Bandwidth | None = Field(None, description="How much may be sent in a second, '20MiB/s'.")


class CatalogTable(Table):
    """Where it is remembered what was done: a file, or a PostgreSQL database that several daemons share."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["path"]}, {"required": ["url"]}]})

    path: Text | None = Field(None, description="A file; relative to covenant.toml's folder.")
    url: Secret | None = Field(None, description="Where the database's address is, which holds credentials.")

    @model_validator(mode="after")
    def _path_or_url(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise refused("either path or url is needed", 'Write path = "catalog.db" or url = { env = "NAME" }.')
        return self


class MetricsTable(Table):
    """Where numbers can be read by a program that watches."""

    listen: Annotated[str, Field(pattern=r"^[^\s:]+:[0-9]{1,5}$|^\[[0-9a-fA-F:]+\]:[0-9]{1,5}$")] = Field(
        description="The address and port: '127.0.0.1:9464'."
    )


class ChannelTable(Table):
    """A way to tell people."""

    url: Secret = Field(description="Where its Apprise address is, which holds credentials.")
    classes: list[Text] = Field(default_factory=list, description="Only what concerns these classes; all by default.")
    severity: Severity = Field("info", description="Only what is at least so severe.")
    after: Interval | None = Field(None, description="Told only if it is not resolved by then.")


class AlertsTable(Table):
    """Who is told what, and how often."""

    channels: dict[str, ChannelTable] = Field(default_factory=dict, description="The ways to tell people, by name.")
    group_for: Interval | None = Field(None, description="How long to wait for more of the same before telling.")
    repeat: Interval | None = Field(None, description="How often something unresolved is told again.")
