"""``covenant wal push`` and ``wal fetch`` between real files: what was pushed is durable, once, and comes back."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from covenant.adapters.sources.postgres.shelf import Shelf, read_shelf
from covenant.adapters.sources.postgres.wal import segment_at
from covenant.adapters.stores.posix import PosixStore
from covenant.vault.names import SNAPSHOTS
from covenant.vault.vault import open_vault
from tests.adapters.sources.postgres.made_up import SIZE, SYSTEM, wal
from tests.cli.running import Ran, here
from tests.vaults import PASSWORD, a_store, a_vault


def name(number: int, timeline: int = 1) -> str:
    """The file of that number."""
    return segment_at(timeline, number * SIZE, SIZE).name


@dataclass(slots=True)
class Server:
    """A data directory whose server archives: files of the log, and which of them are ready."""

    home: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    def log(self, *numbers: int, timeline: int = 1) -> None:
        """Have these files finished, and ready."""
        for number in numbers:
            self.file(name(number, timeline), wal(timeline, number * SIZE, (number + 1) * SIZE))

    def file(self, name: str, content: bytes) -> None:
        """Have a file ready."""
        (self.data / "pg_wal" / name).write_bytes(content)
        (self.data / "pg_wal" / "archive_status" / f"{name}.ready").touch()

    def command(self, *words: object) -> Ran:
        """Run a command in the data directory, as a server does."""
        return here("-c", self.home / "covenant.toml", "--cache-dir", self.home / "cache", *words)

    def push(self, name: str, *words: object) -> Ran:
        """The server's ``archive_command``."""
        return self.command("wal", "push", f"pg_wal/{name}", *words)

    @property
    def shelf(self) -> Shelf:
        return read_shelf(open_vault(PosixStore(self.home / "vault"), PASSWORD), "accounts")

    def pieces(self) -> int:
        return sum(1 for _ in PosixStore(self.home / "vault").list(SNAPSHOTS))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server with a vault."""
    a_vault(a_store(tmp_path / "vault"))
    for file, text in (("password", PASSWORD), ("url", "postgresql://localhost/none")):
        (tmp_path / file).write_text(text)
        (tmp_path / file).chmod(0o600)
    (tmp_path / "covenant.toml").write_text(
        f"""
        vault = {{ url = "{tmp_path}/vault", password = {{ file = "{tmp_path}/password" }} }}
        [sources.accounts]
        kind = "postgres"
        url = {{ file = "{tmp_path}/url" }}
        class = "critical"
        """
    )
    (tmp_path / "data" / "pg_wal" / "archive_status").mkdir(parents=True)
    (tmp_path / "data" / "global").mkdir()
    (tmp_path / "data" / "global" / "pg_control").write_bytes(struct.pack("<Q", SYSTEM) + bytes(100))
    monkeypatch.chdir(tmp_path / "data")
    return Server(tmp_path)


def test_what_was_pushed_is_in_the_vault_and_whole(server: Server) -> None:
    """After exit code 0 the file is in the vault, byte for byte, and what was ready behind it too, in one piece."""
    server.log(3, 4, 5)

    ran = server.push(name(3))

    assert 0 == ran.code, ran.err
    shelf = server.shelf
    for number in (3, 4, 5):
        found = shelf.find(name(number))
        assert found is not None
        assert wal(1, number * SIZE, (number + 1) * SIZE) == shelf.read(found)
    assert 1 == server.pieces()
    assert 0 == server.push(name(4)).code
    assert 1 == server.pieces()


def test_pushing_again_is_done_already(server: Server) -> None:
    """The same file again is kept already, also when nothing is remembered of it; nothing is added."""
    server.log(3)
    server.push(name(3))
    server.push(name(3))
    again = here("-c", server.home / "covenant.toml", "--no-cache", "wal", "push", f"pg_wal/{name(3)}")

    assert 0 == again.code, again.err
    assert 1 == server.pieces()


def test_another_file_of_the_same_name_is_refused(server: Server) -> None:
    """What is in the vault under a name stays, and who pushes something else is told so."""
    server.log(3)
    server.push(name(3))
    content = bytearray(wal(1, 3 * SIZE, 4 * SIZE))
    content[5000] ^= 1
    server.file(name(3), bytes(content))

    ran = server.push(name(3))

    assert 22 == ran.code
    assert "another" in ran.err
    shelf = server.shelf
    found = shelf.find(name(3))
    assert found is not None
    assert wal(1, 3 * SIZE, 4 * SIZE) == shelf.read(found)


def test_what_is_no_file_of_the_log_is_refused(server: Server) -> None:
    """A cut-off file, one under a wrong name, and one that is not there are refused; none is called durable."""
    server.file(name(3), wal(1, 3 * SIZE, 4 * SIZE)[:-1])
    server.file(name(4), wal(1, 3 * SIZE, 4 * SIZE))
    server.file("notes.txt", b"hello")

    assert [23, 23, 23, 23] == [server.push(each).code for each in (name(3), name(4), "notes.txt", name(9))]
    assert 0 == server.pieces()


def test_a_new_timeline_is_kept_with_its_history(server: Server) -> None:
    """The history, the old timeline's last part, a backup's note and the new one's files come back as they were."""
    history = f"1\t0/{3 * SIZE + 5000:X}\tno reason\n".encode()
    rest = name(3) + ".partial"
    note = name(2) + ".00000028.backup"
    server.log(2)
    server.file(rest, wal(1, 3 * SIZE, 4 * SIZE))
    server.file("00000002.history", history)
    server.file(note, b"START WAL LOCATION: 0/200028")
    server.log(3, 4, timeline=2)

    for file in (name(2), rest, "00000002.history", note, name(3, 2)):
        ran = server.push(file)
        assert 0 == ran.code, ran.err

    shelf = server.shelf
    assert history == shelf.history(2)
    assert () == shelf.lost
    assert b"START WAL LOCATION: 0/200028" == shelf.content(note, None)
    found = shelf.find(name(3))
    assert found is not None
    assert wal(1, 3 * SIZE, 3 * SIZE + 5000).ljust(SIZE, b"\0") == shelf.read(found)
    found = shelf.find(name(4, 2))
    assert found is not None
    assert wal(2, 4 * SIZE, 5 * SIZE) == shelf.read(found)


