"""The door of this room: one catalog, opened, with everything that can be asked of it and told it.

Each call is one transaction. It is thread-safe, several processes may have one catalog open, and what a call returned
from is durable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine, func, select

from covenant.catalog import chronicle, keeping, leasing, recall, running, telling
from covenant.catalog.connecting import connect, parse_place, reading, shown, writing
from covenant.catalog.history import History
from covenant.catalog.keeping import TakenUp
from covenant.catalog.migrating import prepare, schema_of
from covenant.catalog.records import Advance, Copies, Entry, Kept, Lease, Outcome, Proof, Run, State
from covenant.catalog.tables import copies, journal, proofs, runs, snapshots

MOST = 100
"""How many runs or lines are given where nobody says."""


class Catalog:
    """The record of what was done."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @property
    def place(self) -> str:
        """Where it lies, without any secret in it."""
        return shown(self._engine.url)

    @property
    def schema(self) -> str:
        """The version of its schema."""
        return schema_of(self._engine)

    def counts(self) -> dict[str, int]:
        """How many of each thing it remembers."""
        with reading(self._engine) as tx:
            return {
                table.name: tx.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (runs, snapshots, proofs, journal, copies)
            }

    # -- leases ---------------------------------------------------------------------------------------------------

    def lease(self, name: str, holder: str, length: timedelta, now: datetime) -> Lease | None:
        """The lease ``name`` for ``holder``, who must be one process of its own; ``None`` while another holds it."""
        with writing(self._engine) as tx:
            return leasing.acquire(tx, name, holder, length, now)

    def renew(self, lease: Lease, length: timedelta, now: datetime) -> Lease:
        """The same lease until later. Raises ``LeaseLost``."""
        with writing(self._engine) as tx:
            return leasing.renew(tx, lease, length, now)

    def release(self, lease: Lease, now: datetime) -> None:
        """Give the lease back."""
        with writing(self._engine) as tx:
            leasing.release(tx, lease, now)

    # -- runs -----------------------------------------------------------------------------------------------------

    def begin(
        self,
        subject: str,
        kind: str,
        reason: str,
        due_at: datetime | None,
        lease: Lease,
        now: datetime,
        *,
        vault: str = "",
    ) -> Run:
        """Enter a run that begins now; ``vault`` is where its record shall be kept.

        Raises ``AlreadyRunning`` while another run of the subject is under way, ``AlreadyDone`` where a good run has
        answered ``due_at`` before, ``LeaseLost``.
        """
        with writing(self._engine) as tx:
            return running.begin(
                tx, subject=subject, kind=kind, reason=reason, due_at=due_at, vault=vault, lease=lease, now=now
            )

    def advance(self, advance: Advance, lease: Lease) -> None:
        """Say how far a run is. Raises ``LeaseLost``."""
        with writing(self._engine) as tx:
            running.advance(tx, advance, lease)

    def finish(self, run: Run, lease: Lease, state: State, now: datetime, outcome: Outcome | None = None) -> Run:
        """Enter how a run ended, for good. Raises ``LeaseLost``, also when it was given up for lost meanwhile."""
        with writing(self._engine) as tx:
            return running.finish(tx, run, lease, state, outcome or Outcome(), now)

    def settle_lost(self, now: datetime) -> tuple[Run, ...]:
        """End every run whose lease is gone as lost, and tell which; a lease that lapsed is taken from its holder."""
        with writing(self._engine) as tx:
            return running.settle_lost(tx, now)

    def run(self, run_id: int) -> tuple[Run, Advance | None] | None:
        """One run and how far it is; ``None`` where there is none of that number."""
        with reading(self._engine) as tx:
            return running.find(tx, run_id)

    def runs(
        self,
        *,
        subject: str | None = None,
        kind: str | None = None,
        states: Sequence[State] = (),
        since: datetime | None = None,
        most: int = MOST,
    ) -> tuple[Run, ...]:
        """Runs, those that began last first."""
        with reading(self._engine) as tx:
            return running.newest(tx, subject=subject, kind=kind, states=states, since=since, most=most)

    def ended(self) -> dict[tuple[str, str], dict[str, int]]:
        """How many runs ended in which state, by subject and kind."""
        with reading(self._engine) as tx:
            return running.ended(tx)

    # -- what the vaults have -------------------------------------------------------------------------------------

    def known(self, vault: str) -> frozenset[str]:
        """The ids of the vault's snapshots that are taken up already, and need not be read again."""
        with reading(self._engine) as tx:
            return keeping.known(tx, vault)

    def take_up(self, vault: str, kept: Iterable[Kept], still_there: Collection[str] = (), *, now: datetime) -> TakenUp:
        """Agree with what a vault has: ``kept``, and those known snapshots whose ids are ``still_there``.

        What came and what went is noted in the journal.
        """
        with writing(self._engine) as tx:
            return keeping.take_up(tx, vault, kept, still_there, now)

    def count(self, copies: Iterable[Copies]) -> None:
        """Enter how well objects are kept in regions."""
        with writing(self._engine) as tx:
            keeping.count(tx, copies)

    # -- proofs and the journal -----------------------------------------------------------------------------------

    def prove(self, proof: Proof) -> Proof:
        """Add a proof."""
        with writing(self._engine) as tx:
            return telling.prove(tx, proof)

    def proofs(
        self,
        *,
        subject: str | None = None,
        kind: str | None = None,
        since: datetime | None = None,
        most: int = MOST,
    ) -> tuple[Proof, ...]:
        """Proofs, the newest first."""
        with reading(self._engine) as tx:
            return telling.shown(tx, subject=subject, kind=kind, since=since, most=most)

    def note(self, entry: Entry) -> Entry:
        """Add a line to the journal."""
        with writing(self._engine) as tx:
            return telling.note(tx, entry)

    def note_once(self, entry: Entry) -> None:
        """Add a line to the journal that bears its own ``uid``, unless one of that name is there."""
        with writing(self._engine) as tx:
            telling.note_once(tx, entry)

    def journal(
        self,
        *,
        subject: str | None = None,
        kind: str | None = None,
        since: datetime | None = None,
        most: int = MOST,
    ) -> tuple[Entry, ...]:
        """Lines of the journal, the newest first."""
        with reading(self._engine) as tx:
            return telling.entries(tx, subject=subject, kind=kind, since=since, most=most)

    # -- small texts ----------------------------------------------------------------------------------------------

    def remembered(self, name: str) -> str:
        """The text that was remembered last under a name, ``""`` where there is none."""
        with reading(self._engine) as tx:
            return telling.remembered(tx, name)

    def remember(self, name: str, text: str, instead_of: str) -> None:
        """Remember a text in the place of the one that was read before (``""``: there was none).

        Raises ``LeaseLost`` where it is not that one which stands there: another daemon has taken over meanwhile.
        """
        with writing(self._engine) as tx:
            telling.remember(tx, name, text, instead_of)

    # -- everything -----------------------------------------------------------------------------------------------

    def history(self, now: datetime | None = None) -> History:
        """Everything that has happened, as far as deciding at this moment needs it."""
        with reading(self._engine) as tx:
            return recall.recall(tx, now)

    def unrecorded(self, vault: str, most: int = chronicle.MOST) -> chronicle.Page | None:
        """What has weight and does not lie in the vault yet; ``None`` where all of it does."""
        with reading(self._engine) as tx:
            return chronicle.next_page(tx, vault, most)

    def recorded(self, page: chronicle.Page) -> None:
        """Enter that a page lies in its vault now, durably."""
        with writing(self._engine) as tx:
            chronicle.mark(tx, page)

    def restore(self, pages: Iterable[bytes], now: datetime) -> chronicle.Restored:
        """Take in pages that vaults have kept, in any order; what is known already is passed over. All or nothing."""
        with writing(self._engine) as tx:
            return chronicle.restore(tx, pages, now)


def open_catalog(place: str | Path) -> Catalog:
    """Open the catalog at a path or a ``postgresql://`` address; where there is none it is made.

    Raises ``CatalogError`` where its schema is not ours, ``CatalogUnavailable``, and ``UsageError`` for an address
    that names no database.
    """
    engine = connect(parse_place(place))
    try:
        prepare(engine)
    except BaseException:
        engine.dispose()
        raise
    return Catalog(engine)
