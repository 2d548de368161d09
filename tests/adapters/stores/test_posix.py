"""A folder as a store: the contract, and what only a file system can do to us."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from covenant.adapters.stores.posix import PosixStore
from covenant.adapters.stores.whole_write import rename_new, write_named
from covenant.kernel.errors import ObjectExists, ObjectMissing, StoreDenied, StoreError, StoreFull
from tests.contracts.store_contract import StoreContract
from tests.servers.small_disk import SmallDisk

NOBODY = 65534


@pytest.fixture
def store(tmp_path: Path) -> PosixStore:
    """An empty store in a folder of its own."""
    made = PosixStore(tmp_path / "vault")
    made.create_root()
    return made


class TestPosixStore(StoreContract):
    """The contract, on a folder."""


class TestPosixStoreWithNamedWrites(StoreContract):
    """The contract, as it is kept where a file must have a name while it is written (NFS, FUSE)."""

    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PosixStore:
        monkeypatch.setattr("covenant.adapters.stores.posix.write_whole", write_named)
        made = PosixStore(tmp_path / "vault")
        made.create_root()
        return made


def test_objects_are_for_their_owner_alone(store: PosixStore, tmp_path: Path) -> None:
    """Files can be read by their owner and written by nobody; folders are closed to others. As restic does."""
    store.put("data/ab/one", b"x")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "vault").rglob("*")}
    assert {"data": 0o700, "ab": 0o700, "one": 0o400} == modes
    assert 0o700 == stat.S_IMODE((tmp_path / "vault").stat().st_mode)


def test_nothing_is_left_beside_an_object(store: PosixStore, tmp_path: Path) -> None:
    """Neither a put nor a refused put leaves a file behind."""
    store.put("data/one", b"x")
    with pytest.raises(ObjectExists):
        store.put("data/one", b"y")

    assert ["one"] == os.listdir(tmp_path / "vault" / "data")


def test_what_is_no_object_is_not_listed(store: PosixStore, tmp_path: Path) -> None:
    """What a killed writer, a file system or a person left in the folder is not taken for objects."""
    store.put("data/one", b"x")
    (tmp_path / "vault" / "data" / "one~123.0").write_bytes(b"unfinished")
    (tmp_path / "vault" / "lost+found").mkdir()
    (tmp_path / "vault" / "lost+found" / "#42").write_bytes(b"")
    os.mkfifo(tmp_path / "vault" / "data" / "pipe")

    assert ["data/one"] == [name for name, _ in store.list("")]


def test_an_object_cannot_lie_inside_another(store: PosixStore) -> None:
    """A file is no folder, and the error says so instead of calling the object missing."""
    store.put("config", b"x")

    with pytest.raises(StoreError, match="inside another object") as caught:
        store.put("config/below", b"y")
    assert not isinstance(caught.value, ObjectMissing)


def test_a_folder_that_was_tidied_away_is_made_again(store: PosixStore, tmp_path: Path) -> None:
    """Someone may remove empty folders of a living store; a put makes them anew."""
    store.put("data/ab/one", b"x")
    store.delete("data/ab/one")
    (tmp_path / "vault" / "data" / "ab").rmdir()

    store.put("data/ab/two", b"y")

    assert b"y" == store.get("data/ab/two")


# --- the store's folder goes away -------------------------------------------------------------------------------------


def test_a_put_never_makes_the_store(tmp_path: Path) -> None:
    """Where the folder is not there a put fails, with a hint, and makes nothing."""
    store = PosixStore(tmp_path / "never-made")

    with pytest.raises(StoreError, match="there is no folder") as caught:
        store.put("config", b"x")
    assert "covenant init" in caught.value.hint
    assert not (tmp_path / "never-made").exists()


def test_a_store_that_was_never_made_is_empty(tmp_path: Path) -> None:
    """Asked for objects it has none, so that opening it says that there is no vault."""
    store = PosixStore(tmp_path / "never-made")

    with pytest.raises(ObjectMissing):
        store.get("config")
    assert [] == list(store.list(""))


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced by an empty folder"])
def test_a_vanished_store_is_no_empty_store(store: PosixStore, tmp_path: Path, replaced: bool) -> None:
    """When the folder goes away in use, nothing is called missing, and nothing is written in its place."""
    store.put("config", b"x")
    store.put("data/ab/one", b"x")
    (tmp_path / "vault").rename(tmp_path / "elsewhere")
    if replaced:
        (tmp_path / "vault").mkdir()

    for act in (
        lambda: store.get("config"),
        lambda: store.size("config"),
        lambda: store.list(""),
        lambda: store.delete("config"),
        lambda: store.put("keys/new", b"x"),
        lambda: store.put("data/ab/two", b"x"),
        lambda: store.put("new", b"x"),
    ):
        with pytest.raises(StoreError, match="has vanished") as caught:
            act()
        assert "mounted" in caught.value.hint
    assert replaced == (tmp_path / "vault").exists()
    assert not replaced or [] == os.listdir(tmp_path / "vault")


def test_an_unmounted_disk_is_not_written_below(small_disk: SmallDisk) -> None:
    """With the disk gone, the empty folder that it was mounted on is left alone."""
    store = PosixStore(small_disk.path)
    store.create_root()
    store.put("data/ab/one", b"x")
    small_disk.unmount()

    for name in ("data/ab/two", "data/cd/three", "config"):
        with pytest.raises(StoreError, match="has vanished"):
            store.put(name, b"x")
    assert [] == os.listdir(small_disk.path)


# --- no room, no right ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writing", ["whole", "named"])
def test_a_full_disk_keeps_what_it_has(small_disk: SmallDisk, writing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A put that does not fit fails as such and leaves nothing; what was stored stays, and a smaller one still fits."""
    if writing == "named":
        monkeypatch.setattr("covenant.adapters.stores.posix.write_whole", write_named)
    store = PosixStore(small_disk.path)
    store.put("data/ab/one", b"1" * 2**20)

    with pytest.raises(StoreFull) as caught:
        store.put("data/ab/two", b"2" * 2**22)
    assert "space" in caught.value.hint
    assert ["one"] == os.listdir(small_disk.path / "data" / "ab")
    store.put("data/ab/three", b"3" * 2**20)
    assert b"1" * 2**20 == store.get("data/ab/one")


