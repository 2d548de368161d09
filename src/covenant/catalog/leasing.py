"""Leases: the right to act, given to one at a time, with a token that tells a former holder from the present one.

A holder may be frozen for longer than its lease lasts, and wake without knowing. So nothing relies on its knowing:
whatever it writes names its lease, and is refused in the same transaction in which another's fence is seen.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from covenant.catalog.records import Lease
from covenant.catalog.tables import leases
from covenant.kernel.errors import LeaseLost

NOBODY = ""
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

# Every write of a daemon begins with one of these, so they are put together once.
_ONE = select(leases).where(leases.c.name == bindparam("wanted")).with_for_update()
_GIVE = (
    update(leases)
    .where(leases.c.name == bindparam("wanted"))
    .values(holder=bindparam("holder"), fence=bindparam("fence"), until=bindparam("until"))
)


def acquire(tx: Connection, name: str, holder: str, length: timedelta, now: datetime) -> Lease | None:
    """The lease for ``holder``, or ``None`` while another holds it. Who holds it already is given it anew."""
    row = _locked(tx, name)
    if row is None:
        _make(tx, name)
        row = _locked(tx, name)
        assert row is not None
    if row.holder not in (NOBODY, holder) and row.until > now:
        return None
    lease = Lease(name, holder, row.fence + 1, now + length)
    _write(tx, lease)
    return lease


def renew(tx: Connection, lease: Lease, length: timedelta, now: datetime) -> Lease:
    """The same lease for longer. One that lapsed and that nobody took is still ours. Raises ``LeaseLost``."""
    hold(tx, lease)
    renewed = Lease(lease.name, lease.holder, lease.fence, now + length)
    _write(tx, renewed)
    return renewed


def release(tx: Connection, lease: Lease, now: datetime) -> None:
    """Give it back, so that the next need not wait. One that was lost already is nobody's concern."""
    tx.execute(
        update(leases)
        .where(leases.c.name == lease.name, leases.c.fence == lease.fence, leases.c.holder == lease.holder)
        .values(holder=NOBODY, until=now)
    )


def hold(tx: Connection, lease: Lease) -> None:
    """Make sure that the lease is ours, and stays so until this transaction ends. Raises ``LeaseLost``."""
    row = _locked(tx, lease.name)
    if row is None or row.fence != lease.fence or row.holder != lease.holder:
        whose = "nobody" if row is None or row.holder == NOBODY else f"'{row.holder}'"
        raise LeaseLost(
            f"the lease '{lease.name}' of '{lease.holder}' was lost; {whose} holds it now",
            "Nothing was written. Whoever holds the lease carries on; look with 'covenant runs'.",
        )


def grow_to(tx: Connection, name: str, fence: int, now: datetime) -> None:
    """See to it that fences of ``name`` go on above ``fence``, which was given out by a catalog that is no more."""
    row = _locked(tx, name)
    if row is None:
        tx.execute(insert(leases).values(name=name, holder=NOBODY, fence=fence, until=now))
    elif row.fence < fence:
        tx.execute(update(leases).where(leases.c.name == name).values(fence=fence, holder=NOBODY, until=now))


def end_lapsed(tx: Connection, now: datetime) -> None:
    """Take every lease that lapsed from its holder, who can then no longer write."""
    tx.execute(update(leases).where(leases.c.until <= now, leases.c.holder != NOBODY).values(holder=NOBODY))


def _locked(tx: Connection, name: str) -> Lease | None:
    """The lease as it is, kept so until the transaction ends (in SQLite a writer has the whole file)."""
    row = tx.execute(_ONE, {"wanted": name}).one_or_none()
    return None if row is None else Lease(row.name, row.holder, row.fence, row.until)


def _make(tx: Connection, name: str) -> None:
    """Make the row of a lease that there never was, unless somebody else just did."""
    values = {"name": name, "holder": NOBODY, "fence": 0, "until": _NEVER}
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    tx.execute(make(leases).values(**values).on_conflict_do_nothing())


def _write(tx: Connection, lease: Lease) -> None:
    tx.execute(_GIVE, {"wanted": lease.name, "holder": lease.holder, "fence": lease.fence, "until": lease.until})