def test_what_a_server_will_ask_for_is_fetched_before(server: Server) -> None:
    """A recovering server's next files come from the spool, the same as from the vault, to the end of the log."""
    server.log(*range(2, 14))
    server.push(name(2))
    asked = server.data / "pg_wal" / "RECOVERYXLOG"
    before = ("-c", server.home / "covenant.toml", "--cache-dir", server.home / "cache", "wal", "fetch")
    for number in range(2, 14):
        ran = here(*before, name(number), asked)
        assert 0 == ran.code, ran.err
        assert wal(1, number * SIZE, (number + 1) * SIZE) == asked.read_bytes()
    assert 1 == here(*before, name(14), asked).code


def _wait_for(server: Server, wanted: str) -> None:
    late = time.monotonic() + 20
    while not list((server.home / "cache" / "fetched").glob(f"*/{wanted}")):
        assert time.monotonic() < late, "nothing was fetched ahead"
        time.sleep(0.02)


def test_another_servers_log_is_not_taken_for_an_empty_one(server: Server) -> None:
    """A server whose number is not that of the log is stopped, and not told that the log ended."""
    server.log(2)
    server.push(name(2))
    (server.data / "global" / "pg_control").write_bytes(struct.pack("<Q", SYSTEM + 1) + bytes(100))

    assert 200 == server.command("wal", "fetch", name(2), "pg_wal/RECOVERYXLOG").code


def test_a_spooled_file_is_given_without_the_vault(server: Server) -> None:
    """Once a file is in the spool, the vault is not needed for it: a question costs no opening."""
    server.log(2, 3, 4)
    server.push(name(2))
    asked = server.data / "pg_wal" / "RECOVERYXLOG"
    words = ("-c", str(server.home / "covenant.toml"), "--cache-dir", str(server.home / "cache"), "wal", "fetch")
    assert 0 == here(*words, name(2), asked).code
    _wait_for(server, name(4))
    (server.home / "vault").rename(server.home / "away")

    ran = here(*words, name(3), asked)

    assert 0 == ran.code, ran.err
    assert wal(1, 3 * SIZE, 4 * SIZE) == asked.read_bytes()
    assert 200 == here(*words, name(5), asked).code
