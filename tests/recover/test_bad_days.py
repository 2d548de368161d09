"""Damage, interruption and full disks: what is healthy comes back, what is not is named, and a second run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from random import Random

import pytest

from covenant.kernel.errors import Interrupted, Refusal, TargetError
from covenant.recover.flushing import flush_file_system
from covenant.recover.job import RestoreJob, RestoreOutcome, Settings
from covenant.recover.restore import restore
from covenant.vault.names import DATA
from covenant.vault.pack import BlobType
from covenant.vault.reader import read_tree
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault, open_vault
from covenant.vault.writer import Writer
from tests.faults.stores import FlipsLastByte, Sound, Truncates
from tests.servers.small_disk import SmallDisk, small_disk
from tests.trees import differences, traits
from tests.vaults import CLOCK, PASSWORD, a_store, a_vault, back_up

__all__ = ["small_disk"]

MARK = ".covenant-restore.json"


def restored(vault: Vault, snapshot: Snapshot, target: Path, **how: object) -> RestoreOutcome:
    """Restore into ``target``."""
    return restore(RestoreJob(vault, snapshot, str(target), CLOCK, **how))  # type: ignore[arg-type]


def below(target: Path, path: Path) -> Path:
    """Where a backed-up path comes to lie."""
    return target / str(path).lstrip("/")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Some small files and some large ones, every byte of them different."""
    noise, tree = Random(1), tmp_path / "tree"
    for folder in ("a", "b"):
        (tree / folder).mkdir(parents=True)
        for number in range(20):
            (tree / folder / f"small {number}").write_bytes(noise.randbytes(3000 + number))
        (tree / folder / "large").write_bytes(noise.randbytes(20 << 20))
    os.link(tree / "a" / "small 3", tree / "b" / "zz other name")
    return tree


def blobs_of(vault: Vault, snapshot: Snapshot) -> dict[str, list[str]]:
    """The blobs of every file, by its path."""
    found: dict[str, list[str]] = {}
    stack = [("", snapshot.tree)]
    while stack:
        above, tree_id = stack.pop()
        for node in read_tree(vault, tree_id):
            path = f"{above}/{node.filename}"
            if node.subtree:
                stack.append((path, node.subtree))
            found[path] = node.content or []
    return found


def flip(folder: Path, pack: bytes, offset: int) -> None:
    """Flip one byte of a pack."""
    path = folder / "data" / pack.hex()[:2] / pack.hex()
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)


@pytest.mark.parametrize("victim", ["a/small 7", "b/large", "a/small 3"])
def test_a_damaged_blob_costs_its_file_and_no_other(tmp_path: Path, tree: Path, victim: str) -> None:
    """The damaged file is named and left out, under each of its names; all others are restored whole."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot
    path = f"{tree}/{victim}"
    place = vault.index.find(bytes.fromhex(blobs_of(vault, snapshot)[path][0]), BlobType.DATA)
    assert place is not None
    flip(tmp_path / "vault", place.pack, place.offset + 20)

    outcome = restored(vault, snapshot, tmp_path / "out")

    victims = [victim, "b/zz other name"] if victim == "a/small 3" else [victim]
    assert [f"{tree}/{name}" for name in victims] == sorted(finding.subject for finding in outcome.findings)
    assert {"content-damaged"} == {finding.kind for finding in outcome.findings}
    assert len(victims) == outcome.tally.files_failed
    assert [f"{name!r} is missing" for name in victims] == differences(tree, below(tmp_path / "out", tree))
    assert not (tmp_path / "out" / MARK).exists()


def test_a_damaged_file_does_not_take_a_good_ones_place(tmp_path: Path, tree: Path) -> None:
    """What stands in the target stays when its successor cannot be read."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot
    blobs = blobs_of(vault, snapshot)
    for name in ("a/large", "a/small 1"):
        place = vault.index.find(bytes.fromhex(blobs[f"{tree}/{name}"][-1]), BlobType.DATA)
        assert place is not None
        flip(tmp_path / "vault", place.pack, place.offset + 20)
        below(tmp_path / "out", tree / "a").mkdir(parents=True, exist_ok=True)
        below(tmp_path / "out", tree / name).write_bytes(b"older, but mine")

    outcome = restored(vault, snapshot, tmp_path / "out", into_non_empty=True)

    assert 2 == len(outcome.findings)
    assert b"older, but mine" == below(tmp_path / "out", tree / "a" / "large").read_bytes()
    assert b"older, but mine" == below(tmp_path / "out", tree / "a" / "small 1").read_bytes()
    assert not [name for name in traits(tmp_path / "out") if name.endswith(".part")]


