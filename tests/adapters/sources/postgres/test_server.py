"""A private server: isolated, never root's, awaited for a bounded time, stopped by its process id."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from covenant.adapters.sources.postgres.asking import superuser_of
from covenant.adapters.sources.postgres.isolation import preloaded
from covenant.adapters.sources.postgres.programs import find_programs
from covenant.adapters.sources.postgres.server import private_folder, running, start, stop_left_over
from covenant.adapters.sources.postgres.server_user import user_for
from covenant.kernel.errors import DamageError, TargetError
from tests.adapters.sources.postgres.clusters import BOSS, CLOCK, a_shop, copy, do, open_folder, programs

DANGEROUS = """\
archive_mode = on
archive_command = 'touch {mark}'
synchronous_standby_names = '*'
shared_preload_libraries = 'no_such_library, other'
listen_addresses = '*'
recovery_target_time = '2001-01-01'
"""


def test_a_copy_brings_none_of_its_habits_along(tmp_path: Path) -> None:
    """Whatever its own files say, a private server archives nothing, listens to nobody and waits for no standby."""
    data = copy(a_shop())
    mark = tmp_path / "archived"
    (data / "postgresql.auto.conf").write_text(DANGEROUS.format(mark=mark))
    (data / "pg_hba.conf").write_text("local all all reject\n")

    with running(data, CLOCK, BOSS) as server:
        do(server, "shop", "CREATE TABLE written (n int)", "SELECT pg_switch_wal()")
        names = "'archive_mode', 'listen_addresses', 'shared_preload_libraries', 'synchronous_standby_names'"
        said = dict(do(server, "shop", f"SELECT name, setting FROM pg_settings WHERE name IN ({names})"))

    assert {
        "archive_mode": "off",
        "listen_addresses": "",
        "shared_preload_libraries": "",
        "synchronous_standby_names": "",
    } == said
    assert not mark.exists()
    assert ("no_such_library", "other") == preloaded(data)


def test_it_is_never_roots() -> None:
    """The server runs as somebody who is not root, and its process is gone after the work."""
    data = copy(a_shop())

    with running(data, CLOCK, BOSS) as server:
        owner = os.stat(f"/proc/{server.process.pid}").st_uid

    assert 0 != owner
    assert not server.running
    assert not server.private.exists()


def test_a_superuser_is_found_by_any_role_that_is_there() -> None:
    """The bootstrap superuser may be called anything: a role that is known leads to it."""
    with running(copy(a_shop()), CLOCK, "reader") as server:
        found = superuser_of(server, ["nobody_of_that_name", "reader"])
        with pytest.raises(TargetError, match="no superuser is found"):
            superuser_of(server, ["nobody_of_that_name"])

    assert BOSS == found


def test_the_servers_last_words_are_the_errors() -> None:
    """A server that does not come up is an error that says what it said."""
    data = copy(a_shop())
    for segment in (data / "pg_wal").glob("0*"):
        segment.unlink()

    with pytest.raises(TargetError, match="could not locate a valid checkpoint record"), running(data, CLOCK, BOSS):
        pass


def test_a_server_that_lets_nobody_in_is_not_waited_for() -> None:
    """A server that is up and refuses for good is an error at once, with its reason."""
    data = copy(a_shop())
    (data / "global" / "pg_filenode.map").write_bytes(b"not a map")

    with pytest.raises(TargetError, match=r"lets nobody in: could not read file .*pg_filenode"):
        with running(data, CLOCK, BOSS):
            pass


def test_what_is_no_data_directory_is_refused() -> None:
    """A folder without PG_VERSION, or with a broken control file, is not started."""
    broken = copy(a_shop())
    (broken / "global" / "pg_control").write_bytes(bytes(8192))

    with pytest.raises(DamageError, match="no data directory"):
        start(open_folder(), CLOCK)
    with pytest.raises(DamageError, match="control file"):
        start(broken, CLOCK)


def test_a_server_that_was_left_over_is_ended() -> None:
    """A private server whose starter was killed is found by its data directory and ended; anybody else's is not."""
    data = copy(a_shop())
    private = private_folder(user_for(data))
    server = start(data, CLOCK, private=private)
    server.wait_ready(BOSS)

    ended = stop_left_over(data)
    server.process.wait(30)

    assert ended
    assert not stop_left_over(data)
    shutil.rmtree(private)


def test_missing_programs_are_named_with_what_to_install() -> None:
    """Where a version's programs are not there, the error says which, and how to get them."""
    with pytest.raises(TargetError, match="the programs of PostgreSQL 9 are not on this machine") as caught:
        find_programs(9)

    assert "apt-get install postgresql-9" in caught.value.hint


def test_programs_are_believed_only_after_asking(tmp_path: Path) -> None:
    """A folder that was named counts only if the program in it is of the version that is wanted."""
    ours = programs()

    found = find_programs(ours.major, [tmp_path, ours.folder], "/nowhere")

    assert ours.folder == found.folder
    with pytest.raises(TargetError):
        find_programs(ours.major + 50, [ours.folder])


def test_a_socket_lies_where_its_path_is_short_and_the_server_gets_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where temporary folders lie too deep, or where the server cannot go, its socket lies in another place."""
    data, deep = copy(a_shop()), tmp_path / ("deep" * 20)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))

    with running(data, CLOCK, BOSS) as server:
        found = do(server, "shop", "SELECT 1")

    assert [(1,)] == found


def test_what_a_client_was_told_is_not_why_a_server_ended() -> None:
    """Clients that were turned away while it came up stand in its log after the reason, and are not taken for it."""
    with running(copy(a_shop()), CLOCK, BOSS) as server:
        with (server.private / "log").open("a") as log:
            log.write("FATAL:  recovery ended before configured recovery target was reached\n")
            log.write("FATAL:  the database system is in recovery mode\n")
            log.write('FATAL:  role "postgres" does not exist\n')
        reason = server.gone().message

    assert reason.endswith("ended: recovery ended before configured recovery target was reached")
