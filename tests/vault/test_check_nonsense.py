"""Objects that open and hash as they should, and say what cannot be: what a faulty writer leaves."""

from __future__ import annotations

import pytest

from covenant.kernel.clock import SystemClock
from covenant.vault.check.inspection import check
from covenant.vault.check.report import CheckReport
from covenant.vault.check.subset import All
from covenant.vault.index import Index, encode_index
from covenant.vault.names import DATA, INDEX, id_of
from covenant.vault.pack import PackEntry, read_entries
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault
from covenant.vault.writer import Writer
from tests.small_worlds import a_small_vault, noise, take

PIECE = "ab" * 32


def a_snapshot_of(tree: bytes) -> CheckReport:
    """What a check says of a vault whose only snapshot has this text as its tree."""
    store, vault = a_small_vault()
    writer = Writer(vault, store)
    root = writer.tree(tree).hex()
    writer.flush()
    vault.save_snapshot(store, Snapshot(time_="2026-01-01T00:00:00Z", tree=root))
    return check(vault, SystemClock())


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ('{"name":"a","type":"ghost"}', "unknown type"),
        ('{"name":"..","type":"fifo"}', "no file can have"),
        ('{"name":"a/b","type":"fifo"}', "no file can have"),
        ('{"name":"","type":"fifo"}', "no file can have"),
        ('{"name":"b","type":"fifo"},{"name":"a","type":"fifo"}', "out of order"),
        ('{"name":"a","type":"fifo"},{"name":"a","type":"fifo"}', "stands twice"),
        ('{"name":"d","type":"dir"}', "no subtree"),
        ('{"name":"d","type":"dir","subtree":"abcd"}', "no subtree"),
        ('{"name":"f","type":"file","content":["ab"]}', "no list of ids"),
        ('{"name":"f","type":"file","size":5,"content":[]}', "where its size is 5"),
        ('{"name":7}', "not readable"),
    ],
)
def test_a_tree_that_makes_no_sense_is_told(nodes: str, told: str) -> None:
    """Whatever is wrong with an entry is told, with the file that it is about."""
    report = a_snapshot_of(f'{{"nodes":[{nodes}]}}\n'.encode())

    (finding,) = report.findings
    assert "tree-nonsense" == finding.kind
    assert told in finding.message
    assert all(file[8:10] == ":/" for file in finding.affects)
    assert finding.affects


def test_lost_blobs_and_trees_are_told_once_each() -> None:
    """A blob that no index names is one finding, whatever the number of files that need it."""
    twice = "".join(f'{{"name":"{name}","type":"file","content":["{PIECE}"]}},' for name in "ab")
    report = a_snapshot_of(f'{{"nodes":[{twice}{{"name":"d","type":"dir","subtree":"{PIECE}"}}]}}'.encode())

    found = {finding.subject: [file[8:] for file in finding.affects] for finding in report.findings}
    assert {f"data {PIECE}": [":/a", ":/b"], f"tree {PIECE}": [":/d/"]} == found


def test_an_index_and_a_header_that_disagree_are_told() -> None:
    """An index whose blobs would fill the pack, but are not those of its header, is found when data is read."""
    store, vault = a_small_vault()
    take(vault, store, {"a": noise("a", 600), "b": noise("b", 600)})
    (name,) = (name for name, _ in store.list(DATA) if not read_entries(vault.sealer, store.get(name))[0].type)
    (index,) = (listed.name for listed in store.list(INDEX))
    file = vault.load_index(id_of(index))
    swapped = [(bytes.fromhex(pack.id), list(pack.entries())) for pack in file.packs]
    for _, entries in swapped:
        if len(entries) == 2:
            first, second = entries
            entries[:] = [first._replace(id=second.id), second._replace(id=first.id)]
    store.delete(index)
    vault.save(store, INDEX, encode_index(swapped))

    report = check(vault, SystemClock(), read_data=All())

    assert [name] == [finding.subject for finding in report.findings]
    assert 2 == len(report.findings[0].affects)


@pytest.mark.parametrize("offset", [1, 1 << 33, -1])
def test_an_index_with_impossible_places_is_told(offset: int) -> None:
    """Gaps, places beyond any pack and negative ones are damage, and stop nothing."""
    store, vault = a_small_vault()
    take(vault, store, {"a": noise("a", 600)})
    (index,) = (listed.name for listed in store.list(INDEX))
    packs = [
        (bytes.fromhex(pack.id), [PackEntry(*entry)._replace(offset=offset) for entry in pack.entries()])
        for pack in vault.load_index(id_of(index)).packs
    ]
    store.delete(index)
    vault.save(store, INDEX, encode_index(packs))

    assert not check(vault, SystemClock()).sound


def test_what_two_index_files_say_alike_counts_once() -> None:
    """The same pack in two index files is no damage and no second copy."""
    store, vault = a_small_vault()
    take(vault, store, {"a": noise("a", 3000)})
    (index,) = (listed.name for listed in store.list(INDEX))
    before = check(vault, SystemClock(), read_data=All())
    vault.save(store, INDEX, vault.load(INDEX, id_of(index)))

    after = check(vault, SystemClock(), read_data=All())

    assert after.sound
    assert (before.counts.blobs, 0) == (after.counts.blobs, after.counts.twice)


def test_leftovers_are_notes() -> None:
    """What an interrupted backup leaves, what nothing needs, and strangers are told, and are no damage."""
    store, vault = a_small_vault()
    snapshot = take(vault, store, {"a": noise("a", 900)})
    take(vault, store, {"b": noise("b", 900)}, day=1)
    store.delete(f"snapshots/{snapshot.id}")
    Writer(vault, store, pack_size=1, writes_index=False).data(noise("left", 100))
    store.put("data/README", b"a stranger")

    report = check(vault, SystemClock(), read_data=All())

    assert report.sound
    assert {"pack-unindexed", "object-foreign", "blobs-unused"} == {note.kind for note in report.notes}
    assert 3 == report.counts.unused


def test_a_second_copy_saves_the_files() -> None:
    """A blob that another pack has whole is not lost: the damaged pack is named, and no file."""
    store, vault = a_small_vault()
    content = noise("a", 600)
    take(vault, store, {"a": content})
    name = next(name for name, _ in store.list(DATA) if not read_entries(vault.sealer, store.get(name))[0].type)
    blank = Vault(store, vault.master, vault.config)
    blank.index = Index()
    writer = Writer(blank, store)
    writer.data(content)
    writer.flush()
    whole = store.get(name)
    store.delete(name)
    store.put(name, bytes([whole[0] ^ 1]) + whole[1:])

    report = check(vault, SystemClock(), read_data=All())

    assert 1 == report.counts.twice
    assert [(name, ())] == [(finding.subject, finding.affects) for finding in report.findings]