def test_a_second_copy_of_a_blob_saves_the_file(tmp_path: Path, tree: Path) -> None:
    """Where another pack has the same blob whole, the file is restored without a word."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot
    blobs = blobs_of(vault, snapshot)
    for name in ("a/small 7", "b/large"):
        place = vault.index.find(bytes.fromhex(blobs[f"{tree}/{name}"][0]), BlobType.DATA)
        assert place is not None
        flip(tmp_path / "vault", place.pack, place.offset + 20)
    other = open_vault(store, PASSWORD)
    other.index = type(other.index)()  # knows nothing, and so stores everything again
    writer = Writer(other, store)
    for name in ("a/small 7", "b/large"):
        content = (tree / name).read_bytes()
        at = 0
        for blob in blobs[f"{tree}/{name}"]:
            place = vault.index.find(bytes.fromhex(blob), BlobType.DATA)
            assert place is not None
            length = place.plain_length or place.length - 32
            writer.data(content[at : at + length])
            at += length
    writer.flush()

    outcome = restored(open_vault(store, PASSWORD), snapshot, tmp_path / "out")

    assert () == outcome.findings
    assert [] == differences(tree, below(tmp_path / "out", tree))


@pytest.mark.parametrize("fault", ["flipped", "cut off", "gone"])
def test_damaged_packs_end_in_findings(tmp_path: Path, tree: Path, fault: str) -> None:
    """Whatever befalls the packs, every file is either whole or named."""
    store = a_store(tmp_path / "vault")
    snapshot = back_up(a_vault(store), store, tree).snapshot
    packs = sorted(listed.name for listed in store.list(DATA))
    victim = max(packs, key=store.size)
    faulty: Sound
    if fault == "gone":
        faulty = Sound(store)
        store.delete(victim)
    elif fault == "flipped":
        faulty = FlipsLastByte(store, lambda name: name == victim)
    else:
        faulty = Truncates(store, 8 << 20, lambda name: name == victim)

    outcome = restored(open_vault(faulty, PASSWORD), snapshot, tmp_path / "out")

    lost = {finding.subject.removeprefix(f"{tree}/") for finding in outcome.findings}
    assert {f"{name!r} is missing" for name in lost} == set(differences(tree, below(tmp_path / "out", tree)))
    assert (fault == "flipped") == (not lost)  # the last byte is the header's, which no restore needs


def test_stopped_and_run_again_it_goes_on(tmp_path: Path, tree: Path) -> None:
    """Told to stop, a restore leaves its mark; run again it keeps what is complete and clears the mark."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot
    stop = threading.Event()

    class StopsAfterTheFirst:
        def expect(self, *, files: int = 0, bytes: int = 0) -> None:
            pass

        def advance(self, *, files: int = 0, bytes: int = 0) -> None:
            if files:
                stop.set()

    with pytest.raises(Interrupted):
        restored(vault, snapshot, tmp_path / "out", stop=stop, progress=StopsAfterTheFirst())
    assert (tmp_path / "out" / MARK).exists()
    assert differences(tree, below(tmp_path / "out", tree))

    outcome = restored(vault, snapshot, tmp_path / "out")

    assert outcome.resumed
    assert outcome.tally.files_kept
    assert [] == differences(tree, below(tmp_path / "out", tree))
    assert not (tmp_path / "out" / MARK).exists()


def test_another_restore_does_not_mix_in(tmp_path: Path, tree: Path) -> None:
    """While one restore is unfinished, another into the same folder is refused, and told of the first."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        restored(vault, snapshot, tmp_path / "out", stop=stop)

    with pytest.raises(Refusal, match="is unfinished"):
        restored(vault, snapshot, tmp_path / "out", path=str(tree / "a"))


def test_a_half_written_file_is_written_anew(tmp_path: Path, tree: Path) -> None:
    """What a dead run left behind, files and temporary files alike, does not survive the next run."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot
    restored(vault, snapshot, tmp_path / "out")
    out = below(tmp_path / "out", tree)
    for name in ("large", "small 5"):
        (out / "a" / name).write_bytes((out / "a" / name).read_bytes()[:1000])
    (out / "b").chmod(0o500)

    outcome = restored(vault, snapshot, tmp_path / "out", into_non_empty=True)

    assert (2, 0) == (outcome.tally.files_replaced, outcome.tally.files_created)
    assert [] == differences(tree, out)


CHILD = """
import sys
from covenant.adapters.stores.opening import StoreSpec
from covenant.kernel.clock import SystemClock
from covenant.recover.job import RestoreJob, Settings
from covenant.recover.restore import restore
from covenant.vault.vault import open_vault

if __name__ == "__main__":
    spec = StoreSpec(sys.argv[1])
    vault = open_vault(spec.open(), sys.argv[2])
    snapshot = next(vault.snapshots())
    restore(RestoreJob(vault, snapshot, sys.argv[3], SystemClock(), settings=Settings(2, spec.open)))
"""


