"""An incremental file and its parent make the file that the server has, and what did not change is not read."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covenant.adapters.sources.postgres.blocks import Changed, Gathered, put_together, read_head
from covenant.kernel.errors import DamageError
from covenant.protect.arriving import Kept, Patched
from covenant.protect.before import ID, Held

BLOCK = 8
MAGIC = 0xD3AE1F0D

blocks = st.binary(min_size=BLOCK, max_size=BLOCK)


def incremental(changed: dict[int, bytes], length: int) -> bytes:
    """The file as the server sends it."""
    numbers = sorted(changed)
    head = struct.pack(f"<III{len(numbers)}I", MAGIC, len(numbers), length, *numbers)
    padding = bytes(-len(head) % BLOCK) if numbers else b""
    return head + padding + b"".join(changed[number] for number in numbers)


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    """The same bytes, so many at a time."""
    return (data[at : at + size] for at in range(0, len(data), size))


def cut(parent: bytes, piece: int) -> tuple[Held, list[int], dict[bytes, bytes]]:
    """A parent's file as it lies in the vault: its ids, the sizes of its blobs, and these."""
    parts = list(in_pieces(parent, piece))
    named = {number.to_bytes(ID): part for number, part in enumerate(parts)}
    return Held(b"".join(named), len(parent)), [len(part) for part in parts], named


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    parent=st.lists(blocks, max_size=20).map(b"".join),
    changed=st.dictionaries(st.integers(0, 30), blocks, max_size=12),
    length=st.integers(0, 30),
    piece=st.sampled_from([BLOCK, 2 * BLOCK, 4 * BLOCK]),
    at_once=st.integers(1, 40),
)
def test_the_whole_file_comes_of_its_parent_and_its_blocks(
    parent: bytes, changed: dict[int, bytes], length: int, piece: int, at_once: int
) -> None:
    """Changed blocks stand where they belong, others are the parent's, zeros fill up; cuts lie where they would."""
    held, sizes, named = cut(parent, piece)
    content = Gathered(in_pieces(incremental(changed, length), at_once))

    head = read_head(content, BLOCK)
    made, lengths = b"", []
    for part in put_together(head, content, held, sizes, BLOCK, piece):
        assert isinstance(part, Kept | Patched)
        if isinstance(part, Kept):
            ids = [part.blobs[at : at + ID] for at in range(0, len(part.blobs), ID)]
            made += b"".join(named[each] for each in ids)
            lengths += [len(named[each]) for each in ids]
        else:
            old = bytearray((named[part.blob] if part.blob else b"")[: part.size].ljust(part.size, b"\0"))
            for begin, edit in part.edits:
                old[begin : begin + len(edit)] = edit
            made += old
            lengths.append(part.size)

    blocks_in_all = max([length, *(number + 1 for number in changed)])
    expected = bytearray(parent[: blocks_in_all * BLOCK].ljust(blocks_in_all * BLOCK, b"\0"))
    for number, block in changed.items():
        expected[number * BLOCK : (number + 1) * BLOCK] = block
    assert bytes(expected) == made
    assert [len(part) for part in in_pieces(bytes(expected), piece)] == lengths


def test_a_file_without_changed_blocks_is_taken_over_by_name() -> None:
    """Nothing of it is read or stored."""
    held, sizes, _ = cut(bytes(range(64)), 16)
    content = Gathered(iter([incremental({}, 8)]))

    assert [Kept(held.blobs, 64)] == list(put_together(read_head(content, BLOCK), content, held, sizes, BLOCK, 16))


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\0" * 12,
        incremental({1: b"12345678"}, 4)[:-1],
        struct.pack("<III2I", MAGIC, 2, 4, 3, 1) + bytes(4) + bytes(16),
    ],
    ids=["empty", "no magic", "cut off", "out of order"],
)
def test_a_damaged_incremental_file_is_refused(damaged: bytes) -> None:
    """What is not as PostgreSQL writes it makes no file."""
    held, sizes, _ = cut(bytes(32), 16)
    content = Gathered(in_pieces(damaged, 5))

    with pytest.raises(DamageError):
        list(put_together(read_head(content, BLOCK), content, held, sizes, BLOCK, 16))


def test_a_parent_that_is_cut_within_blocks_is_refused() -> None:
    """A file that another program cut differently is not patched in the wrong places."""
    held, sizes, _ = cut(bytes(64), 12)
    content = Gathered(iter([b"x" * BLOCK]))

    with pytest.raises(DamageError, match="not cut at blocks"):
        list(put_together(Changed((3,), 8), content, held, sizes, BLOCK, 16))
