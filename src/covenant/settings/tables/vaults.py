"""Where snapshots are kept: vaults, their regions, and what a vault needs of itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from covenant.settings.tables.fields import Interval, Secret, Table, Text, When, refused
from covenant.settings.tables.promises import HoursTable

Lock = Literal["object-lock", "bucket-lock"]


class ChoresTable(HoursTable):
    """When a vault looks after itself: 'every 6h', five fields of cron, or 'never'."""

    forget: When = Field(None, description="When snapshots are let go that no rule keeps.")
    prune: When = Field(None, description="When room is made of what no snapshot needs.")
    sync: When = Field(None, description="When its regions catch up with one another.")
    check: When = Field(None, description="When its structure and checksums are looked through.")
    lock: When = Field(None, description="When stores are told what to hold and what to archive, as promised.")
    verify: When = Field(None, description="When the next part is read back in every region, in spare time.")


class PlaceTable(Table):
    """A place where a vault's objects lie."""

    options: dict[str, Any] = Field(  # `vaults` reads each value by itself, and `schema` tells what it may be
        default_factory=dict,
        description="Options of the object store: region, endpoint, access_key_id; credentials by reference.",
    )
    storage_class: Text | None = Field(
        None, description="The store's own name of a class for files' content: 'STANDARD_IA'. All else stays at hand."
    )
    archive_after: Interval | None = Field(
        None,
        description="At which age files' content goes to an archival class: '90d'. An S3 bucket does it by itself.",
    )
    archive_class: Text | None = Field(None, description="Which archival class that is; 'GLACIER' unless said.")
    immutable: Lock | None = Field(None, description="How objects are made immutable there, where classes ask it.")


class RegionTable(PlaceTable):
    """One of the places of a vault; the first that is written is the primary."""

    url: Text = Field(description="A folder (relative to covenant.toml's), or s3:, gs:, az: and where the objects lie.")


class VaultTable(PlaceTable):
    """Where snapshots are kept, and how the vault is opened."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["url"]}, {"required": ["regions"]}]})

    url: Text | None = Field(
        None, description="A folder (relative to covenant.toml's), or s3:, gs:, az: and where the objects lie."
    )
    password: Secret | None = Field(None, description="Where the vault's password is; never the password itself.")
    regions: dict[str, Any] | None = Field(None, description="Its places by name, the primary first.", min_length=1)
    acknowledge: Literal["all"] | Annotated[int, Field(ge=1)] = Field(
        "all", description="In how many regions a write must be durable before it counts."
    )
    verify_within: Interval | None = Field(
        None, description="In which time every byte is read back in every region; '30d' by default, '0s' for never."
    )
    chores: ChoresTable | None = Field(None, description="When it looks after itself.")

    @model_validator(mode="after")
    def _url_or_regions(self) -> Self:
        if (self.url is None) == (self.regions is None):
            raise refused("either url or regions is needed", 'Write url = "./vault", or [vault.regions.NAME] tables.')
        of_a_place = (self.options, self.storage_class, self.archive_after, self.archive_class, self.immutable)
        if self.regions is not None and any(of_a_place):
            raise refused("what belongs to a region stands beside it", "Move it into the [vault.regions.NAME] table.")
        return self
