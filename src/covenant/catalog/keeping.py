"""What the vaults have: their snapshots, and how well their objects are kept in each region.

The vaults are the truth here. The catalog is made to agree with them, and can be at any time. That a snapshot came or
went is noted in the journal by the same transaction, whoever took it or let it go, and with whatever program: so no
backup and no deletion passes without a word, though nobody may have lived to tell of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from covenant.catalog.records import Copies, Kept
from covenant.catalog.tables import copies, journal, snapshots

KEPT, GONE = "snapshot-kept", "snapshot-gone"
"""The kinds of the journal's lines about snapshots."""

_BATCH = 1000
_UNTOLD = frozenset({"log"})
"""Pieces of a change log come by the minute and are merged as they age: they are not noted one by one."""
KEPT_COLUMNS = tuple(snapshots.c[name] for name in Kept.__dataclass_fields__)


class TakenUp(NamedTuple):
    """How the catalog changed when it was made to agree with a vault."""

    added: int
    gone: int


def known(tx: Connection, vault: str) -> frozenset[str]:
    """The ids of the vault's snapshots that the catalog knows."""
    return frozenset(tx.execute(select(snapshots.c.id).where(snapshots.c.vault == vault)).scalars())


def take_up(tx: Connection, vault: str, kept: Iterable[Kept], still_there: Collection[str], at: datetime) -> TakenUp:
    """Agree with what a vault has: ``kept``, and beside it those known snapshots whose ids are ``still_there``."""
    before = known(tx, vault)
    now = {each.id: each for each in kept}
    new = [_row(each, vault) for snapshot_id, each in now.items() if snapshot_id not in before]
    gone = before - now.keys() - frozenset(still_there)
    _note(tx, [_line(each, vault, KEPT, at) for snapshot_id, each in now.items() if snapshot_id not in before])
    _note(tx, [_line(each, vault, GONE, at) for each in _those(tx, vault, gone)])
    for batch in _batches(new):
        tx.execute(insert(snapshots), batch)
    for batch in _batches({"gone": snapshot_id} for snapshot_id in gone):
        tx.execute(delete(snapshots).where(snapshots.c.vault == vault, snapshots.c.id == bindparam("gone")), batch)
    return TakenUp(len(new), len(gone))


def kept_of(row: Iterable[Any]) -> Kept:
    """The snapshot in a row of ``KEPT_COLUMNS``."""
    kept = Kept(**dict(zip(Kept.__dataclass_fields__, row, strict=True)))
    object.__setattr__(kept, "tags", tuple(kept.tags))
    return kept


def count(tx: Connection, counted: Iterable[Copies]) -> None:
    """Enter how well vaults' objects are kept in regions, in the place of what was counted before."""
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    for each in counted:
        values = {name: getattr(each, name) for name in Copies.__dataclass_fields__}
        put = make(copies).values(**values)
        tx.execute(put.on_conflict_do_update(index_elements=["vault", "region"], set_=values))


def _those(tx: Connection, vault: str, ids: Collection[str]) -> Iterable[Kept]:
    """What is known of snapshots that are there no more."""
    for batch in _batches({"id": snapshot_id} for snapshot_id in sorted(ids)):
        chosen = snapshots.c.id.in_([each["id"] for each in batch])
        yield from map(kept_of, tx.execute(select(*KEPT_COLUMNS).where(snapshots.c.vault == vault, chosen)))


def _line(kept: Kept, vault: str, kind: str, at: datetime) -> dict[str, Any]:
    """The journal's line that a snapshot came or went. It has the same name whenever and by whomever it is noted."""
    said = {"snapshot": kept.id, "kind": kept.kind, "time": kept.time, "host": kept.hostname}
    if kind == KEPT:
        said |= {"files": kept.files, "bytes": kept.bytes, "added_bytes": kept.added_bytes}
    return {
        "uid": sha256("\0".join((kind, vault, kept.id)).encode()).hexdigest()[:32],
        "at": kept.time if kind == KEPT else at,
        "kind": kind,
        "subject": kept.source or vault,
        "actor": kept.hostname if kind == KEPT else "",
        "text": msgspec.json.encode(said).decode(),
        "vault": vault,
        "untold": kept.kind in _UNTOLD,
    }


def _note(tx: Connection, lines: Iterable[dict[str, Any]]) -> None:
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    for batch in _batches(line for line in lines if not line.pop("untold")):
        tx.execute(make(journal).on_conflict_do_nothing(), batch)


def _row(kept: Kept, vault: str) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in Kept.__dataclass_fields__} | {"vault": vault}


def _batches(rows: Iterable[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        yield batch
