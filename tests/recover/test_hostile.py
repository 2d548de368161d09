"""A hostile or broken snapshot, or a hostile target, leads nowhere: nothing is written outside the target."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from covenant.kernel.findings import Finding
from covenant.recover.entries import DEEPEST
from covenant.recover.job import RestoreJob, RestoreOutcome
from covenant.recover.restore import restore
from covenant.vault.snapshot import Snapshot, snapshot_time
from covenant.vault.tree import MODE_DIR, MODE_SYMLINK, encode_tree
from covenant.vault.vault import Vault
from covenant.vault.writer import Writer
from tests.trees import traits
from tests.vaults import CLOCK, a_store, a_vault

TIME = "2020-01-01T00:00:00.123456789Z"


class Forger:
    """Writes trees that no honest backup would."""

    def __init__(self, folder: Path) -> None:
        self._store = a_store(folder)
        self.vault: Vault = a_vault(self._store)
        self._writer = Writer(self.vault, self._store)

    def file(self, name: str, content: bytes = b"hostile", rest: str = "", size: int | None = None) -> str:
        """A file's node; ``name`` goes in as it is, between quotes."""
        blob = self._writer.data(content).hex()
        claimed = len(content) if size is None else size
        return (
            f'{{"name":"{name}","type":"file","mode":420,"mtime":"{TIME}","atime":"{TIME}","ctime":"{TIME}",'
            f'"uid":{os.geteuid()},"gid":{os.getegid()},"size":{claimed}{rest},"content":["{blob}"]}}'
        )

    def link(self, name: str, target: str) -> str:
        """A symbolic link's node."""
        return self.other(name, "symlink", MODE_SYMLINK | 0o777, f',"linktarget":"{target}"')

    def other(self, name: str, kind: str, mode: int = 0o644, rest: str = "") -> str:
        """A node of any type."""
        return (
            f'{{"name":"{name}","type":"{kind}","mode":{mode},"mtime":"{TIME}","atime":"{TIME}","ctime":"{TIME}",'
            f'"uid":{os.geteuid()},"gid":{os.getegid()}{rest},"content":null}}'
        )

    def folder(self, name: str, *nodes: str) -> str:
        """A directory's node, with what is in it."""
        return self.other(name, "dir", MODE_DIR | 0o755, f',"subtree":"{self.tree(*nodes)}"')

    def tree(self, *nodes: str) -> str:
        """A tree; returns its id."""
        return self._writer.tree(encode_tree(nodes)).hex()

    def snapshot(self, *nodes: str) -> Snapshot:
        """A snapshot of these top entries."""
        tree = self.tree(*nodes)
        self._writer.flush()
        return self.vault.save_snapshot(self._store, Snapshot(time_=snapshot_time(CLOCK.now()), tree=tree, paths=["/"]))


@pytest.fixture
def forger(tmp_path: Path) -> Forger:
    """One with a vault of its own."""
    return Forger(tmp_path / "vault")


def restored(forger: Forger, snapshot: Snapshot, target: Path, **how: object) -> RestoreOutcome:
    """Restore into ``target``, inside a folder where everything that escapes would show."""
    return restore(RestoreJob(forger.vault, snapshot, str(target), CLOCK, **how))  # type: ignore[arg-type]


def kinds(findings: tuple[Finding, ...]) -> list[str]:
    """The kinds of findings, in order of their subjects."""
    return [finding.kind for finding in sorted(findings, key=lambda finding: finding.subject)]


NO_NAMES = ["..", ".", "", "/etc/evil", "../evil", "a/b", "a/../../evil", "..\\\\x2fevil", "\\\\x2e\\\\x2e"]
NO_NAMES += ["null\\\\x00byte", "\\u0000"]


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_is_none_is_refused(tmp_path: Path, forger: Forger, name: str) -> None:
    """Nothing comes of it but a finding, whether it is a file, a folder or a link, and the rest is restored."""
    snapshot = forger.snapshot(
        forger.file(name), forger.folder(name, forger.file("inside")), forger.link(name, "/"), forger.file("good")
    )

    outcome = restored(forger, snapshot, tmp_path / "in" / "out")

    assert ["name-refused"] * 3 == kinds(outcome.findings)
    assert {"out", "out/good"} == traits(tmp_path / "in").keys()


