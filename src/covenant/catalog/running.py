"""Runs: beginning, advancing and ending them, each under a lease, and finding those that nobody will ever end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Select, bindparam, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from covenant.catalog import leasing
from covenant.catalog.records import Advance, Lease, Outcome, Run, State, scope_of
from covenant.catalog.tables import advances, duties, leases, runs
from covenant.kernel.errors import AlreadyDone, AlreadyRunning, LeaseLost

GOOD = (State.DONE.value, State.FINDINGS.value)
BAD = (State.FAILED.value, State.LOST.value)
RUN_COLUMNS = tuple(runs.c[name] for name in Run.__dataclass_fields__)
"""What makes a ``Run``, in the order of its fields."""


_BEGIN = insert(runs).returning(runs.c.id)
_ONE = select(*RUN_COLUMNS).where(runs.c.id == bindparam("run"))
"""Asked at every run, so they are put together once."""


def run_of(row: Sequence[Any]) -> Run:
    """The run in a row of ``RUN_COLUMNS``."""
    run = Run(**dict(zip(Run.__dataclass_fields__, row, strict=True)))
    object.__setattr__(run, "state", State(run.state))
    return run


def begin(
    tx: Connection,
    *,
    subject: str,
    kind: str,
    reason: str,
    due_at: datetime | None,
    vault: str,
    lease: Lease,
    now: datetime,
) -> Run:
    """Enter a run that begins now. Raises ``AlreadyRunning``, ``AlreadyDone``, ``LeaseLost``."""
    leasing.hold(tx, lease)
    scope = scope_of(kind)
    values = {
        "uid": uuid4().hex,
        "vault": vault or (subject if scope == "vault" else ""),
        "scope": scope,
        "subject": subject,
        "kind": kind,
        "reason": reason,
        "state": State.RUNNING.value,
        "due_at": due_at,
        "started_at": now,
        "lease": lease.name,
        "holder": lease.holder,
        "fence": lease.fence,
    }
    try:
        run_id = tx.execute(_BEGIN, values).scalar_one()
    except IntegrityError as error:
        raise AlreadyRunning(
            f"a run of {scope} '{subject}' is under way", "Wait until it has ended; 'covenant runs' shows it."
        ) from error
    # Asked after the row is in: from here on nobody else can run this subject, so the answer stays true.
    if due_at is not None and tx.execute(_answered(scope, subject, kind, due_at)).first():
        raise AlreadyDone(f"the {kind} of {scope} '{subject}' due at {due_at.isoformat()} was done already")
    enter_duty(tx, scope, subject, kind)
    return one(tx, run_id)


def advance(tx: Connection, told: Advance, lease: Lease) -> None:
    """Say how far a run is. Raises ``LeaseLost``, also when the run was given up for lost."""
    leasing.hold(tx, lease)
    _be_under_way(tx, told.run_id, lease)
    values = {name: getattr(told, name) for name in Advance.__dataclass_fields__}
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    put = make(advances).values(**values)
    tx.execute(put.on_conflict_do_update(index_elements=["run_id"], set_=values))


def finish(tx: Connection, run: Run, lease: Lease, state: State, outcome: Outcome, now: datetime) -> Run:
    """Enter how a run ended. Raises ``LeaseLost``, also when the run was given up for lost."""
    if not state.ended:
        raise ValueError("a run ends in a state that is an end")
    leasing.hold(tx, lease)
    _be_under_way(tx, run.id, lease)
    told = {name: getattr(outcome, name) for name in Outcome.__dataclass_fields__}
    tx.execute(update(runs).where(runs.c.id == run.id).values(state=state.value, ended_at=now, **told))
    return one(tx, run.id)


def settle_lost(tx: Connection, now: datetime) -> tuple[Run, ...]:
    """End as lost every run whose lease is gone: lapsed, given back, or held by another since."""
    leasing.end_lapsed(tx, now)
    kept = exists().where(
        leases.c.name == runs.c.lease, leases.c.fence == runs.c.fence, leases.c.holder == runs.c.holder
    )
    lost = tx.execute(
        update(runs)
        .where(runs.c.state == State.RUNNING.value, ~kept)
        .values(
            state=State.LOST.value,
            ended_at=now,
            message="whoever ran it stopped without a word",
            hint="The vault says what became of it; it is run again when it is due.",
        )
        .returning(runs.c.id)
    ).scalars()
    return tuple(one(tx, run_id) for run_id in sorted(lost.all()))


def one(tx: Connection, run_id: int) -> Run:
    """One run that there is."""
    return run_of(tx.execute(_ONE, {"run": run_id}).one())


def find(tx: Connection, run_id: int) -> tuple[Run, Advance | None] | None:
    """A run, with how far it is or was."""
    row = tx.execute(_ONE, {"run": run_id}).one_or_none()
    if row is None:
        return None
    told = tx.execute(select(advances).where(advances.c.run_id == run_id)).mappings().one_or_none()
    return run_of(row), None if told is None else Advance(**told)


def newest(
    tx: Connection,
    *,
    subject: str | None,
    kind: str | None,
    states: Sequence[State],
    since: datetime | None,
    most: int,
) -> tuple[Run, ...]:
    """Runs, those that began last first."""
    query: Select[Any] = select(*RUN_COLUMNS).order_by(runs.c.id.desc()).limit(most)
    if subject is not None:
        query = query.where(runs.c.subject == subject)
    if kind is not None:
        query = query.where(runs.c.kind == kind)
    if states:
        query = query.where(runs.c.state.in_([state.value for state in states]))
    if since is not None:
        query = query.where(runs.c.started_at >= since)
    return tuple(run_of(row) for row in tx.execute(query))


def ended(tx: Connection) -> dict[tuple[str, str], dict[str, int]]:
    """How many runs ended in which state, by subject and kind."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    query = select(runs.c.subject, runs.c.kind, runs.c.state, func.count()).where(runs.c.state != State.RUNNING.value)
    for subject, kind, state, count in tx.execute(query.group_by(runs.c.subject, runs.c.kind, runs.c.state)):
        found.setdefault((subject, kind), {})[state] = count
    return found


def enter_duty(tx: Connection, scope: str, subject: str, kind: str) -> None:
    """Remember that there are runs of this kind of this subject."""
    make = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    tx.execute(make(duties).values(scope=scope, subject=subject, kind=kind).on_conflict_do_nothing())


def _answered(scope: str, subject: str, kind: str, due_at: datetime) -> Select[Any]:
    return select(runs.c.id).where(
        runs.c.scope == scope,
        runs.c.subject == subject,
        runs.c.kind == kind,
        runs.c.state.in_(GOOD),
        runs.c.due_at == due_at,
    )


def _be_under_way(tx: Connection, run_id: int, lease: Lease) -> None:
    """Make sure that the run is under way, under this lease."""
    row = tx.execute(
        select(runs.c.id).where(
            runs.c.id == run_id,
            runs.c.state == State.RUNNING.value,
            runs.c.lease == lease.name,
            runs.c.fence == lease.fence,
        )
    ).one_or_none()
    if row is None:
        raise LeaseLost(
            f"run {run_id} is not under way under this lease", "It was given up for lost; look with 'covenant runs'."
        )
