"""What has weight, written so that a vault can keep it, and read back when the catalog was lost.

Weight have: runs that ended, proofs, and the journal; nobody could say again what they say. Snapshots and positions
lie in the vaults as they are. Leases, progress and counted copies are of the moment, and are found out anew.

A page is one JSON text, version 1 of which is

    {"version": 1, "runs": [Run, ...], "proofs": [Proof, ...], "entries": [Entry, ...]}

with the fields of ``records`` by their names, instants in RFC 3339. Fields that are missing have their defaults, and
ones that are not known are passed over. A record is the same in every catalog by its ``uid``: pages may overlap, repeat
and come in any order. The vault seals a page and keeps it below ``covenant/journal`` (``vault.journal``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Column, Connection, Table, func, insert, or_, select, update

from covenant.catalog import leasing
from covenant.catalog.records import Entry, Proof, Run, State, scope_of
from covenant.catalog.running import RUN_COLUMNS, enter_duty, run_of
from covenant.catalog.tables import journal, proofs, runs
from covenant.catalog.telling import ENTRY_COLUMNS, PROOF_COLUMNS
from covenant.kernel.errors import DamageError

VERSION = 1
MOST = 1000
"""The most records of each kind in one page."""

_Record: TypeAlias = Run | Proof | Entry
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Page:
    """A page to be kept in ``vault``: its text, and which records are in it, by table."""

    vault: str
    text: bytes
    uids: dict[str, list[str]]


class Restored(NamedTuple):
    """How much was taken in that was not known before."""

    runs: int
    proofs: int
    entries: int


class _Written(msgspec.Struct):
    """A page, taken apart."""

    version: int
    runs: list[Run] = []
    proofs: list[Proof] = []
    entries: list[Entry] = []


_decoder = msgspec.json.Decoder(_Written)


def next_page(tx: Connection, vault: str, most: int) -> Page | None:
    """What does not lie in the vault yet, the oldest first; ``None`` where all of it does."""
    ended = [run_of(row) for row in _left(tx, runs, RUN_COLUMNS, vault, most)]
    shown = [_made(Proof, row) for row in _left(tx, proofs, PROOF_COLUMNS, vault, most)]
    told = [_made(Entry, row) for row in _left(tx, journal, ENTRY_COLUMNS, vault, most)]
    if not (ended or shown or told):
        return None
    text = msgspec.json.encode({"version": VERSION, "runs": ended, "proofs": shown, "entries": told})
    tables = ((runs, ended), (proofs, shown), (journal, told))
    return Page(vault, text, {table.name: [each.uid for each in records] for table, records in tables})


def mark(tx: Connection, page: Page) -> None:
    """Remember that a page is kept."""
    for table in (runs, proofs, journal):
        for batch in _chunks(page.uids[table.name]):
            tx.execute(update(table).where(table.c.uid.in_(batch)).values(recorded=True))


def records_in(text: bytes) -> tuple[list[Run], list[Proof], list[Entry]]:
    """The records that a page tells. Raises ``DamageError`` for one that is no page."""
    page = _taken_apart(text)
    return page.runs, page.proofs, page.entries


def restore(tx: Connection, pages: Iterable[bytes], now: datetime) -> Restored:
    """Take in what the pages tell and the catalog does not know. Raises ``DamageError`` for one that is no page."""
    read = [_taken_apart(text) for text in pages]
    ended = {run.uid: run for page in read for run in page.runs if run.state.ended}
    new_runs = _unknown(tx, runs, ended)
    new_proofs = _unknown(tx, proofs, {proof.uid: proof for page in read for proof in page.proofs})
    new_entries = _unknown(tx, journal, {entry.uid: entry for page in read for entry in page.entries})
    _add(tx, runs, sorted(new_runs, key=lambda run: (run.started_at, run.id)))
    _add(tx, proofs, sorted(new_proofs, key=lambda proof: (proof.at, proof.id)))
    _add(tx, journal, sorted(new_entries, key=lambda entry: (entry.at, entry.id)))
    for duty in {(scope_of(run.kind), run.subject, run.kind) for run in new_runs}:
        enter_duty(tx, *duty)
    _grow_fences(tx, ended.values(), now)
    return Restored(len(new_runs), len(new_proofs), len(new_entries))


def _left(tx: Connection, table: Table, columns: tuple[Column[Any], ...], vault: str, most: int) -> Iterable[Any]:
    query = select(*columns).where(table.c.recorded.is_(False), or_(table.c.vault == vault, table.c.vault == ""))
    if table is runs:
        query = query.where(runs.c.state != State.RUNNING.value)
    return tx.execute(query.order_by(table.c.id).limit(most))


def _made(kind: type[Any], row: Iterable[Any]) -> Any:
    return kind(**dict(zip(kind.__dataclass_fields__, row, strict=True)))


def _taken_apart(text: bytes) -> _Written:
    try:
        page = _decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise DamageError(f"a page of the vault's journal is not readable: {error}") from error
    if page.version > VERSION:
        raise DamageError(
            f"a page of the vault's journal has version {page.version}, which is newer than this program",
            "Update Covenant, then run it again.",
        )
    return page


def _unknown(tx: Connection, table: Table, found: dict[str, Any]) -> list[Any]:
    """Those records that the table does not have."""
    known: set[str] = set()
    for batch in _chunks(list(found)):
        known.update(tx.execute(select(table.c.uid).where(table.c.uid.in_(batch))).scalars())
    return [record for uid, record in found.items() if uid not in known]


def _add(tx: Connection, table: Table, records: list[Any]) -> None:
    """Enter records below all numbers that are given already: what is read back is older than what was done since."""
    first = tx.execute(select(func.min(table.c.id))).scalar_one()
    numbers = range(1, len(records) + 1) if first is None else range(first - len(records), first)
    rows = [_row(table, record, number) for number, record in zip(numbers, records, strict=True)]
    for batch in _chunks(rows):
        tx.execute(insert(table), batch)
    if rows and tx.dialect.name == "postgresql":  # numbers that were given by hand are unknown to its sequence
        tx.execute(
            select(
                func.setval(
                    func.pg_get_serial_sequence(table.name, "id"), select(func.max(table.c.id)).scalar_subquery()
                )
            )
        )


def _row(table: Table, record: _Record, number: int) -> dict[str, Any]:
    row = {name: getattr(record, name) for name in record.__dataclass_fields__} | {"id": number, "recorded": True}
    if "scope" in table.c:
        row["scope"] = scope_of(record.kind)
    return row


def _grow_fences(tx: Connection, ended: Iterable[Run], now: datetime) -> None:
    """Fences go on above every one that was ever given out."""
    greatest: dict[str, int] = {}
    for run in ended:
        greatest[run.lease] = max(run.fence, greatest.get(run.lease, 0))
    for name, fence in greatest.items():
        leasing.grow_to(tx, name, fence, now)


def _chunks(items: list[Any]) -> Iterable[list[Any]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))
