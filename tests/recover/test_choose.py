"""Which snapshot is meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from covenant.kernel.errors import SnapshotMissing, UsageError
from covenant.recover.choose import Filter, Reference, choose, parse_reference
from covenant.vault.snapshot import Snapshot, snapshot_time

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def taken(number: int, *, host: str = "studio", path: str = "/photos", tags: tuple[str, ...] = ()) -> Snapshot:
    """A snapshot that was taken ``number`` hours after noon, whose id is ``number`` written out."""
    time = snapshot_time(NOON + timedelta(hours=number))
    return Snapshot(
        time_=time, tree="ab" * 32, paths=[path], hostname=host, tags_=list(tags), id=f"{number:064x}"[::-1]
    )


ALL = [
    taken(3),
    taken(1, host="other"),
    taken(2, path="/videos", tags=("a", "b")),
    taken(0, tags=("covenant:source=shoots",)),
]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), 3),
        (Filter(hosts=("other",)), 1),
        (Filter(hosts=("other", "studio")), 3),
        (Filter(paths=("/videos",)), 2),
        (Filter(tags=(("a", "b"),)), 2),
        (Filter(tags=(("a", "z"), ("b",))), 2),
        (Filter(sources=("shoots",)), 0),
        (Filter(at=NOON + timedelta(hours=2, minutes=59)), 2),
        (Filter(at=NOON + timedelta(hours=2), hosts=("studio",), paths=("/photos",)), 0),
    ],
)
def test_latest_is_the_newest_that_fits(wanted: Filter, expected: int) -> None:
    """Every filter narrows what ``latest`` may be."""
    assert next(one for one in ALL if one.id.startswith(f"{expected:x}")) == choose(ALL, "latest", wanted)


@pytest.mark.parametrize(
    "wanted", [Filter(hosts=("nobody",)), Filter(tags=(("a", "z"),)), Filter(at=NOON - timedelta(1))]
)
def test_nothing_that_fits_is_an_error(wanted: Filter) -> None:
    """No snapshot is taken in the place of one that does not exist."""
    with pytest.raises(SnapshotMissing, match="no snapshot fits"):
        choose(ALL, "latest", wanted)


def test_an_id_is_named_by_its_beginning() -> None:
    """One that begins so is meant; none, or two, is an error."""
    assert ALL[0] == choose(ALL, "30")
    with pytest.raises(SnapshotMissing, match="no snapshot has"):
        choose(ALL, "f")
    with pytest.raises(SnapshotMissing, match="4 snapshots have"):
        choose(ALL, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latest", Reference("latest", "/")),
        ("latest:/home/ann/", Reference("latest", "/home/ann")),
        ("1a2b:photos/a:b", Reference("1a2b", "/photos/a:b")),
        ("latest:", Reference("latest", "/")),
    ],
)
def test_a_reference_may_name_a_part(text: str, expected: Reference) -> None:
    """What follows the first colon is a path in the snapshot."""
    assert expected == parse_reference(text)


def test_a_reference_without_a_snapshot_is_refused() -> None:
    """A path alone names no snapshot."""
    with pytest.raises(UsageError, match="names no snapshot"):
        parse_reference(":/home")
