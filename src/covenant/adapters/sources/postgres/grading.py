"""How well a PostgreSQL server can be kept, concluded from what was seen of it. Nothing is asked here.

physical    base backups and the log: every second of every table, roles and settings included
logical     a snapshot and a logical slot's changes: no DDL, no large objects, tables with a replica identity
dump        a dump now and then: what was committed since the last one is lost
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from covenant.adapters.sources.postgres.seen import DIRECT, Seen
from covenant.kernel.checkup import Check, Checkup, Verdict, graded

PHYSICAL, LOGICAL, DUMP = "physical", "logical", "dump"
_FOLLOWING = (PHYSICAL, LOGICAL)
_ALL = (PHYSICAL, LOGICAL, DUMP)
_OLDEST = 15
_ENOUGH_KEPT = 4 << 30
_CLOCK_AGREES = 2.0
_NAMED = 3
_MEND = "Mend what the server says, and run 'covenant doctor' again."
GOOD, REMARK, LACKING = Verdict.GOOD, Verdict.REMARK, Verdict.LACKING


def grade(source: str, seen: Seen, log_interval: timedelta, rpo: timedelta, *, only: str = "") -> Checkup:
    """Which of the three grades hold, and what is to be done about the others; ``only`` is the one that is wanted."""
    checks = (*_reaching(seen), *_following(seen), *_logically(seen), *_dumping(seen), *_afterwards(seen))
    seconds = f"{log_interval.total_seconds():.0f} s"
    grades = (
        graded(PHYSICAL, checks, f"{seconds} (log_interval)"),
        graded(LOGICAL, checks, f"{seconds} (log_interval)", covered=False),
        graded(DUMP, checks, f"the time between two dumps; {_hours(rpo)} is promised"),
    )
    wanted = tuple(each for each in grades if only in ("", each.name))
    return Checkup(source, "postgres", wanted, tuple(each for each in checks if _concerns(each, only)))


def _concerns(check: Check, only: str) -> bool:
    """Whether a check has to do with the grade that is wanted."""
    return not only or not check.needed_by or only in check.needed_by


def _reaching(seen: Seen) -> Iterator[Check]:
    yield Check("server", GOOD, f"PostgreSQL {seen.said_version} at {seen.host}:{seen.port}, as {seen.role}")
    too_old = seen.major < _OLDEST
    fix = f"Upgrade the server to {_OLDEST} or later." if too_old else ""
    yield Check("server version", LACKING if too_old else GOOD, str(seen.major), fix, _FOLLOWING)
    pooled = seen.pooled or "pooler" in seen.host or seen.port == 6543
    fix = "Give the server's own address, not a pooler's."
    if seen.supabase:
        fix = f"Use the direct host {DIRECT.format(ref=seen.project)}:5432 (over IPv6, or with the IPv4 add-on)."
    detail = "a pooler stands in between" if pooled else "direct"
    yield Check("connection", LACKING if pooled else GOOD, detail, fix if pooled else "", _FOLLOWING)
    if abs(seen.clock_ahead) > _CLOCK_AGREES:
        ahead = "ahead of" if seen.clock_ahead > 0 else "behind"
        detail = f"the server's is {abs(seen.clock_ahead):.1f} s {ahead} ours"
        yield Check("clock", REMARK, detail, "Have both machines follow NTP; moments are the server's own.")
    else:
        yield Check("clock", GOOD, f"within {_CLOCK_AGREES:.0f} s")


def _following(seen: Seen) -> Iterator[Check]:
    """What both grades need that follow the log."""
    may = seen.superuser or seen.replication
    fix = "" if may else f"ALTER ROLE {seen.role} REPLICATION; (as a superuser, or in the provider's console)"
    yield Check("REPLICATION", GOOD if may else LACKING, "granted" if may else "not granted", fix, _FOLLOWING)
    if may:
        fix = "Let pg_hba.conf admit this role to its own database from here; no 'replication' row is needed."
        detail = seen.replicates or "works over replication=database"
        verdict = LACKING if seen.replicates else GOOD
        yield Check("replication connection", verdict, detail, fix if seen.replicates else "", _FOLLOWING)
    enough = seen.wal_level in ("replica", "logical")
    fix = "" if enough else "ALTER SYSTEM SET wal_level = 'replica'; and restart the server."
    yield Check("wal_level", GOOD if enough else LACKING, seen.wal_level, fix, _FOLLOWING)
    yield _room("WAL senders", seen.senders, "max_wal_senders", needs=2)
    yield _room("replication slots", seen.slots, "max_replication_slots", needs=0 if seen.own_slot else 1)
    if seen.physical_slot and not seen.replicates:
        yield Check("physical slot", LACKING, seen.physical_slot, _MEND, (PHYSICAL,))
    yield from _slot(seen)


def _room(subject: str, taken: tuple[int, int], setting: str, needs: int) -> Check:
    used, most = taken
    free = most - used >= needs
    fix = "" if free else f"ALTER SYSTEM SET {setting} = {used + needs + 4}; and restart the server."
    return Check(subject, GOOD if free else LACKING, f"{used} of {most} in use", fix, _FOLLOWING)


def _slot(seen: Seen) -> Iterator[Check]:
    """How long the log waits for us."""
    if seen.own_slot in ("lost", "unreserved"):
        fix = "Run 'covenant backup --full': it begins a new chain with a new slot."
        yield Check("our slot", LACKING, f"its log is {seen.own_slot}", fix, (PHYSICAL,))
    setting = "max_slot_wal_keep_size"
    if seen.slot_keep is None:
        fix = f"ALTER SYSTEM SET {setting} = '10GB'; bounds what an absent reader costs; then SELECT pg_reload_conf();"
        yield Check(setting, REMARK, "unlimited: while nobody reads the slot the server's disk fills", fix)
    elif seen.slot_keep < _ENOUGH_KEPT:
        fix = f"Raise {setting} to 4GB or more."
        if seen.supabase:
            fix = f"supabase postgres-config update --config {setting}=4GB"
        detail = f"{_size(seen.slot_keep)}: once that much is written while nobody reads, the log has a gap"
        yield Check(setting, REMARK, detail, fix)
    else:
        yield Check(setting, GOOD, _size(seen.slot_keep))


def _logically(seen: Seen) -> Iterator[Check]:
    logical = seen.wal_level == "logical"
    fix = _MEND if seen.logical_slot else ""
    fix = fix if logical else "ALTER SYSTEM SET wal_level = 'logical'; and restart the server."
    detail = (seen.logical_slot or "can be made") if logical else "wal_level is not logical"
    verdict = LACKING if seen.logical_slot or not logical else GOOD
    yield Check("logical slot", verdict, detail, fix, (LOGICAL,))
    if seen.unidentified:
        detail = f"UPDATE and DELETE of {_names(seen.unidentified)} cannot be followed"
        yield Check("replica identity", REMARK, detail, "Give them a primary key, or REPLICA IDENTITY FULL.")
    if seen.large_objects:
        yield Check("large objects", REMARK, f"{seen.large_objects:,}, which a logical slot does not carry")


def _dumping(seen: Seen) -> Iterator[Check]:
    can = seen.dump_program is not None
    fix = f"Install postgresql-client-{seen.major}." if not can else ""
    detail = f"pg_dump {seen.dump_program}" if can else f"no pg_dump of {seen.major} or later on this machine"
    yield Check("client programs", GOOD if can else LACKING, detail, fix, (LOGICAL, DUMP))
    if seen.unreadable:
        fix = f"GRANT pg_read_all_data TO {seen.role};"
        detail = f"{seen.role} may not read {_names(seen.unreadable)}"
        yield Check("privileges", LACKING, detail, fix, (LOGICAL, DUMP))
    else:
        yield Check("privileges", GOOD, "every table can be read", "", (LOGICAL, DUMP))
    if not seen.passwords:
        detail = f"a dump is without them: {seen.role} may not read them"
        yield Check("passwords of roles", REMARK, detail, "The physical grade has them; after a dump, set them anew.")
    if seen.supabase:
        yield from _supabase(seen)


def _supabase(seen: Seen) -> Iterator[Check]:
    """What is not in the database, or is left out by Supabase's own dump."""
    key = f"Keep its answer with your secrets: GET https://api.supabase.com/v1/projects/{seen.project}/pgsodium"
    yield Check("Supabase Vault", REMARK, "its root key is not in the database; secrets cannot be read without it", key)
    yield Check("Supabase Storage", REMARK, "the files' bytes are not in the database", "Keep the bucket as a source.")
    detail = "leaves out vault, pgsodium, realtime, supabase_migrations and the passwords of roles"
    yield Check("supabase db dump", REMARK, detail, "The physical grade has all of them.")


