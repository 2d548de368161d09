"""A dump in the vault: what it says of itself, and its files, in the order in which they are loaded.

    /<source>/1-roles.sql          the roles of the server, with their passwords where they could be read
    /<source>/2-schema.sql         everything that data need: schemas, types, tables, functions
    /<source>/3-data.sql           rows, large objects, and where sequences stand
    /<source>/4-constraints.sql    what is made once the rows are there: keys, indexes, triggers, rules
    /<source>/dump.json            of what it is, and how many rows each table had at its moment

``psql`` loads them in this order, whoever restored them.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from covenant.adapters.sources.postgres.about import top_of
from covenant.kernel.errors import DamageError, UsageError
from covenant.recover.listing import resolve
from covenant.vault.pack import BlobType
from covenant.vault.reader import read_blob
from covenant.vault.snapshot import LOG, Snapshot
from covenant.vault.vault import Vault

ROLES, SCHEMA, DATA, CONSTRAINTS = "1-roles.sql", "2-schema.sql", "3-data.sql", "4-constraints.sql"
ABOUT = "dump.json"
_POSITION = "dump-"


class Dump(msgspec.Struct, frozen=True, kw_only=True):
    """What a dump says of itself. ``roles`` and ``tables`` are named as SQL names them, and as rows were counted."""

    format: int = 1
    source: str
    server_version: int
    dumped_by: int
    """The major version of the programs that took it; as new must those be that load it."""
    database: str
    encoding: str
    taken: str
    place: str
    """Where the server's log stood: everything in the dump was logged before it."""
    schemas: list[str] = []
    """The only ones that it has; all where it is empty."""
    roles: list[str] = []
    superuser: str = "postgres"
    """The role that the server was made with."""
    passwords: bool = False
    tables: dict[str, int] = {}
    left_out: list[str] = []


def position_of(place: str) -> str:
    """The position of a dump's snapshot."""
    return f"{_POSITION}{place}"


def is_dump(snapshot: Snapshot) -> bool:
    """Whether a snapshot is the dump of a server."""
    return snapshot.position.startswith(_POSITION)


def newest_dump(snapshots: Iterable[Snapshot], source: str) -> Snapshot | None:
    """The newest state of a source that is kept, where that is a dump."""
    states = (each for each in snapshots if each.source == source and each.kind != LOG)
    newest = max(states, key=lambda each: each.time, default=None)
    return newest if newest is not None and is_dump(newest) else None


def read_dump(vault: Vault, snapshot: Snapshot) -> Dump:
    """What a dump says of itself. Raises ``UsageError`` for another snapshot, ``DamageError``."""
    if not is_dump(snapshot):
        raise UsageError(f"snapshot {snapshot.short_id} is no dump of PostgreSQL", "Choose another.")
    node = resolve(vault, snapshot, f"{top_of(snapshot)}/{ABOUT}")[-1][1]
    text = b"".join(read_blob(vault, bytes.fromhex(blob), BlobType.DATA) for blob in node.content or ())
    try:
        return msgspec.json.decode(text, type=Dump)
    except msgspec.MsgspecError as error:
        raise DamageError(f"{ABOUT} of snapshot {snapshot.short_id} cannot be read: {error}") from error
