"""A part of a server that is wanted: a database, a schema or a table, as people name it.

accounts/                   the database ``accounts``
accounts/billing            its schema ``billing``
billing                     the same, of the source's own database
billing.invoices            a table
"""

from __future__ import annotations

from dataclasses import dataclass

from covenant.kernel.errors import UsageError


@dataclass(frozen=True, slots=True)
class Part:
    """A database, or a schema or table in it; what is ``""`` is wanted whole."""

    database: str
    schema: str = ""
    table: str = ""

    @property
    def patterns(self) -> tuple[str, ...]:
        """The options of ``pg_dump`` that mean it; quoted, so that no letter of a name is a pattern."""
        if self.table:
            return (f"--table={_exactly(self.schema)}.{_exactly(self.table)}",)
        return (f"--schema={_exactly(self.schema)}",) if self.schema else ()

    def __str__(self) -> str:
        inside = ".".join(name for name in (self.schema, self.table) if name)
        return f"{self.database}/{inside}"


def parse_part(text: str, database: str) -> Part:
    """What is meant by the text; ``database`` is the one that is meant where none is named. Raises ``UsageError``."""
    before, slash, inside = text.partition("/")
    named, inside = (before, inside) if slash else (database, text)
    schema, dot, table = inside.partition(".")
    if not named or (not slash and not schema) or (dot and not (schema and table)) or "/" in inside:
        raise UsageError(
            f"'{text}' names no part of a server",
            "Write 'schema.table', 'schema', 'database/' or 'database/schema.table'.",
        )
    return Part(named, schema, table)


def _exactly(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
