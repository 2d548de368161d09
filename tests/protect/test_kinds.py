"""Full, incremental, differential: what each trusts, what each reads, and that each restores in one step."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from covenant.adapters.sources.files.source import FilesSource
from covenant.protect.backup import Job, Outcome, backup
from covenant.protect.parenthood import choose_parent
from covenant.vault.index import encode_index
from covenant.vault.names import INDEX, object_name
from covenant.vault.pack import BlobType
from covenant.vault.ports import Store
from covenant.vault.reader import read_tree
from covenant.vault.snapshot import Snapshot, snapshot_time
from covenant.vault.vault import Vault
from tests.clocks import FrozenClock
from tests.protect.counted import Counted, files, keep, not_the_same, settle, tree_at
from tests.vaults import OWNER, a_store, a_vault


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three files, one of them large, that nobody has touched for a while."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.raw").write_bytes(os.urandom(2 << 20))
    (folder / "b.txt").write_bytes(b"caption")
    (folder / "c.txt").write_bytes(b"credits")
    settle()
    return folder


def chosen(kind: str, vault: Vault, folder: Path) -> Snapshot | None:
    """The parent that a backup of this kind builds on."""
    return choose_parent(kind, vault.snapshots(), source="", hostname=OWNER.hostname, paths=(str(folder),))


def test_a_full_backup_reads_everything_though_nothing_changed(tmp_path: Path, photos: Path) -> None:
    """A full backup trusts nothing: every file is read again, and none is stored again."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    keep(vault, store, files(photos))
    settle()
    source = files(photos)

    again = keep(vault, store, source, kind="full", parent=chosen("full", vault, photos))

    assert ["a.raw", "b.txt", "c.txt"] == source.read
    assert 0 == again.added.data_blobs
    assert ("full", None) == (again.snapshot.kind, again.snapshot.parent)


def test_an_incremental_backup_reads_what_changed_since_the_last(tmp_path: Path, photos: Path) -> None:
    """What changed before the last backup of any kind is trusted; what changed since is read."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    reads, outcomes = _three(vault, store, photos, "incremental")

    assert [["a.raw", "b.txt", "c.txt"], ["b.txt"], ["c.txt"]] == reads
    assert [None, outcomes[0].snapshot.id, outcomes[1].snapshot.id] == [one.snapshot.parent for one in outcomes]
    assert (0, 1, 2) == (
        outcomes[2].tally.files_new,
        outcomes[2].tally.files_changed,
        outcomes[2].tally.files_unmodified,
    )


def test_a_differential_backup_reads_what_changed_since_the_last_full(tmp_path: Path, photos: Path) -> None:
    """What changed since the last full backup is read, also if a later backup has it already."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    reads, outcomes = _three(vault, store, photos, "differential")

    assert [["a.raw", "b.txt", "c.txt"], ["b.txt"], ["b.txt", "c.txt"]] == reads
    assert ["full", "differential", "differential"] == [one.snapshot.kind for one in outcomes]
    assert {outcomes[0].snapshot.id} == {one.snapshot.parent for one in outcomes[1:]}


def test_an_archive_trusts_nothing_and_others_may_trust_it(tmp_path: Path, photos: Path) -> None:
    """An archive reads everything, says that it is one, and a differential backup builds on it as on a full one."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    source = files(photos)

    archive = keep(vault, store, source, kind="archive", parent=chosen("archive", vault, photos))

    assert ["a.raw", "b.txt", "c.txt"] == source.read
    assert "archive" == archive.snapshot.kind
    assert archive.snapshot == chosen("differential", vault, photos)


def test_what_is_gone_or_renamed_is_counted(tmp_path: Path, photos: Path) -> None:
    """A file that the parent had and that is there no more counts as gone, also where it has only a new name."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    keep(vault, store, files(photos))
    (photos / "b.txt").unlink()
    (photos / "c.txt").rename(photos / "d.txt")
    settle()

    after = keep(vault, store, files(photos), kind="incremental", parent=chosen("incremental", vault, photos))

    assert (1, 0, 1, 2) == (
        after.tally.files_new,
        after.tally.files_changed,
        after.tally.files_unmodified,
        after.tally.files_gone,
    )


def test_every_snapshot_restores_in_one_step(tmp_path: Path, photos: Path) -> None:
    """An incremental or differential snapshot is whole by itself: no chain has to be walked."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    for number, kind in enumerate(("full", "incremental", "differential", "incremental")):
        (photos / "b.txt").write_bytes(f"caption {number}".encode())
        settle()
        done = keep(vault, store, files(photos), kind=kind, parent=chosen(kind, vault, photos))

        assert [] == not_the_same(vault, done.snapshot, photos, tmp_path / f"out{number}")


def test_a_change_that_restores_size_and_time_is_noticed(tmp_path: Path, photos: Path) -> None:
    """The change time cannot be set back, so a file changed in secret is read again."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    first = keep(vault, store, files(photos))
    before = (photos / "b.txt").stat()
    (photos / "b.txt").write_bytes(b"CAPTION")
    os.utime(photos / "b.txt", ns=(before.st_atime_ns, before.st_mtime_ns))
    settle()
    source = files(photos)

    second = keep(vault, store, source, parent=first.snapshot)

    assert ["b.txt"] == source.read
    assert [] == not_the_same(vault, second.snapshot, photos, tmp_path / "out")


