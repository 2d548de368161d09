"""The whole of a ``covenant.toml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from covenant.settings.tables import commitments as later
from covenant.settings.tables.fields import Table
from covenant.settings.tables.promises import ClassTable, TierTable
from covenant.settings.tables.running import AlertsTable, CatalogTable, LimitsTable, MetricsTable
from covenant.settings.tables.sources import AnySource
from covenant.settings.tables.vaults import VaultTable

NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""How vaults, regions, classes, tiers, sources and channels may be named."""


class Document(Table):
    """What is kept, what each class of data was promised, and where the vaults are."""

    vault: VaultTable | None = Field(None, description="The vault named 'default'.")
    vaults: dict[str, VaultTable] = Field(default_factory=dict, description="Vaults by name, where there are several.")
    classes: dict[str, ClassTable] = Field(default_factory=dict, description="What was promised, by class of data.")
    tiers: dict[str, TierTable] = Field(default_factory=dict, description="What customers are promised beyond that.")
    sources: dict[str, Annotated[AnySource, Field(discriminator="kind")]] = Field(
        default_factory=dict, description="What is kept, by name."
    )
    limits: LimitsTable | None = Field(None, description="How much of the machine may be used.")
    catalog: CatalogTable | None = Field(None, description="Where it is remembered what was done.")
    metrics: MetricsTable | None = Field(None, description="Where numbers can be read by a program that watches.")
    alerts: AlertsTable | None = Field(None, description="Who is told what, and how often.")
    trash: later.TrashTable | None = Field(None, description="Soft deletion.")
    dunning: later.DunningTable | None = Field(None, description="The calendar of non-payment.")
    drills: later.DrillsTable | None = Field(None, description="Rehearsals of recovery.")
    authorisation: later.AuthorisationTable | None = Field(None, description="Who must agree before it is done.")
    communication: dict[str, later.AudienceTable] = Field(
        default_factory=dict, description="Who is told in a disaster, by audience."
    )
    restoration: later.RestorationTable | None = Field(None, description="Which services come back in which order.")
    audit: later.AuditTable | None = Field(None, description="The log of what was done, by whom.")
    scenarios: dict[str, later.StepsTable] = Field(default_factory=dict, description="What is done when, by disaster.")
    procedures: dict[str, later.StepsTable] = Field(default_factory=dict, description="How recovery goes, by name.")
    incidents: later.IncidentsTable | None = Field(None, description="What is done about every incident.")
    export: later.ExportTable | None = Field(None, description="Customers' own copies of their data.")
    readiness: later.ReadinessTable | None = Field(None, description="Whether people know what to do.")


SINGLE: dict[str, type[Table]] = {
    "trash": later.TrashTable,
    "dunning": later.DunningTable,
    "drills": later.DrillsTable,
    "authorisation": later.AuthorisationTable,
    "restoration": later.RestorationTable,
    "audit": later.AuditTable,
    "incidents": later.IncidentsTable,
    "export": later.ExportTable,
    "readiness": later.ReadinessTable,
}
"""The commitments of one table each."""

SEVERAL: dict[str, type[Table]] = {
    "communication": later.AudienceTable,
    "scenarios": later.StepsTable,
    "procedures": later.StepsTable,
}
"""The commitments of several tables by name."""
