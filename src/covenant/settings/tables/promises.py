"""What can be promised: by a class of data, by a tier of customers, by a source; all in the same words."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from covenant.settings.tables.fields import CalendarSpan, Count, Interval, NotNow, Table, When, Zone


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


class HoursTable(Table):
    """By which clock something falls due, and when nothing begins."""

    zone: Zone | None = Field(None, description="The time zone of cron expressions and blackouts; 'UTC' by default.")
    jitter: Interval | None = Field(None, description="The most by which a moment is put off, so that not all meet.")
    blackouts: list[NotNow] | None = Field(
        None, description="When nothing begins: '22:00-02:00', 'Mon-Fri 08:00-10:00'."
    )


class ScheduleTable(HoursTable):
    """When each kind of backup falls due: 'every 15m', five fields of cron, or 'never'."""

    full: When = Field(None, description="When everything is read.")
    differential: When = Field(None, description="When that is read which changed since the last full backup.")
    incremental: When = Field(None, description="When that is read which changed since the last backup.")
    log: When = Field(None, description="When a piece of the change log is kept; an incremental where there is none.")
    archive: When = Field(None, description="When a full backup is kept for the archive.")


class PromiseTable(Table):
    """Everything that can be promised. What is left out is as the layer below says."""

    rpo: Interval | None = Field(
        None, description="How much may be lost: the largest age of what a restore brings back."
    )
    rto: Interval | None = Field(None, description="How long a restore may take.")
    window: Interval | None = Field(None, description="How far back any moment can be had back; '0s' for no window.")
    copies: Annotated[int, Field(ge=1, le=16)] | None = Field(None, description="In how many regions it lies.")
    priority: Annotated[int, Field(ge=1, le=9)] | None = Field(
        None, description="What goes first, both kept and brought back; 1 is the first."
    )
    immutable: Interval | None = Field(None, description="How long nobody can delete its snapshots; '0s' for no term.")
    continuous: bool | None = Field(None, description="Whether its change log is followed as it grows.")
    retention: RetentionTable | None = Field(None, description="Which snapshots are kept.")
    schedule: ScheduleTable | None = Field(None, description="When each kind of backup falls due.")


class ClassTable(PromiseTable):
    """A class of data: everything in it was promised the same. What a known class leaves out stays as it is."""


class TierTable(PromiseTable):
    """A tier of customers: what it is promised beyond its class."""