def test_no_link_of_the_snapshot_is_followed(tmp_path: Path, forger: Forger) -> None:
    """A link, and then a folder of the same name: the second would be written through the first."""
    (tmp_path / "outside").mkdir()
    snapshot = forger.snapshot(
        forger.link("a", str(tmp_path / "outside")), forger.folder("a", forger.file("evil")), forger.file("good")
    )

    outcome = restored(forger, snapshot, tmp_path / "out")

    assert ["name-refused"] == kinds(outcome.findings)
    assert "stands twice" in outcome.findings[0].message
    assert {"a", "good"} == traits(tmp_path / "out").keys()
    assert [] == os.listdir(tmp_path / "outside")


@pytest.mark.parametrize("path", ["/", "/a/evil"])
def test_no_link_in_the_target_is_followed(tmp_path: Path, forger: Forger, path: str) -> None:
    """A link stands where a folder should be: everything below it is left out, and named."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "outside")
    snapshot = forger.snapshot(forger.folder("a", forger.file("evil")), forger.file("good"))

    outcome = restored(forger, snapshot, tmp_path / "out", into_non_empty=True, path=path)

    assert ["in-the-way"] == kinds(outcome.findings)
    assert "/a" == outcome.findings[0].subject
    assert [] == os.listdir(tmp_path / "outside")
    assert (path == "/") == (tmp_path / "out" / "good").exists()


def test_a_link_in_the_target_is_replaced_not_written_through(tmp_path: Path, forger: Forger) -> None:
    """A link stands where a file should be: the link goes, and what it pointed to stays as it was."""
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "precious")

    outcome = restored(forger, forger.snapshot(forger.file("a")), tmp_path / "out", into_non_empty=True)

    assert () == outcome.findings
    assert b"precious" == (tmp_path / "precious").read_bytes()
    assert b"hostile" == (tmp_path / "out" / "a").read_bytes()
    assert not (tmp_path / "out" / "a").is_symlink()


def test_a_hard_link_in_the_target_is_not_written_through(tmp_path: Path, forger: Forger) -> None:
    """A file in the target that has a name outside keeps its content there."""
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "out").mkdir()
    os.link(tmp_path / "precious", tmp_path / "out" / "a")

    restored(forger, forger.snapshot(forger.file("a")), tmp_path / "out", into_non_empty=True)

    assert b"precious" == (tmp_path / "precious").read_bytes()
    assert b"hostile" == (tmp_path / "out" / "a").read_bytes()


def test_a_folder_is_not_removed_for_a_file(tmp_path: Path, forger: Forger) -> None:
    """Where a folder stands in a file's place, it stays, and the file is named."""
    (tmp_path / "out" / "a" / "mine").mkdir(parents=True)
    (tmp_path / "out" / "l").mkdir()
    snapshot = forger.snapshot(forger.file("a"), forger.file("good"), forger.link("l", "x"))

    outcome = restored(forger, snapshot, tmp_path / "out", into_non_empty=True)

    assert ["not-restored", "not-restored"] == kinds(outcome.findings)
    assert {"a", "a/mine", "l", "good"} == traits(tmp_path / "out").keys()


def test_two_files_are_one_only_if_their_content_is(tmp_path: Path, forger: Forger) -> None:
    """Nodes that claim the same inode but hold other bytes become two files."""
    same = ',"inode":7,"device_id":7,"links":3'
    snapshot = forger.snapshot(
        forger.file("a", b"one", same), forger.file("b", b"two", same), forger.file("c", b"one", same)
    )

    outcome = restored(forger, snapshot, tmp_path / "out")

    assert () == outcome.findings
    assert b"two" == (tmp_path / "out" / "b").read_bytes()
    assert (tmp_path / "out" / "a").stat().st_ino == (tmp_path / "out" / "c").stat().st_ino


