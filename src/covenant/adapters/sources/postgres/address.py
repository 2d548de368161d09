"""Where a server is: a connection string, as libpq knows it, with what we add.

Everything that libpq understands holds: URLs and keywords, TLS, SCRAM, several hosts, service files, ``.pgpass``. What
we add gives way to what the string says, except ``replication=database``: with it the connection is matched by ordinary
database rows of ``pg_hba.conf``, and takes replication commands and SQL.
(PostgreSQL manual, "Streaming Replication Protocol")
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType

from covenant.kernel.errors import SourceError

CONNECT_SECONDS = 15.0
_ALIVE = {"keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
"""So that a dead network is noticed within a minute or so."""


@dataclass(frozen=True, slots=True)
class Address:
    """A server of a source. ``database`` is where to connect to if the connection string names none."""

    source: str
    url: str = field(repr=False)
    database: str = ""

    def conninfo(self, *, replication: bool) -> bytes:
        """The whole connection string. It holds credentials. Raises ``SourceError`` where the string is none."""
        conninfo, said = library().conninfo, self._said()
        added = {**_ALIVE, "application_name": "covenant", "client_encoding": "UTF8"}
        if "service" not in said:
            added["dbname"] = self.database or "postgres"
        if replication:
            said["replication"] = "database"
        return str(conninfo.make_conninfo(**{**added, **said})).encode()

    @property
    def said(self) -> dict[str, str]:
        """What the connection string says, by keyword, the password left out. Raises ``SourceError``."""
        return {key: str(value) for key, value in self._said().items() if key != "password"}

    def scrubbed(self, text: str) -> str:
        """What a library says, without the password, in our tone."""
        password = self._said().get("password")
        plain = text.replace(str(password), "***") if password else text
        return " ".join(plain.split()).removeprefix("connection failed: ")

    def _said(self) -> dict[str, object]:
        psycopg = library()
        try:
            return {key: value for key, value in psycopg.conninfo.conninfo_to_dict(self.url).items() if value != ""}
        except psycopg.Error:  # its text may hold the password, so it is neither shown nor kept as the cause
            raise SourceError(
                f"the address of source '{self.source}' is no connection string of PostgreSQL",
                "Write it as postgresql://user:password@host:5432/database, and special letters as %40.",
            ) from None


def library() -> ModuleType:
    """psycopg, which is loaded when a server is first spoken to. Raises ``SourceError`` where it is not installed."""
    try:
        import psycopg
        import psycopg.conninfo
    except ImportError as error:
        raise SourceError(
            "the library that speaks to PostgreSQL is not installed",
            "Install it beside Covenant: pip install 'memory-covenant[postgresql]'",
        ) from error
    return psycopg
