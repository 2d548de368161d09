"""What is promised and carried by no source: drills, the Trash, non-payment, authorisation, communication.

All of it can be written down, is checked, and is shown as not covered until a version of Covenant keeps it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from covenant.settings.tables.fields import Interval, Size, Table, Text, When

Day = Annotated[int, Field(ge=1, le=3650)]
Role = Literal["org-owner", "admin", "owner", "operator"]


class TrashTable(Table):
    """Soft deletion: what is deleted can be had back for a while, and is gone for good afterwards."""

    window: Interval = Field(description="How long it can be had back.")
    covers: list[Text] = Field(default_factory=list, description="What passes through it: project, media, …")
    recover: list[Role] = Field(default_factory=list, description="Who may have it back.")
    removes: list[Text] = Field(default_factory=list, description="What is gone for good when the window ends.")


class DunningTable(Table):
    """The calendar of non-payment: days since an account became overdue."""

    grace: Interval = Field(description="How long nothing changes.")
    freeze_portal: bool = Field(False, description="Whether the delivery portal is frozen after grace.")
    block_uploads: bool = Field(False, description="Whether uploads are refused after grace.")
    warn_on_day: Day | None = Field(None, description="When the last warning is sent.")
    export_on_day: Day | None = Field(None, description="When an export of everything is offered.")
    erase_on_day: Day | None = Field(None, description="When its storage may be deleted, if all was retrievable.")


class DrillTable(Table):
    """A rehearsal: when, and how much of it."""

    at: When = Field(description="When it is held, as a cron expression.")
    what: Literal["restore", "simulation", "exercise"] = Field(
        description="A restore; the recovery from a disaster; everyone, from the alarm to normal business."
    )


class DrillsTable(Table):
    """Rehearsals of recovery, and what each must show."""

    monthly: DrillTable | None = Field(None, description="Every month.")
    quarterly: DrillTable | None = Field(None, description="Every quarter.")
    annual: DrillTable | None = Field(None, description="Every year.")
    validate_: list[Literal["integrity", "speed", "function", "experience"]] = Field(
        default_factory=list, alias="validate", description="What is asked of what was restored."
    )
    folder: Text | None = Field(
        None, description="Where sandboxes are made; in the state directory by default. Relative to the file's folder."
    )
    room: Size | None = Field(None, description="How many bytes one sandbox may take; what the disk has, by default.")
    reports: Text | None = Field(
        None, description="Where the report of each drill is left. Relative to the file's folder; nowhere by default."
    )


class AuthorisationTable(Table):
    """Who must agree before something is done."""

    restore: Role | None = Field(None, description="To a restore.")
    purge: Role | None = Field(None, description="To deletion for good.")
    failover: Role | None = Field(None, description="To working from another region.")


class AudienceTable(Table):
    """Some people who are told in a disaster."""

    who: Text = Field(description="Who they are.")
    how: Text = Field(description="How they are told.")
    owner: Text | None = Field(None, description="Who tells them.")


class RestorationTable(Table):
    """Which services come back in which order."""

    critical: list[Text] = Field(default_factory=list, description="First.")
    important: list[Text] = Field(default_factory=list, description="Second.")
    enhanced: list[Text] = Field(default_factory=list, description="Third.")
    optional: list[Text] = Field(default_factory=list, description="Last.")


class AuditTable(Table):
    """The log of what was done, by whom."""

    retention: Interval = Field(description="How long its entries are kept.")
    events: list[Text] = Field(default_factory=list, description="What is noted: security, approvals, refunds, …")


class StepsTable(Table):
    """What is done, in order."""

    about: Text | None = Field(None, description="What has happened, or what it is for.")
    steps: list[Text] = Field(min_length=1, description="What is done, in order.")


class IncidentsTable(Table):
    """What is done about every incident."""

    log: bool = Field(False, description="Whether each is noted.")
    postmortem: bool = Field(False, description="Whether each is looked back upon in writing.")
    read_only: bool = Field(False, description="Whether the platform becomes read-only while the primary is away.")


class ExportTable(Table):
    """Customers' own copies of their data."""

    at: When = Field(None, description="When it is made, as a cron expression.")
    tiers: list[Text] = Field(default_factory=list, description="For which tiers.")


class ReadinessTable(Table):
    """Whether people know what to do."""

    documentation: list[Text] = Field(default_factory=list, description="Where the procedures are written.")
    training: When = Field(None, description="When the team rehearses them, as a cron expression.")
    contacts: list[Text] = Field(default_factory=list, description="Whom to call, in the order of escalation.")
    vendors: list[Text] = Field(default_factory=list, description="Which vendors to call, and how.")