@pytest.mark.parametrize("size", [0, 1, 1 << 62])
def test_a_claimed_size_is_not_believed(tmp_path: Path, forger: Forger, size: int) -> None:
    """A file is as long as its blobs, whatever its node says; no room is taken in advance."""
    restored(forger, forger.snapshot(forger.file("a", b"seven..", size=size)), tmp_path / "out")

    assert b"seven.." == (tmp_path / "out" / "a").read_bytes()


def test_nodes_that_make_no_sense_harm_nobody_else(tmp_path: Path, forger: Forger) -> None:
    """Each becomes a finding that names it, and the good file among them is restored."""
    forger_nodes = [
        forger.other("a type", "irregular"),
        forger.other("b folder", "dir", MODE_DIR | 0o755),
        forger.other("c lost tree", "dir", MODE_DIR | 0o755, f',"subtree":"{"ab" * 32}"'),
        forger.other("d bad tree", "dir", MODE_DIR | 0o755, ',"subtree":"zz"'),
        forger.link("e link", ""),
        forger.link("f link", "nul\\u0000l"),
        forger.file("g time").replace(TIME, "yesterday"),
        forger.file("h hex").replace('"content":["', '"content":["zz'),
        forger.file("i lost").replace('"content":["', f'"content":["{"cd" * 32}","'),
        forger.file("j many").replace('"content":[', '"content":[' + f'"{"ef" * 32}",' * 20),
        forger.file("k good"),
        forger.other("l link", "symlink", MODE_SYMLINK, ',"linktarget":"x","linktarget_raw":"%%%"'),
    ]

    outcome = restored(forger, forger.snapshot(*forger_nodes), tmp_path / "out")

    assert b"hostile" == (tmp_path / "out" / "k good").read_bytes()
    assert [f"/{letter}" for letter in "abcdefghijl"] == sorted(finding.subject[:2] for finding in outcome.findings)
    assert {"b folder", "c lost tree", "d bad tree", "k good"} == traits(tmp_path / "out").keys()


def test_attributes_that_make_no_sense_are_told(tmp_path: Path, forger: Forger) -> None:
    """An owner beyond all numbers and an attribute that is not base64 cost the file nothing but themselves."""
    owner = f'"uid":{os.geteuid()}'
    snapshot = forger.snapshot(
        forger.file("a").replace(owner, '"uid":99999999999'),
        forger.file("b", rest=',"extended_attributes":[{"name":"user.x","value":"%"},{"name":"","value":null}]'),
    )

    outcome = restored(forger, snapshot, tmp_path / "out")

    assert {"owner-not-restored", "xattr-not-restored"} == set(kinds(outcome.findings))
    assert {"a", "b"} == traits(tmp_path / "out").keys()


def test_a_very_deep_tree_ends(tmp_path: Path, forger: Forger) -> None:
    """Folders in folders beyond all measure are cut off, with a finding, and without ending the restore."""
    node = forger.file("bottom")
    for _ in range(DEEPEST + 5):
        node = forger.folder("d", node)

    outcome = restored(forger, forger.snapshot(node, forger.file("good")), tmp_path / "out")

    assert ["too-deep"] == kinds(outcome.findings)
    assert DEEPEST == outcome.tally.directories
    assert (tmp_path / "out" / "good").exists()
    subprocess.run(["rm", "-r", str(tmp_path / "out")], check=True)  # Python's own removal recurses


def test_the_mark_of_an_unfinished_restore_is_not_a_file_of_the_snapshot(tmp_path: Path, forger: Forger) -> None:
    """A snapshot that holds a file of that name cannot forge or spoil the mark."""
    snapshot = forger.snapshot(forger.file(".covenant-restore.json", b'{"vault":"x"}'), forger.file("good"))

    outcome = restored(forger, snapshot, tmp_path / "out")

    assert ["name-refused"] == kinds(outcome.findings)
    assert {"good"} == traits(tmp_path / "out").keys()