def test_no_room_is_told_without_root_too(store: PosixStore, tmp_path: Path) -> None:
    """A limit on file sizes stops a put like a full disk does."""
    code = """
        import resource, sys
        from covenant.adapters.stores.posix import PosixStore
        from covenant.kernel.errors import StoreFull
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
        store = PosixStore(sys.argv[1])
        store.put("data/small", b"x")
        try:
            store.put("data/large", bytes(2**21))
        except StoreFull:
            sys.exit(7)
    """
    with _python(code, tmp_path / "vault") as writer:
        assert 7 == writer.wait()
    assert ["data/small"] == [name for name, _ in store.list("")]
    assert ["small"] == os.listdir(tmp_path / "vault" / "data")


def test_a_read_only_disk_can_be_read(small_disk: SmallDisk) -> None:
    """Where nothing may be written, reads go on and writes are denied."""
    store = PosixStore(small_disk.path)
    store.put("data/ab/one", b"x")
    small_disk.make_read_only()

    assert b"x" == store.get("data/ab/one")
    acts: list[Callable[[], None]] = [
        lambda: store.put("data/ab/two", b"y"),
        lambda: store.put("new/folder", b"y"),
        lambda: store.delete("data/ab/one"),
    ]
    for act in acts:
        with pytest.raises(StoreDenied):
            act()


def test_a_stranger_is_denied() -> None:
    """Someone without the right to write gets that told, and someone without the right to read as well."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        store = PosixStore(Path(folder) / "vault")
        store.create_root()
        store.put("data/one", b"x")
        with _without_rights(Path(folder) / "vault"):
            acts: list[Callable[[], object]] = [
                lambda: store.put("config", b"y"),
                lambda: store.get("data/one"),
                lambda: store.delete("data/one"),
            ]
            for act in acts:
                with pytest.raises(StoreDenied):
                    act()
        assert b"x" == store.get("data/one")


# --- kill -9 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writing", ["write_whole", "write_named"])
def test_a_killed_writer_leaves_only_whole_objects(store: PosixStore, tmp_path: Path, writing: str) -> None:
    """Killed at any moment of its puts, a process leaves what is whole, and nothing else that is listed."""
    code = f"""
        import os, sys
        from hashlib import sha256
        import covenant.adapters.stores.posix as posix
        import covenant.adapters.stores.whole_write as whole_write
        posix.write_whole = whole_write.{writing}
        store = posix.PosixStore(sys.argv[1])
        while True:
            data = os.urandom(3_000_000)
            name = sha256(data).hexdigest()
            print("putting", flush=True)
            store.put(f"data/{{name[:2]}}/{{name}}", data)
            print("done", name, flush=True)
    """
    promised: set[str] = set()
    for delay in (0.0, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03):
        writer = _python(code, tmp_path / "vault")
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(delay)
        writer.kill()
        promised |= {line.split()[1] for line in writer.stdout.read().splitlines() if line.startswith("done ")}
        writer.stdout.close()
        writer.wait()

    kept = {name.rpartition("/")[2]: sha256(store.get(name)).hexdigest() for name, _ in store.list("data")}
    assert promised <= kept.keys()
    assert list(kept.keys()) == list(kept.values())


# --- without hard links -----------------------------------------------------------------------------------------------


def test_a_rename_is_never_over_another(tmp_path: Path) -> None:
    """Where there are no hard links, the rename that takes their place refuses a name that is taken."""
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "taken").write_bytes(b"taken")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(FileExistsError):
            rename_new(folder, "old", "taken")
        rename_new(folder, "old", "new")
    finally:
        os.close(folder)

    assert {"new": b"old", "taken": b"taken"} == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def _python(code: str, *arguments: Path) -> subprocess.Popen[str]:
    """Another Python, running ``code``."""
    lines = code.strip("\n").splitlines()
    margin = len(lines[0]) - len(lines[0].lstrip())
    command = [sys.executable, "-c", "\n".join(line[margin:] for line in lines), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment())


def _environment() -> dict[str, str]:
    import covenant

    return dict(os.environ) | {"PYTHONPATH": str(Path(covenant.__path__[0]).parent)}


@contextmanager
def _without_rights(vault: Path) -> Iterator[None]:
    """As someone who may neither read nor write ``vault``; root becomes nobody for a while."""
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        vault.chmod(0)
        try:
            yield
        finally:
            vault.chmod(0o700)
