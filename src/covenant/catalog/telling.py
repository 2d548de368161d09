"""What is told: proofs and the journal, which are only ever added to, and small texts that are replaced whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Select, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from covenant.catalog.records import Entry, Proof, scope_of
from covenant.catalog.tables import journal, memories, proofs
from covenant.kernel.errors import LeaseLost

PROOF_COLUMNS = tuple(proofs.c[name] for name in Proof.__dataclass_fields__)
ENTRY_COLUMNS = tuple(journal.c[name] for name in Entry.__dataclass_fields__)


def prove(tx: Connection, proof: Proof) -> Proof:
    """Add a proof; it is given its number and its name."""
    named = replace(proof, uid=proof.uid or uuid4().hex)
    values = {name: getattr(named, name) for name in Proof.__dataclass_fields__ if name != "id"}
    made = tx.execute(insert(proofs).values(scope=scope_of(proof.kind), **values).returning(proofs.c.id)).scalar_one()
    return replace(named, id=made)


def note(tx: Connection, entry: Entry) -> Entry:
    """Add a line to the journal; it is given its number and its name."""
    named = replace(entry, uid=entry.uid or uuid4().hex)
    values = {name: getattr(named, name) for name in Entry.__dataclass_fields__ if name != "id"}
    return replace(named, id=tx.execute(insert(journal).values(**values).returning(journal.c.id)).scalar_one())


def note_once(tx: Connection, entry: Entry) -> None:
    """Add a line to the journal unless one of its name is there."""
    values = {name: getattr(entry, name) for name in Entry.__dataclass_fields__ if name != "id"}
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    tx.execute(make(journal).values(**values).on_conflict_do_nothing())


def shown(
    tx: Connection, *, subject: str | None, kind: str | None, since: datetime | None, most: int
) -> tuple[Proof, ...]:
    """Proofs, the newest first."""
    query = select(*PROOF_COLUMNS)
    return tuple(Proof(**row) for row in tx.execute(_newest(query, proofs, subject, kind, since, most)).mappings())


def entries(
    tx: Connection, *, subject: str | None, kind: str | None, since: datetime | None, most: int
) -> tuple[Entry, ...]:
    """Lines of the journal, the newest first."""
    query = select(*ENTRY_COLUMNS)
    return tuple(Entry(**row) for row in tx.execute(_newest(query, journal, subject, kind, since, most)).mappings())


def _newest(
    query: Select[Any], table: Table, subject: str | None, kind: str | None, since: datetime | None, most: int
) -> Select[Any]:
    """At most so many rows of a table of what happened, and only those that were asked for."""
    for column, wanted in ((table.c.subject, subject), (table.c.kind, kind)):
        if wanted is not None:
            query = query.where(column == wanted)
    if since is not None:
        query = query.where(table.c.at >= since)
    return query.order_by(table.c.id.desc()).limit(most)


def remembered(tx: Connection, name: str) -> str:
    """The text of that name, ``""`` where there is none."""
    return tx.execute(select(memories.c.text).where(memories.c.name == name)).scalar() or ""


def remember(tx: Connection, name: str, text: str, instead_of: str) -> None:
    """Put a text in the place of the one that was read before. Raises ``LeaseLost`` where another stands there now."""
    if instead_of:
        same = (memories.c.name == name) & (memories.c.text == instead_of)
        put: Any = update(memories).where(same).values(text=text).returning(memories.c.name)
    else:
        make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
        new = make(memories).values(name=name, text=text)
        put = new.on_conflict_do_nothing().returning(memories.c.name)
    if tx.execute(put).first() is None:
        raise LeaseLost(
            f"what is remembered as '{name}' was written by another daemon meanwhile",
            "Nothing was written over it. Whoever leads now goes on from there.",
        )
