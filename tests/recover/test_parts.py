"""The small parts of a restore, each by itself: ranges, holes, folders, selection."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.recover import files
from covenant.recover.directory import Directory
from covenant.recover.folders import Folders
from covenant.recover.selection import Selection
from covenant.recover.shortfalls import Shortfalls
from covenant.vault.ranges import by_place, ranges
from covenant.vault.segment import Location

PLACES = st.lists(
    st.tuples(st.sampled_from([b"a" * 32, b"b" * 32]), st.integers(0, 10**6), st.integers(32, 10**5)), max_size=60
)


@given(PLACES, st.integers(0, 10**4), st.integers(1, 10**6))
def test_ranges_cover_every_place_once(places: list[tuple[bytes, int, int]], gap: int, longest: int) -> None:
    """Whatever is wanted lies in exactly one range, no range is longer than allowed, and none is read twice."""
    wanted = [(number, Location(pack, 0, offset, length, 0)) for number, (pack, offset, length) in enumerate(places)]

    found = list(ranges(sorted(wanted, key=by_place), longest=longest, gap=gap))

    assert sorted(number for _, inside in found for number, _ in inside) == list(range(len(places)))
    for where, inside in found:
        assert all(
            where.pack == place.pack and where.start <= place.offset and place.offset + place.length <= where.end
            for _, place in inside
        )
        assert len(inside) == 1 or where.end - where.start <= longest or _nested(inside)
    assert all(before.pack != after.pack or before.start <= after.start for (before, _), (after, _) in pairwise(found))


def _nested(inside: list[tuple[int, Location]]) -> bool:
    """Whether one blob alone is as long as the range; honest packs have no blobs within others."""
    end = max(place.offset + place.length for _, place in inside)
    return max(place.length for _, place in inside) >= end - min(place.offset for _, place in inside)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 200_000)), max_size=8), st.integers(0, 100_000))
def test_holes_change_no_byte(stretches: list[tuple[bool, int]], offset: int) -> None:
    """However zeros and noise alternate, what is read is what was written."""
    content = b"".join(bytes(length) if zeros else b"\x01" * length for zeros, length in stretches)
    descriptor = os.memfd_create("holes")
    try:
        files.write_at(descriptor, content, offset, sparse=True)
        os.ftruncate(descriptor, offset + len(content))
        assert bytes(offset) + content == os.pread(descriptor, offset + len(content) + 1, 0)
    finally:
        os.close(descriptor)


def test_very_many_folders_need_few_descriptors(tmp_path: Path) -> None:
    """The descriptors kept open are bounded, and a folder that was closed is opened again."""
    root = os.open(tmp_path, os.O_RDONLY)
    folders = Folders(root)
    before = len(os.listdir("/proc/self/fd"))
    names = [b"%d" % number for number in range(200)]

    assert all(folders.make(name) for name in names)
    opened = [os.fstat(folders.open(name)).st_ino for name in Random(1).sample(names, 200)]

    assert 200 == len(set(opened))
    assert len(os.listdir("/proc/self/fd")) - before <= 32
    folders.close()
    assert before == len(os.listdir("/proc/self/fd"))
    os.close(root)


def test_a_folder_is_not_reached_through_a_link(tmp_path: Path) -> None:
    """Neither as the last step nor on the way."""
    (tmp_path / "outside" / "inner").mkdir(parents=True)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    root = os.open(tmp_path / "root", os.O_RDONLY)
    folders = Folders(root)

    for path in (b"link", b"link/inner"):
        with pytest.raises(OSError, match="Not a directory"):
            folders.open(path)
    with pytest.raises(OSError, match="Not a directory"):
        folders.make(b"link/new")
    with pytest.raises(OSError, match="Not a directory"):
        folders.make(b"link")

    assert ["inner"] == os.listdir(tmp_path / "outside")
    os.close(root)


def test_a_directory_that_contains_itself_is_seen() -> None:
    """No honest hash allows it, and no reader should trust that alone."""
    top = Directory("/", b"", "aa" * 32)
    inner = Directory("/d", b"d", "bb" * 32, top)

    assert not Directory("/d/e", b"d/e", "cc" * 32, inner).contains_itself()
    assert Directory("/d/e", b"d/e", "aa" * 32, inner).contains_itself()
    assert not Directory("/d/e", b"d/e", None, inner).contains_itself()


def test_selection_takes_and_leaves_out() -> None:
    """Included by itself or by a folder above; an exclude wins; without includes everything is."""
    selection = Selection(include=("*.jpg", "/docs/"), exclude=("*.tmp", "/docs/private/"))

    assert selection.takes("a/b.jpg")
    assert selection.takes("docs/deep/x")
    assert selection.takes("docs", directory=True)
    assert not selection.takes("a/docs/x")
    assert not selection.takes("docs/x.tmp")
    assert selection.leaves_out("docs/private", directory=True)
    assert not selection.leaves_out("a", directory=True)
    assert Selection(exclude=("x",)).takes("y")
    assert Selection().everything


def test_shortfalls_are_counted_not_listed() -> None:
    """A thousand alike are one finding that names the first."""
    one, two = Shortfalls(), Shortfalls()
    one.note("owner-not-restored", "reason", "first")
    for number in range(999):
        two.note("owner-not-restored", "reason", str(number))
    one.merge(two)

    [finding] = one.findings()

    assert "first" == finding.subject
    assert "reason (and 999 more)" == finding.message
