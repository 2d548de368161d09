"""Rewriting drops what is named from past snapshots, and leaves the rest as it was."""

from __future__ import annotations

import json

import pytest

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.errors import Refusal, UsageError
from covenant.safeguard import rewrite
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from covenant.vault.writer import Writer
from tests.small_worlds import Files, a_small_vault, contents, damage, noise, take

FILES: Files = {
    "media/a.raw": noise("a", 2000),
    "media/secret/b.raw": noise("b", 900),
    "media/secret/deep/c.tmp": b"c",
    "notes/d.tmp": b"d",
    "notes/e": b"e",
}


@pytest.fixture
def world() -> tuple[MemoryStore, Vault, Snapshot, Snapshot]:
    """A vault with two snapshots; only the first has something to hide."""
    store, vault = a_small_vault()
    first = take(vault, store, FILES, tags=("legal",))
    return store, vault, first, take(vault, store, {"notes/e": b"e"}, day=1)


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["/media/secret"], {"media/a.raw", "notes/d.tmp", "notes/e"}),
        (["*.tmp"], {"media/a.raw", "media/secret/b.raw", "notes/e"}),
        (["*.tmp", "!d.tmp"], {"media/a.raw", "media/secret/b.raw", "notes/d.tmp", "notes/e"}),
        (["/media/", "/notes/"], set()),
        (["secret/deep"], set(FILES)),
        (["**/secret/deep"], set(FILES) - {"media/secret/deep/c.tmp"}),
    ],
)
def test_what_is_named_disappears(
    world: tuple[MemoryStore, Vault, Snapshot, Snapshot], patterns: list[str], left: set[str]
) -> None:
    """Every other file reads back exactly, from a vault that is sound."""
    store, vault, first, _ = world

    rewrite.apply(rewrite.plan(vault, [first], patterns, forget=True), vault, store)

    found = {snapshot.time_: contents(vault, snapshot) for snapshot in vault.snapshots()}
    assert {path: FILES[path] for path in left} == found[first.time_]
    assert [] == damage(store)


def test_the_old_snapshot_goes_only_when_told(world: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """Otherwise both are there; the new one keeps tags and moment, and names the old one."""
    store, vault, first, second = world

    (new,) = rewrite.apply(rewrite.plan(vault, vault.snapshots(), ["*.tmp"]), vault, store)

    assert {first.id, second.id, new.id} == set(vault.snapshot_ids())
    assert (first.id, first.tags, first.time_) == (new.original, new.tags, new.time_)
    assert {"total_files_processed": 3, "total_bytes_processed": 2901} == new.summary
    assert FILES == contents(vault, first)


def test_a_plan_explains_itself_and_writes_nothing(world: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """Per snapshot what disappears, a directory with all that is in it; untouched ones are named."""
    store, vault, first, second = world
    before = set(store.list(""))

    plan = rewrite.plan(vault, [first, second], ["/media/secret", "d.tmp"])

    told = json.loads(json.dumps(plan.as_json()))
    assert before == set(store.list(""))
    assert [second.id] == told["untouched"]
    assert [("/media/secret", "dir", 2, 901), ("/notes/d.tmp", "file", 1, 1)] == sorted(
        (row["path"], row["kind"], row["files"], row["bytes"]) for row in told["changes"][0]["dropped"]
    )


def test_done_twice_it_does_no_more(world: tuple[MemoryStore, Vault, Snapshot, Snapshot]) -> None:
    """The same plan finds its own results and stores nothing again."""
    store, vault, first, _ = world
    plan = rewrite.plan(vault, [first], ["*.tmp"])

    once = rewrite.apply(plan, vault, store)
    before = set(store.list("snapshots"))
    twice = rewrite.apply(plan, vault, store)

    assert [each.id for each in once] == [each.id for each in twice]
    assert before == set(store.list("snapshots"))


def test_a_directory_that_says_more_than_we_know_is_refused() -> None:
    """An entry with an unknown field is not silently altered, but may stay where nothing near it changes."""
    store, vault = a_small_vault()
    snapshot = take(vault, store, {"other/x.tmp": b"x", "notes/e": b"e"})
    writer = Writer(vault, store)
    strange = writer.tree(
        b'{"nodes":[{"name":"x.tmp","type":"file","mtime":"2026-01-01T00:00:00Z","hologram":true,"content":[]}]}\n'
    )
    writer.flush()
    snapshot.tree = strange.hex()
    snapshot = vault.save_snapshot(store, snapshot)

    with pytest.raises(Refusal, match="not understood"):
        rewrite.plan(vault, [snapshot], ["*.tmp"])

    assert (snapshot,) == rewrite.plan(vault, [snapshot], ["*.raw"]).untouched


def test_dropping_nothing_is_not_an_order() -> None:
    """Without a pattern there is nothing to do, and that is said."""
    _, vault = a_small_vault()

    with pytest.raises(UsageError):
        rewrite.plan(vault, [], ["", " "])


def test_directories_may_be_nested_deeper_than_the_interpreter() -> None:
    """A path of two thousand directories is cut like any other."""
    store, vault = a_small_vault()
    writer = Writer(vault, store)
    tree = writer.tree(
        b'{"nodes":[{"name":"x.tmp","type":"file","mtime":"2026-01-01T00:00:00Z","atime":"2026-01-01T00:00:00Z",'
        b'"ctime":"2026-01-01T00:00:00Z","uid":0,"gid":0,"content":[]}]}\n'
    )
    for _ in range(2000):
        tree = writer.tree(
            b'{"nodes":[{"name":"d","type":"dir","mtime":"2026-01-01T00:00:00Z","atime":"2026-01-01T00:00:00Z",'
            b'"ctime":"2026-01-01T00:00:00Z","uid":0,"gid":0,"content":null,"subtree":"%s"}]}\n' % tree.hex().encode()
        )
    writer.flush()
    snapshot = take(vault, store, {"a": b"a"})
    snapshot.tree = tree.hex()
    deep = vault.save_snapshot(store, snapshot)

    (change,) = rewrite.plan(vault, [deep], ["*.tmp"]).changes

    assert 1 == change.files