def test_a_new_mode_alone_does_not_read_a_large_file_twice(tmp_path: Path, photos: Path) -> None:
    """A mode that changed moves the change time, so the file is read; what is stored is its new description alone."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    first = keep(vault, store, files(photos))
    (photos / "a.raw").chmod(0o600)
    settle()

    second = keep(vault, store, files(photos), parent=first.snapshot)

    assert 0 == second.added.data_blobs
    assert [] == not_the_same(vault, second.snapshot, photos, tmp_path / "out")


def test_a_file_touched_as_the_parent_began_is_read_again(tmp_path: Path, photos: Path) -> None:
    """Within one tick of the clock two writes look alike, so what is as young as the parent is not trusted."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    clock = FrozenClock()
    touched = (photos / "b.txt").stat()
    moment = touched.st_ctime_ns / 1e9
    read = []
    for began in (moment + 10.0, moment + 0.01):
        clock.set(datetime.fromtimestamp(began, UTC))
        parent = backup(Job(files(photos), vault, store, OWNER, clock)).snapshot
        source = files(photos)
        keep(vault, store, source, parent=parent)
        read.append("b.txt" in source.read)

    assert [False, True] == read


def test_content_that_the_index_lost_is_read_again(tmp_path: Path, photos: Path) -> None:
    """A backup mends the vault: blobs that are in no index are stored anew though their files did not change."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    first = keep(vault, store, files(photos))
    _lose_content_of(vault, store, first, photos, "b.txt")
    source = files(photos)

    second = keep(vault, store, source, parent=first.snapshot)

    assert source.read
    assert "b.txt" in source.read
    assert [] == not_the_same(vault, second.snapshot, photos, tmp_path / "out2")
    assert [] == not_the_same(vault, first.snapshot, photos, tmp_path / "out1")


def test_a_parent_whose_tree_is_lost_is_no_parent(tmp_path: Path, photos: Path) -> None:
    """Where the parent's own directories cannot be read, everything is read, and the backup is whole."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    first = keep(vault, store, files(photos))
    settle()
    fresh = a_store(tmp_path / "w")
    other = a_vault(fresh)
    source = files(photos)

    second = keep(other, fresh, source, parent=first.snapshot)

    assert ["a.raw", "b.txt", "c.txt"] == source.read
    assert [] == not_the_same(other, second.snapshot, photos, tmp_path / "out")


def test_the_clock_may_be_set_back_between_backups(tmp_path: Path, photos: Path) -> None:
    """A parent from the future hides no change, and one from long ago costs reading at most."""
    store = a_store(tmp_path / "v")
    vault = a_vault(store)
    clock = FrozenClock(datetime.now(UTC) + timedelta(days=300))
    parent = backup(Job(files(photos), vault, store, OWNER, clock)).snapshot
    for number, shift in enumerate((-400, 200, 0)):
        clock.set(datetime.now(UTC) + timedelta(days=shift))
        (photos / "c.txt").write_bytes(b"credits" + bytes([48 + number]))
        source = files(photos)
        done = backup(Job(source, vault, store, OWNER, clock, kind="incremental", parent=parent))
        parent = done.snapshot

        assert "c.txt" in source.read
        assert [] == not_the_same(vault, parent, photos, tmp_path / f"out{number}")


def test_the_parent_is_the_newest_of_the_same_source() -> None:
    """By name where the source has one, else by machine and paths; a differential looks at full ones alone."""
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def taken(day: int, *tags: str, host: str = "a", paths: tuple[str, ...] = ("/x", "/y")) -> Snapshot:
        return Snapshot(
            time_=snapshot_time(start + timedelta(days=day)),
            tree="",
            hostname=host,
            paths=list(paths),
            tags_=[f"covenant:{tag}" for tag in tags],
            id=f"{day}",
        )

    kept = [
        taken(9, "kind=full", host="b"),
        taken(3, "kind=incremental"),
        taken(8, "kind=full", paths=("/x",)),
        taken(2, "kind=full"),
        taken(1, "kind=full"),
        taken(4, "source=db", "kind=differential", paths=("/db",)),
    ]

    def parent(kind: str, source: str = "") -> str:
        found = choose_parent(kind, kept, source=source, hostname="a", paths=("/y", "/x"))
        return found.id if found else "none"

    assert ("none", "3", "2") == (parent("full"), parent("incremental"), parent("differential"))
    assert ("4", "none") == (parent("incremental", "db"), parent("differential", "db"))
    assert "none" == parent("incremental", "other")


def _three(vault: Vault, store: Store, folder: Path, kind: str) -> tuple[list[list[str]], list[Outcome]]:
    """Three backups with a change before the second and the third: what each read, and what it came to."""
    reads, outcomes = [], []
    for name in ("", "b.txt", "c.txt"):
        if name:
            (folder / name).write_bytes(b"changed " + name.encode())
        settle()
        source = Counted(FilesSource("", (str(folder),)))
        outcomes.append(keep(vault, store, source, kind=kind, parent=chosen(kind, vault, folder)))
        reads.append(source.read)
    return reads, outcomes


def _lose_content_of(vault: Vault, store: Store, done: Outcome, folder: Path, name: str) -> None:
    """Take the index file away that names the content of a file, and put one there that names the rest."""
    entries = read_tree(vault, tree_at(vault, done.snapshot, folder))
    (lost,) = next(node.content or [] for node in entries if node.filename == name)
    (index_id,) = [listed.name.rpartition("/")[2] for listed in store.list(INDEX)]
    packs = [
        (bytes.fromhex(pack.id), [entry for entry in pack.entries() if entry.id.hex() != lost])
        for pack in vault.load_index(index_id).packs
    ]
    store.delete(object_name(INDEX, index_id))
    vault.save(store, INDEX, encode_index(packs))
    vault.forget_index()
    assert not vault.index.has(bytes.fromhex(lost), BlobType.DATA)
