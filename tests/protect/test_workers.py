"""Worker processes for very many small files: the same tree, and nothing left behind whoever is killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from covenant.adapters.stores.opening import StoreSpec
from covenant.kernel.errors import Interrupted, SourceError, StoreFull
from covenant.protect.backup import Job, Settings, backup
from covenant.vault.names import SNAPSHOTS
from covenant.vault.ports import Store
from covenant.vault.vault import open_vault
from tests.faults.stores import Full
from tests.protect.counted import Counted, files, keep, not_the_same, tree_at
from tests.vaults import CLOCK, OWNER, PASSWORD, a_store, a_vault

MANY = 4800
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More small files than threads are given alone."""
    folder = tmp_path_factory.mktemp("many")
    for part in range(MANY // 100):
        inner = folder / f"part {part}"
        inner.mkdir()
        for number in range(100):
            (inner / f"{number}.txt").write_bytes(b"file %d of part %d\n" % (number, part) * (number + 1))
    return folder


def by_processes(vault: Path) -> Settings:
    """Settings with which worker processes may be started."""
    return Settings(open_store=StoreSpec(str(vault)).open)


class FullSoon:
    """Opens the store in a worker so that it soon has no room left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self) -> Store:
        return Full(StoreSpec(str(self._folder)).open(), 40_000)


def test_processes_make_the_tree_that_threads_make(tmp_path: Path, many: Path) -> None:
    """Who read the files cannot be told from what is in the vault, and every blob is in it once."""
    stores = [a_store(tmp_path / "threads"), a_store(tmp_path / "processes")]
    vaults = [a_vault(store) for store in stores]
    seen: list[int] = []

    alone = keep(vaults[0], stores[0], files(many))
    source = files(many, meddle=lambda _: seen.append(len(_workers())))
    together = keep(vaults[1], stores[1], source, settings=by_processes(tmp_path / "processes"))

    assert 2 == max(seen)
    trees = [tree_at(*kept, many) for kept in zip(vaults, (alone.snapshot, together.snapshot), strict=True)]
    assert trees[0] == trees[1]
    assert alone.tally == together.tally
    assert MANY == len(vaults[0].index) - alone.added.tree_blobs
    assert alone.added.data_bytes == together.added.data_bytes
    assert [] == not_the_same(open_vault(stores[1], PASSWORD), together.snapshot, many, tmp_path / "out")
    assert [] == _workers()


def test_a_killed_worker_ends_the_backup_and_nothing_else(tmp_path: Path, many: Path) -> None:
    """An error of ours with a hint, no snapshot, no process left; the next run stores only what is missing."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    killed: list[int] = []
    read = 0

    def kill(_: object) -> None:
        nonlocal read
        read += 1
        if read > 4000 and not killed and (workers := _workers()):
            killed.append(workers[0])
            os.kill(workers[0], signal.SIGKILL)

    with pytest.raises(SourceError, match="worker process") as caught:
        keep(vault, store, files(many, meddle=kill), settings=by_processes(tmp_path / "v"))

    assert killed
    assert "Run it again" in caught.value.hint
    assert [] == [*store.list(SNAPSHOTS)]
    assert [] == _workers()
    fresh = open_vault(store, PASSWORD)
    again = keep(fresh, store, files(many))
    assert 0 < again.added.data_blobs < MANY
    assert [] == not_the_same(fresh, again.snapshot, many, tmp_path / "out")


def test_a_workers_store_error_is_ours(tmp_path: Path, many: Path) -> None:
    """A full disk met by a worker process reaches the caller as what it is, and no snapshot is left."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    settings = Settings(open_store=FullSoon(tmp_path / "v"), pack_size=32 << 10)

    with pytest.raises(StoreFull):
        keep(vault, store, files(many), settings=settings)

    assert [] == [*store.list(SNAPSHOTS)]
    assert [] == _workers()


def test_a_stopped_backup_keeps_what_its_workers_read(tmp_path: Path, many: Path) -> None:
    """What worker processes had stored when the stop came is in the index, so that it is not stored again."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    stop = threading.Event()
    source = files(many)
    source = Counted(source, lambda _: stop.set() if len(source.read) > 4400 else None)

    with pytest.raises(Interrupted):
        backup(Job(source, vault, store, OWNER, CLOCK, settings=by_processes(tmp_path / "v"), stop=stop))
    fresh = open_vault(store, PASSWORD)
    kept = len(fresh.index)
    again = keep(fresh, store, files(many))

    assert kept > 3000
    assert len(fresh.index) == kept + again.added.data_blobs + again.added.tree_blobs
    assert MANY - kept <= again.added.data_blobs < MANY - 3000
    assert [] == _workers()


def test_no_process_outlives_a_killed_backup(tmp_path: Path, many: Path) -> None:
    """When the backup itself is killed with -9, its workers see it and end."""
    a_vault(a_store(tmp_path / "v"))
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tests.protect.counted import files, keep\n"
        "from tests.protect.test_workers import by_processes, _workers\n"
        "from tests.vaults import PASSWORD\n"
        "from covenant.adapters.stores.posix import PosixStore\n"
        "from covenant.vault.vault import open_vault\n"
        "def wait(_):\n"
        "    if len(source.read) > 4400:\n"
        "        print(*_workers(), flush=True)\n"
        "        time.sleep(60)\n"
        "where = Path(sys.argv[1])\n"
        "store = PosixStore(where)\n"
        "source = files(Path(sys.argv[2]), meddle=wait)\n"
        "keep(open_vault(store, PASSWORD), store, source, settings=by_processes(where))\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-c", program, str(tmp_path / "v"), str(many)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        workers = [int(word) for word in run.stdout.readline().split()]
        alive = [_runs(worker) for worker in workers]
        run.kill()

    assert [True, True] == alive
    assert _soon(lambda: not any(_runs(worker) for worker in workers))


def _workers() -> list[int]:
    """The worker processes of this process that run."""
    return sorted(child.pid or 0 for child in multiprocessing.active_children() if _runs(child.pid or 0))


def _runs(pid: int) -> bool:
    """Whether a process runs, and is not merely waiting to be buried."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _soon(holds: Callable[[], bool]) -> bool:
    """Whether it holds within ten seconds."""
    for _ in range(200):
        if holds():
            return True
        time.sleep(0.05)
    return False
