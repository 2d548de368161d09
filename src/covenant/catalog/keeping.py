"""What the vaults have: their snapshots, and how well their objects are kept in each region.

The vaults are the truth here. The catalog is made to agree with them, and can be at any time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from covenant.catalog.records import Copies, Kept
from covenant.catalog.tables import copies, snapshots

_BATCH = 1000
KEPT_COLUMNS = tuple(snapshots.c[name] for name in Kept.__dataclass_fields__)


class TakenUp(NamedTuple):
    """How the catalog changed when it was made to agree with a vault."""

    added: int
    gone: int


def known(tx: Connection, vault: str) -> frozenset[str]:
    """The ids of the vault's snapshots that the catalog knows."""
    return frozenset(tx.execute(select(snapshots.c.id).where(snapshots.c.vault == vault)).scalars())


def take_up(tx: Connection, vault: str, kept: Iterable[Kept], still_there: Collection[str]) -> TakenUp:
    """Agree with what a vault has: ``kept``, and beside it those known snapshots whose ids are ``still_there``."""
    before = known(tx, vault)
    now = {each.id: each for each in kept}
    new = [_row(each, vault) for snapshot_id, each in now.items() if snapshot_id not in before]
    gone = before - now.keys() - frozenset(still_there)
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


def _row(kept: Kept, vault: str) -> dict[str, Any]:
    return {name: getattr(kept, name) for name in Kept.__dataclass_fields__} | {"vault": vault}


def _batches(rows: Iterable[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        yield batch