def _afterwards(seen: Seen) -> Iterator[Check]:
    """What a restore will need, and what makes backups cheaper or surer."""
    fix = "" if seen.server_program else f"apt-get install postgresql-{seen.major}"
    detail = (
        f"PostgreSQL {seen.major} is here" if seen.server_program else f"no PostgreSQL {seen.major} to restore with"
    )
    yield Check("server programs", GOOD if seen.server_program else LACKING, detail, fix)
    fits = seen.free_here > seen.cluster_size
    detail = f"{_size(seen.cluster_size)} to restore, {_size(seen.free_here)} free here"
    yield Check("room", GOOD if fits else REMARK, detail, "" if fits else "A restore needs another disk or machine.")
    if seen.checksums:
        yield Check("data checksums", GOOD, "on")
    else:
        fix = "Stop the server once, and run pg_checksums --enable."
        yield Check("data checksums", REMARK, "off: damage on the server's disk goes unnoticed into the backup", fix)
    if seen.summarizes is False:
        fix = "ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf();"
        fix = "Supabase does not let it be set." if seen.supabase else fix
        yield Check("summarize_wal", REMARK, "off: an incremental backup transfers everything", fix)
    elif seen.summarizes:
        yield Check("summarize_wal", GOOD, "on: only changed blocks are transferred")
    if seen.unlogged:
        yield Check("unlogged tables", REMARK, f"{_names(seen.unlogged)}: they come back empty, as after a crash")
    if seen.recovering:
        yield Check("standby", REMARK, "the server is a standby; its log ends where it has replayed to")


def _names(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _size(count: int) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:,} {unit}"
        count //= 1024
    return f"{count:,} TiB"


def _hours(length: timedelta) -> str:
    seconds = length.total_seconds()
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"
