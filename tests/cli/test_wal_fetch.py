"""``covenant wal fetch`` as a server calls it: the file, the end of the log, or a stop, and nothing in between."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from covenant.adapters.sources.postgres.wal import segment_at
from covenant.vault.names import DATA
from tests.adapters.sources.postgres.made_up import SIZE, MadeUp, made_up, wal
from tests.cli.running import Ran, here
from tests.small_worlds import spread
from tests.vaults import PASSWORD


@pytest.fixture
def a_log() -> MadeUp:
    """Two files, the second not full, and a gap behind the third."""
    log = made_up()
    log.seal(0, SIZE)
    log.seal(SIZE, SIZE + 700)
    return log


def fetched(log: MadeUp, home: Path, *words: object, name: str | None = None) -> Ran:
    """Ask for a file, into ``home/wanted``."""
    shutil.rmtree(home / "vault", ignore_errors=True)
    spread(log.store, home / "vault")
    (home / "password").write_text(PASSWORD)
    (home / "password").chmod(0o600)
    (home / "url").write_text("postgresql://localhost/none")
    (home / "url").chmod(0o600)
    (home / "covenant.toml").write_text(
        """
        vault = { url = "./vault", password = { file = "./password" } }
        [sources.accounts]
        kind = "postgres"
        url = { file = "./url" }
        class = "critical"
        """
    )
    asked = [name, home / "wanted"] if name is not None else []
    return here("-c", home / "covenant.toml", "--no-cache", "wal", "fetch", *asked, *words)


def test_a_file_of_the_log_is_put_where_the_server_wants_it(a_log: MadeUp, tmp_path: Path) -> None:
    """A whole file, and the last one filled up to its size, are there with exit code 0."""
    for place, right in ((0, wal(1, 0, SIZE)), (SIZE, wal(1, SIZE, SIZE + 700).ljust(SIZE, b"\0"))):
        ran = fetched(a_log, tmp_path, name=segment_at(1, place, SIZE).name)

        assert 0 == ran.code, ran.err
        assert right == (tmp_path / "wanted").read_bytes()


def test_the_end_of_the_log_is_told_by_1(a_log: MadeUp, tmp_path: Path) -> None:
    """Behind the last file there is none, nor is there another timeline; nothing is written."""
    for name in (segment_at(1, 2 * SIZE, SIZE).name, "00000002.history"):
        assert 1 == fetched(a_log, tmp_path, name=name).code
    assert not (tmp_path / "wanted").exists()


def test_whatever_else_is_the_matter_stops_the_recovery(a_log: MadeUp, tmp_path: Path) -> None:
    """A gap, damage, a wrong password, a wrong command line, a target that cannot be written: 200, and no file."""
    first = segment_at(1, 0, SIZE).name
    assert 200 == fetched(a_log, tmp_path, "--nonsense", name=first).code
    assert 200 == fetched(a_log, tmp_path).code
    assert 200 == fetched(a_log, tmp_path, "--source", "nobody", name=first).code
    assert 200 == here("-c", tmp_path / "none.toml", "wal", "fetch", first, tmp_path / "wanted").code
    assert 200 == fetched(a_log, tmp_path, first, tmp_path / "no" / "folder").code
    a_log.seal(4 * SIZE, 4 * SIZE + 5)
    assert 200 == fetched(a_log, tmp_path, name=segment_at(1, 3 * SIZE, SIZE).name).code
    for spoiled in [listed.name for listed in a_log.store.list(DATA)]:
        a_log.store.delete(spoiled)
    assert 200 == fetched(a_log, tmp_path, name=first).code
    assert not (tmp_path / "wanted").exists()
