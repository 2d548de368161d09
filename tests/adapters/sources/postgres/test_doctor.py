"""The doctor of PostgreSQL: what a live server allows is found by trying it, and every thing missing has its fix."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.adapters.sources.postgres.address import Address
from covenant.adapters.sources.postgres.examining import examine
from covenant.adapters.sources.postgres.grading import grade
from covenant.adapters.sources.postgres.seen import Seen
from covenant.kernel.checkup import Check, Checkup, Verdict
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import SourceError
from tests.servers.postgres import PASSWORD, PostgresServer, postgres_server

__all__ = ["postgres_server"]

SOUND = Seen(
    host="db.internal",
    port=5432,
    role="keeper",
    version=170004,
    superuser=False,
    replication=True,
    recovering=False,
    wal_level="logical",
    senders=(1, 10),
    slots=(1, 10),
    slot_keep=16 << 30,
    summarizes=True,
    checksums=True,
    cluster_size=5 << 30,
    clock_ahead=0.1,
    pooled=False,
    dump_program=17,
    server_program=True,
    free_here=50 << 30,
)
SUPABASE = replace(
    SOUND,
    host="aws-0-eu-west-1.pooler.supabase.com",
    port=6543,
    role="postgres.abcdef",
    version=150008,
    slot_keep=1 << 30,
    summarizes=None,
    checksums=False,
    pooled=True,
    supabase=True,
    replicates="unsupported startup parameter: replication",
)


def concluded(seen: Seen) -> Checkup:
    """What is concluded, with an interval of ten seconds and an RPO of a quarter of an hour."""
    return grade("accounts", seen, timedelta(seconds=10), timedelta(minutes=15))


def holding(seen: Seen) -> list[str]:
    """The grades that hold."""
    return [each.name for each in concluded(seen).grades if each.holds]


def check_of(checkup: Checkup, subject: str) -> Check:
    """What was concluded about one subject."""
    return next(check for check in checkup.checks if check.subject == subject)


def test_a_server_that_has_everything_is_sound() -> None:
    """Where nothing is missing all three grades hold, and there is nothing to do."""
    checkup = concluded(SOUND)

    assert ["physical", "logical", "dump"] == holding(SOUND)
    assert checkup.sound
    assert not [check.subject for check in checkup.checks if check.fix]
    assert "10 s (log_interval)" == checkup.grades[0].rpo


@pytest.mark.parametrize(
    ("lacking", "grades", "subject", "fix"),
    [
        ({"replication": False}, ["dump"], "REPLICATION", "ALTER ROLE keeper REPLICATION"),
        ({"wal_level": "replica"}, ["physical", "dump"], "logical slot", "wal_level = 'logical'"),
        ({"wal_level": "minimal"}, ["dump"], "wal_level", "wal_level = 'replica'"),
        ({"senders": (9, 10)}, ["dump"], "WAL senders", "max_wal_senders = 15"),
        ({"slots": (10, 10)}, ["dump"], "replication slots", "max_replication_slots = 15"),
        ({"pooled": True}, ["dump"], "connection", "server's own address"),
        ({"replicates": "no pg_hba.conf entry"}, ["dump"], "replication connection", "pg_hba.conf"),
        ({"physical_slot": "refused"}, ["logical", "dump"], "physical slot", "Mend what the server says"),
        ({"own_slot": "lost"}, ["logical", "dump"], "our slot", "covenant backup --full"),
        ({"version": 140010}, ["dump"], "server version", "Upgrade"),
        ({"dump_program": None}, ["physical"], "client programs", "postgresql-client-17"),
        ({"unreadable": ("public.secret",)}, ["physical"], "privileges", "GRANT pg_read_all_data TO keeper"),
    ],
)
def test_what_is_missing_costs_its_grades_and_has_a_fix(
    lacking: dict[str, object], grades: list[str], subject: str, fix: str
) -> None:
    """Each thing that is missing takes away the grades that need it, no other, and says how to mend it."""
    seen = replace(SOUND, **lacking)  # type: ignore[arg-type]

    found = check_of(concluded(seen), subject)

    assert grades == holding(seen)
    assert Verdict.LACKING is found.verdict
    assert fix in found.fix


def test_what_only_a_lesser_grade_lacks_leaves_nothing_to_do() -> None:
    """A server with the best grade is sound, though a lesser one asks for more; but not if it could not be restored."""
    assert concluded(replace(SOUND, wal_level="replica")).sound
    assert not concluded(replace(SOUND, server_program=False)).sound


def test_a_slot_of_ours_needs_no_other() -> None:
    """Where all slots are taken and one of them is ours, nothing is missing."""
    assert "physical" in holding(replace(SOUND, slots=(10, 10), own_slot="reserved"))


def test_supabase_is_told_its_own_fixes() -> None:
    """Through Supabase's pooler only a dump is possible; the direct host is named, and what its dump leaves out."""
    checkup = concluded(SUPABASE)
    fixes = " ".join(check.fix for check in checkup.checks)

    assert ["dump"] == holding(SUPABASE)
    assert "db.abcdef.supabase.co:5432" in check_of(checkup, "connection").fix
    assert "supabase postgres-config update --config max_slot_wal_keep_size=4GB" in fixes
    assert "https://api.supabase.com/v1/projects/abcdef/pgsodium" in fixes
    assert "passwords of roles" in check_of(checkup, "supabase db dump").detail


