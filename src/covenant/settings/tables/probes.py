"""What is asked of a source after it was restored, by kind. Checksums and structure are asked without being written."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from covenant.settings.tables.fields import Interval, Share, Table, Text, refused


class ProbeTable(Table):
    """What every probe has."""

    within: Interval | None = Field(None, description="How long it may take; then it could not be verified.")


class NamedProbeTable(ProbeTable):
    """A question of one's own."""

    name: Text | None = Field(None, description="The question in words, as reports show it.")


class StructureTable(ProbeTable):
    """How the structure of a SQLite database is asked about, which it is without being written."""

    kind: Literal["structure"] = Field(description="What is asked.")
    foreign_keys: bool = Field(True, description="Whether foreign keys must lead somewhere.")


class SqlTable(NamedProbeTable):
    """A query of a database, and the answer that it must have. In PostgreSQL, tables are named with their schema."""

    kind: Literal["sql"] = Field(description="What is asked.")
    query: Text = Field(description="The query. It cannot change anything.")
    expect: Any = Field(description="The answer: one value, a list of values, or a list of rows.")

    @model_validator(mode="after")
    def _values(self) -> Self:
        if isinstance(self.expect, dict):
            raise refused("an answer is one value or a list", "Write expect = 42, or expect = ['a', 'b'].")
        return self


class RowsTable(ProbeTable):
    """How many rows tables have, beside the live database."""

    kind: Literal["rows"] = Field(description="What is asked.")
    tables: Annotated[list[Text], Field(min_length=1)] = Field(description="The tables to count.")
    tolerance: Share = Field(0.05, description="By how much the counts may differ: '5%'.")
    column: Text | None = Field(
        None, description="When a row came to be; then rows that came after the snapshot do not count."
    )


class ReferencesTable(NamedProbeTable):
    """Whether the files that a database names were restored with another source."""

    kind: Literal["references"] = Field(description="What is asked.")
    query: Text = Field(description="A query whose first column is the path of a file.")
    source: Text = Field(description="The source that keeps the files; it is restored in the same drill.")
    folder: Text = Field("/", description="Where relative paths begin, as the live system has it.")


class HttpTable(NamedProbeTable):
    """Your application, started on the restored data without a network, and asked one address."""

    kind: Literal["http"] = Field(description="What is asked.")
    command: Annotated[list[Text], Field(min_length=1)] = Field(
        description="The program and its arguments, run without a shell."
    )
    url: Annotated[str, Field(pattern="^https?://")] = Field(description="The address that is asked, on loopback.")
    status: Annotated[int, Field(ge=100, le=599)] = Field(200, description="The status that it must answer with.")
    text: Text | None = Field(None, description="What its answer must contain.")
    places: dict[str, Text] = Field(
        default_factory=dict,
        description="Variables that tell it where a path was restored to: '/srv/app.db', or 'SOURCE:/srv/media'.",
    )
    environment: dict[str, str] = Field(default_factory=dict, description="Further variables of its environment.")


AnyProbe: TypeAlias = StructureTable | SqlTable | RowsTable | ReferencesTable | HttpTable
PROBES: dict[str, type[AnyProbe]] = {
    "structure": StructureTable,
    "sql": SqlTable,
    "rows": RowsTable,
    "references": ReferencesTable,
    "http": HttpTable,
}
ASKED: dict[str, frozenset[str]] = {
    "sqlite": frozenset(PROBES),
    "postgres": frozenset({"sql"}),
}
"""What each kind of source can be asked; any other, by ``http`` alone."""