@pytest.mark.parametrize("part", [0.02, 0.2, 0.5])
def test_killed_and_run_again_it_goes_on(tmp_path: Path, part: float) -> None:
    """kill -9 in the middle, processes and all: the same restore run again comes to the whole tree."""
    tree = tmp_path / "tree"
    for folder in range(30):
        (tree / str(folder)).mkdir(parents=True)
        for number in range(200):
            (tree / str(folder) / str(number)).write_bytes(b"%d of %d" % (number, folder) * 50)
    (tree / "large").write_bytes(Random(3).randbytes(30 << 20))
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot
    out = below(tmp_path / "out", tree)
    words = [sys.executable, "-c", CHILD, store.url, PASSWORD, str(tmp_path / "out")]
    child = subprocess.Popen(words, start_new_session=True)
    while len(list(out.glob("*/*"))) < part * 6000:
        assert child.poll() is None, "it was done before it could be killed"
        time.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    time.sleep(0.3)  # its workers notice, and end
    assert (tmp_path / "out" / MARK).exists()

    outcome = restored(vault, snapshot, tmp_path / "out")

    assert outcome.resumed
    assert () == outcome.findings
    assert [] == differences(tree, out)


def test_a_full_disk_says_so_and_can_be_gone_on_with(tmp_path: Path, tree: Path, small_disk: SmallDisk) -> None:
    """Full is an error of the target with a hint, not a finding for each of a million files."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot

    with pytest.raises(TargetError, match="no room left") as caught:
        restored(vault, snapshot, small_disk.path / "out")

    assert "run the same restore again" in caught.value.hint
    assert (small_disk.path / "out" / MARK).exists()
    small_disk.make_read_only()
    with pytest.raises(TargetError, match="cannot be used as a target"):
        restored(vault, snapshot, small_disk.path / "out")


def test_a_target_that_is_a_file_is_an_error(tmp_path: Path, tree: Path) -> None:
    """Nothing is written, and the error names the place."""
    store = a_store(tmp_path / "vault")
    vault = a_vault(store)
    snapshot = back_up(vault, store, tree).snapshot
    (tmp_path / "out").write_bytes(b"a file")

    with pytest.raises(TargetError, match="cannot be used as a target"):
        restored(vault, snapshot, tmp_path / "out", settings=Settings(lanes=1))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_without_root_owners_are_one_finding(tree: Path) -> None:
    """Someone else restores everything but the owners, and is told once."""
    with tempfile.TemporaryDirectory() as scratch:  # pytest's own folder lets nobody else in
        place = Path(scratch)
        store = a_store(place / "vault")
        vault = a_vault(store)
        snapshot = back_up(vault, store, tree).snapshot
        subprocess.run(["chown", "-R", "12345", scratch], check=True)
        os.seteuid(12345)
        try:
            outcome = restored(vault, snapshot, place / "out")
        finally:
            os.seteuid(0)

    assert ["owner-not-restored"] == [finding.kind for finding in outcome.findings]
    assert "more" in outcome.findings[0].message
    assert 43 == outcome.tally.files_created


def test_restored_files_are_durable_before_the_mark_goes(tree: Path, tmp_path: Path) -> None:
    """The file system is written out once all files are complete, and while the restore still counts as unfinished."""
    store = a_store(tmp_path / "vault")
    vault, target, seen = a_vault(store), tmp_path / "out", list[tuple[bool, list[str]]]()
    snapshot = back_up(vault, store, tree).snapshot

    def flush(descriptor: int) -> None:
        seen.append((MARK in os.listdir(descriptor), differences(tree, below(target, tree))))

    restored(vault, snapshot, target, settings=Settings(flush=flush))

    assert [(True, [])] == seen
    assert not (target / MARK).exists()


def test_a_restore_that_cannot_be_flushed_has_not_ended_well(tree: Path, tmp_path: Path) -> None:
    """A disk that fails when it is written out fails the restore, which goes on when it is run again."""
    store = a_store(tmp_path / "vault")
    vault, target = a_vault(store), tmp_path / "out"
    snapshot = back_up(vault, store, tree).snapshot

    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with pytest.raises(TargetError, match="Input/output error"):
        restored(vault, snapshot, target, settings=Settings(flush=fail))
    again = restored(vault, snapshot, target)

    assert again.resumed
    assert 0 == again.tally.files_created


def test_flushing_tells_when_the_system_cannot() -> None:
    """What the system refuses to write out is an error, never taken for durable."""
    with pytest.raises(OSError, match="descriptor"):
        flush_file_system(-1)