@given(
    st.fixed_dictionaries(
        {
            "replication": st.booleans(),
            "pooled": st.booleans(),
            "wal_level": st.sampled_from(["minimal", "replica", "logical"]),
            "senders": st.tuples(st.integers(0, 12), st.just(10)),
            "slots": st.tuples(st.integers(0, 12), st.just(10)),
            "version": st.sampled_from([130001, 150001, 180001]),
            "physical_slot": st.sampled_from(["", "refused"]),
            "logical_slot": st.sampled_from(["", "refused"]),
            "unlogged": st.sampled_from([(), ("a", "b", "c", "d")]),
        }
    )
)
def test_nothing_is_missing_without_a_fix(said: dict[str, object]) -> None:
    """Whatever a server lacks, a grade that does not hold says why, and whatever is lacking says what to do."""
    checkup = concluded(replace(SOUND, **said))  # type: ignore[arg-type]

    assert all(each.why for each in checkup.grades if not each.holds)
    assert all(check.fix for check in checkup.checks if check.verdict is Verdict.LACKING and check.needed_by)


def looked(server: PostgresServer, url: str) -> Seen:
    """What is seen of a live server."""
    return examine(Address("accounts", url), SystemClock(), slot="covenant", room_at=Path("/tmp"))


def test_a_managed_role_has_the_physical_grade(postgres_server: PostgresServer) -> None:
    """A role like Supabase's, without a replication row in pg_hba.conf, can do it all, and no slot is left behind."""
    server = postgres_server

    seen = looked(server, server.managed_url())

    assert ("", "", "") == (seen.replicates, seen.physical_slot, seen.logical_slot)
    assert ["physical", "logical", "dump"] == holding(seen)
    assert not seen.pooled
    assert [] == server.run("SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE 'covenant_doctor%'")


def test_what_a_live_server_lacks_is_seen(postgres_server: PostgresServer) -> None:
    """A role that may not replicate, a table without identity and one that is unlogged are found by looking."""
    server = postgres_server
    server.run("DROP ROLE IF EXISTS onlooker")
    server.run(f"CREATE ROLE onlooker LOGIN PASSWORD '{PASSWORD}'")
    database = server.new_database().rsplit("/", 1)[1]
    server.run("CREATE TABLE nameless (n int)", database)
    server.run("CREATE UNLOGGED TABLE fleeting (n int PRIMARY KEY)", database)

    seen = looked(server, server.url(database, "onlooker"))

    assert ("public.nameless",) == seen.unidentified
    assert ("public.fleeting",) == seen.unlogged
    assert {"public.nameless", "public.fleeting"} <= set(seen.unreadable)
    assert not seen.replication
    assert seen.replicates
    assert [] == holding(seen)


def test_a_server_that_does_not_answer_is_an_error(postgres_server: PostgresServer) -> None:
    """Where nothing can be asked there is no check-up, and the error does not show the password."""
    url = postgres_server.url(password="not-the-secret")

    with pytest.raises(SourceError) as caught:
        looked(postgres_server, url)

    assert "not-the-secret" not in str(caught.value)
