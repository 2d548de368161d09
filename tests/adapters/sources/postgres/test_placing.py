"""Which folder a server may come back to: none that holds anything but itself, whatever may be replaced."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from covenant.adapters.sources.postgres.placing import Mark, Unfinished, begin, elsewhere
from covenant.kernel.errors import Refusal, UsageError

SYSTEM = 7712121000000000001
THIS = Unfinished("vault", "1a2b3c4d", "the latest moment")


def a_data_directory(target: Path, system: int = SYSTEM) -> None:
    """A folder that looks like a server's: its control file begins with the system's number."""
    (target / "data" / "global").mkdir(parents=True)
    (target / "data" / "global" / "pg_control").write_bytes(system.to_bytes(8, sys.byteorder))


def test_an_empty_folder_is_taken_and_marked(tmp_path: Path) -> None:
    """A folder that is not there is made, and says from then on whose unfinished recovery it is."""
    replaying = begin(tmp_path / "new", THIS, overwrite=False, system=SYSTEM)

    assert not replaying
    assert THIS == Mark(tmp_path / "new").read()


def test_what_is_not_the_servers_own_is_never_replaced(tmp_path: Path) -> None:
    """Though it was said that files may be replaced, a folder of photos or of another server is refused."""
    photos, other = tmp_path / "photos", tmp_path / "other"
    (photos / "data").mkdir(parents=True)
    (photos / "data" / "wedding.raw").write_bytes(b"irreplaceable")
    a_data_directory(other, SYSTEM + 1)

    with pytest.raises(Refusal, match="is not a data directory"):
        begin(photos, THIS, overwrite=True, system=SYSTEM)
    with pytest.raises(Refusal, match="belongs to another server"):
        begin(other, THIS, overwrite=True, system=SYSTEM)

    assert b"irreplaceable" == (photos / "data" / "wedding.raw").read_bytes()


def test_the_servers_own_folder_is_replaced_only_where_that_was_said(tmp_path: Path) -> None:
    """An older state of the same server is refused, unless what differs may be replaced."""
    a_data_directory(tmp_path)

    with pytest.raises(Refusal, match="is not empty"):
        begin(tmp_path, THIS, overwrite=False, system=SYSTEM)

    assert not begin(tmp_path, THIS, overwrite=True, system=SYSTEM)


def test_a_tablespace_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    """A folder that holds anything but an older state of a tablespace is refused for one, whatever may be replaced."""
    home, old = tmp_path / "home", tmp_path / "old"
    home.mkdir()
    (home / "thesis.odt").write_bytes(b"irreplaceable")
    (old / "PG_15_202209061").mkdir(parents=True)

    with pytest.raises(Refusal, match="is not empty"):
        begin(tmp_path / "new", THIS, overwrite=True, system=SYSTEM, tablespaces=[home])
    with pytest.raises(Refusal, match="is not empty"):
        begin(tmp_path / "new", THIS, overwrite=False, system=SYSTEM, tablespaces=[old])

    assert not begin(tmp_path / "new", THIS, overwrite=True, system=SYSTEM, tablespaces=[old])


def test_a_folder_whose_server_runs_is_refused(tmp_path: Path) -> None:
    """Nothing is restored over a server that is running."""
    a_data_directory(tmp_path)
    (tmp_path / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n")

    with pytest.raises(Refusal, match="a server runs in"):
        begin(tmp_path, THIS, overwrite=True, system=SYSTEM)


def test_the_same_recovery_goes_on_and_another_does_not(tmp_path: Path) -> None:
    """An unfinished recovery is gone on with, from where its server was; another one does not mix with it."""
    begin(tmp_path, THIS, overwrite=False, system=SYSTEM)
    Mark(tmp_path).write(Unfinished(THIS.vault, THIS.snapshot, THIS.goal, replaying=True))

    with pytest.raises(Refusal, match="another recovery"):
        begin(tmp_path, Unfinished("vault", "1a2b3c4d", "another moment"), overwrite=False, system=SYSTEM)

    assert begin(tmp_path, THIS, overwrite=False, system=SYSTEM)


def test_a_tablespace_that_the_server_never_had_is_a_mistake() -> None:
    """A place that no tablespace of the backup had is refused, with those that it had."""
    with pytest.raises(UsageError) as caught:
        elsewhere({"16400": "/var/space"}, {"/var/spcae": "/srv/space"})

    assert "/var/space" in caught.value.hint
