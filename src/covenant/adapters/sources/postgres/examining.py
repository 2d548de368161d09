"""Looking at a live server: everything is asked or tried, nothing that stays is changed.

Whether replication works is found by replicating: a connection is opened as a backup would open it, and a slot is made
that goes with the connection. A pooler in between shows itself by a process number that is not the server's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from covenant.adapters.sources.postgres.address import Address, library
from covenant.adapters.sources.postgres.asking import rows
from covenant.adapters.sources.postgres.commands import create_slot
from covenant.adapters.sources.postgres.programs import find_dumping, find_programs
from covenant.adapters.sources.postgres.refusals import unreachable
from covenant.adapters.sources.postgres.seen import Seen
from covenant.adapters.sources.postgres.wire import Wire
from covenant.kernel.clock import Clock
from covenant.kernel.errors import CovenantError, SourceError, TargetError

if TYPE_CHECKING:
    from psycopg import Connection

_SLOT = "covenant_doctor_{pid}"
_SLOT_WITHIN = 15.0
_FACTS = """
SELECT current_user, current_setting('server_version_num')::int,
       coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false),
       coalesce((SELECT rolreplication FROM pg_roles WHERE rolname = current_user), false),
       pg_is_in_recovery(), current_setting('wal_level'),
       (SELECT count(*) FROM pg_stat_replication), current_setting('max_wal_senders')::int,
       (SELECT count(*) FROM pg_replication_slots), current_setting('max_replication_slots')::int,
       pg_size_bytes(coalesce(nullif(current_setting('max_slot_wal_keep_size'), '-1'), '-1 bytes')),
       current_setting('summarize_wal', true), current_setting('data_checksums', true),
       clock_timestamp(), pg_backend_pid(),
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'supabase_admin'),
       has_table_privilege('pg_catalog.pg_authid', 'SELECT')
"""
_SIZE = """
SELECT coalesce(sum(pg_database_size(oid)), 0)::bigint FROM pg_database WHERE has_database_privilege(oid, 'CONNECT')
"""
_TABLES = """
SELECT format('%I.%I', c.relnamespace::regnamespace::text, c.relname) FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
  AND c.relpersistence <> 't' AND {condition} ORDER BY 1
"""
_UNLOGGED = "c.relpersistence = 'u'"
_UNREADABLE = "NOT has_table_privilege(c.oid, 'SELECT')"
_UNIDENTIFIED = """
c.relpersistence = 'p' AND c.relkind = 'r' AND (c.relreplident = 'n' OR (c.relreplident = 'd' AND NOT EXISTS (
    SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)))
"""


def examine(
    address: Address, clock: Clock, *, slot: str, room_at: Path, said: tuple[Path, ...] = (), search_path: str = ""
) -> Seen:
    """Look at a server through its source's address. ``slot`` is ours, ``room_at`` where it would be restored to.

    ``said`` are folders of programs that the user named, ``search_path`` is the process's ``PATH``.

    Raises ``SourceError`` where nothing can be asked at all.
    """
    psycopg = library()
    try:
        with psycopg.connect(address.conninfo(replication=False).decode(), autocommit=True) as link:
            seen = _asked(link, clock, slot)
    except psycopg.Error as error:
        raise unreachable(address, str(error)) from error
    seen = _tried(address, seen)
    return replace(
        seen,
        dump_program=_dump_program(seen.major, said, search_path),
        server_program=_there(lambda: find_programs(seen.major, said, search_path)),
        free_here=shutil.disk_usage(_existing(room_at)).free,
    )


def _asked(link: Connection[tuple[Any, ...]], clock: Clock, slot: str) -> Seen:
    before = clock.now()
    (
        (
            role,
            version,
            superuser,
            replication,
            recovering,
            wal_level,
            senders,
            max_senders,
            slots,
            max_slots,
            slot_keep,
            summarizes,
            checksums,
            now,
            backend,
            supabase,
            passwords,
        ),
    ) = rows(link, _FACTS)
    middle = before + (clock.now() - before) / 2
    own = rows(link, "SELECT coalesce(wal_status, 'lost') FROM pg_replication_slots WHERE slot_name = %s", slot)
    host = link.info.host
    return Seen(
        host=host,
        port=link.info.port,
        role=role,
        version=version,
        superuser=superuser,
        replication=replication,
        recovering=recovering,
        wal_level=wal_level,
        senders=(senders, max_senders),
        slots=(slots, max_slots),
        slot_keep=slot_keep if slot_keep >= 0 else None,
        summarizes=None if summarizes is None else summarizes == "on",
        checksums=checksums == "on",
        cluster_size=rows(link, _SIZE)[0][0],
        clock_ahead=(now - middle).total_seconds(),
        pooled=link.info.backend_pid != backend,
        own_slot=own[0][0] if own else "",
        unlogged=_tables(link, _UNLOGGED),
        unidentified=_tables(link, _UNIDENTIFIED),
        unreadable=_tables(link, _UNREADABLE),
        large_objects=rows(link, "SELECT count(*) FROM pg_largeobject_metadata")[0][0],
        sequences=rows(link, "SELECT count(*) FROM pg_sequences")[0][0],
        passwords=passwords,
        supabase=supabase or host.endswith((".supabase.co", ".supabase.com")),
    )


def _tables(link: Connection[tuple[Any, ...]], condition: str) -> tuple[str, ...]:
    return tuple(str(name) for (name,) in rows(link, _TABLES.format(condition=condition)))


def _tried(address: Address, seen: Seen) -> Seen:
    """What comes of replicating in earnest."""
    name = _SLOT.format(pid=os.getpid())
    try:
        with Wire.connect(address) as wire:
            wire.silence_seconds = _SLOT_WITHIN
            wire.ask("IDENTIFY_SYSTEM")
            physical = _outcome(lambda: create_slot(wire, name, temporary=True))
    except CovenantError as error:
        return replace(seen, replicates=error.message, physical_slot="not tried", logical_slot="not tried")
    if seen.wal_level != "logical":
        return replace(seen, physical_slot=physical, logical_slot="wal_level is not logical")
    return replace(seen, physical_slot=physical, logical_slot=_outcome(lambda: _logical(address, name)))


def _logical(address: Address, name: str) -> None:
    with Wire.connect(address) as wire:
        wire.silence_seconds = _SLOT_WITHIN  # it waits for transactions that are under way
        wire.ask(f"CREATE_REPLICATION_SLOT {name} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT")


def _outcome(attempt: Callable[[], None]) -> str:
    try:
        attempt()
    except SourceError as error:
        return error.message
    return ""


def _dump_program(major: int, said: tuple[Path, ...], search_path: str) -> int | None:
    """The major version of the oldest ``pg_dump`` here that can dump this server; ``None`` where none can."""
    try:
        return find_dumping(major, said, search_path).major
    except TargetError:
        return None


def _there(find: Callable[[], object]) -> bool:
    try:
        find()
    except TargetError:
        return False
    return True


def _existing(path: Path) -> Path:
    """The nearest folder above that is there."""
    return next(above for above in (path, *path.absolute().parents) if above.exists())
