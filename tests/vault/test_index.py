"""The index: segments, files, and a cache that is only a cache."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covenant.kernel.errors import DamageError
from covenant.vault.index import Index, decode_index, encode_index
from covenant.vault.index_cache import load_segments
from covenant.vault.pack import BlobType, PackEntry
from covenant.vault.segment import Location, Segment, SegmentBuilder, merge_to_file

Packs = dict[bytes, list[PackEntry]]

IDS = st.binary(min_size=32, max_size=32) | st.integers(0, 3).map(lambda last: bytes(31) + bytes([last]))
PACKS = st.dictionaries(
    st.binary(min_size=32, max_size=32),
    st.lists(
        st.builds(
            PackEntry,
            IDS,
            st.sampled_from(BlobType).map(int),
            st.integers(0, 2**31),
            st.integers(32, 2**31),
            st.integers(0, 2**31),
        ),
        max_size=20,
    ),
    max_size=8,
)


def some_packs(seed: int, packs: int, blobs: int) -> Packs:
    """Random packs, the same for the same seed."""
    chance = random.Random(seed)
    return {
        chance.randbytes(32): [
            PackEntry(chance.randbytes(32), BlobType.DATA, 100 * at, 100, 0 if at % 2 else 300) for at in range(blobs)
        ]
        for _ in range(packs)
    }


def a_segment(packs: Packs, source: str = "a" * 64) -> Segment:
    """A segment that holds these packs."""
    builder = SegmentBuilder()
    for pack, entries in packs.items():
        builder.add(pack, entries)
    return builder.build([source])


def places(packs: Packs, blob_id: bytes, blob_type: int) -> set[Location]:
    """Where a blob lies, the slow way."""
    return {
        Location(pack, entry.type, entry.offset, entry.length, entry.plain_length)
        for pack, entries in packs.items()
        for entry in entries
        if entry.id == blob_id and entry.type == blob_type
    }


@given(PACKS)
@settings(max_examples=50)
def test_a_segment_finds_exactly_what_was_put_in(packs: Packs) -> None:
    """Every copy of every blob by id and type, also where ids are alike, and nothing else."""
    index = Index([a_segment(packs)])
    known = {entry.id for entries in packs.values() for entry in entries}

    for blob_id in known | {bytes(32), b"\xff" * 32}:
        for blob_type in BlobType:
            expected = places(packs, blob_id, blob_type)

            assert expected == set(index.find_all(blob_id, blob_type))
            assert bool(expected) == index.has(blob_id, blob_type)


@given(PACKS, PACKS)
@settings(max_examples=30)
def test_merged_segments_hold_both(tmp_path_factory: pytest.TempPathFactory, one: Packs, two: Packs) -> None:
    """Merging loses nothing, and says which index files are in it."""
    path = tmp_path_factory.mktemp("merge") / "both.segment"
    merge_to_file(path, [a_segment(one, "a" * 64), a_segment(two, "b" * 64)])
    merged = Segment.map(path)

    assert {"a" * 64, "b" * 64} == merged.sources
    for packs in (one, two):
        for entries in packs.values():
            for entry in entries:
                found = set(Index([merged]).find_all(entry.id, entry.type))

                assert places(one, entry.id, entry.type) | places(two, entry.id, entry.type) == found


def test_an_index_file_reads_back() -> None:
    """What is written as JSON is read as the same packs."""
    packs = some_packs(1, packs=3, blobs=5)

    read = decode_index(encode_index(packs.items(), supersedes=["c" * 64]))

    assert packs == {bytes.fromhex(pack.id): list(pack.entries()) for pack in read.packs}
    assert ["c" * 64] == read.supersedes


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"packs":[{"id":5}]}', b'{"packs":null}'])
def test_nonsense_is_damage(raw: bytes) -> None:
    """An index that cannot be read is an error of ours."""
    with pytest.raises(DamageError):
        decode_index(raw)


def test_the_cache_is_used_and_only_a_cache(tmp_path: Path) -> None:
    """A second opening reads no index file; a damaged, outdated or deleted cache costs a reading and nothing else."""
    files = {f"{number:064x}": some_packs(number, packs=2, blobs=10) for number in range(12)}
    read: list[str] = []

    def load(index_id: str) -> object:
        read.append(index_id)
        return decode_index(encode_index(files[index_id].items()))

    def reads(wanted: set[str]) -> int:
        read.clear()
        index = Index(load_segments(tmp_path, frozenset(wanted), load))  # type: ignore[arg-type]
        expected = {pack for name in wanted for pack in files[name]}
        assert expected == index.pack_ids()
        assert 20 * len(wanted) == len(index)
        return len(read)

    names = sorted(files)
    assert [3, 0, 1] == [reads(set(names[:3])), reads(set(names[:3])), reads(set(names[:4]))]
    for more in range(5, 13):
        assert 1 == reads(set(names[:more]))
    assert 0 == reads(set(names))

    for segment in tmp_path.glob("*.segment"):
        raw = bytearray(segment.read_bytes())
        raw[len(raw) // 2] ^= 1
        segment.write_bytes(raw)
    assert 12 == reads(set(names))
    assert 0 == reads(set(names))
    assert reads(set(names[3:])) > 0  # an index file is gone: nothing of it may stay
    assert 0 == reads(set(names[3:]))


def test_fresh_blobs_are_found_before_and_after_their_file_is_closed() -> None:
    """What this run has added is known at once, in both types apart."""
    index = Index()
    pack, entry = b"p" * 32, PackEntry(b"i" * 32, BlobType.TREE, 0, 50, 0)
    index.add(pack, [entry])

    assert index.has(entry.id, BlobType.TREE)
    assert not index.has(entry.id, BlobType.DATA)

    index.close(index.take_unwritten(), "d" * 64)

    assert Location(pack, BlobType.TREE, 0, 50, 0) == index.find(entry.id, BlobType.TREE)
    assert 0 == index.unwritten
