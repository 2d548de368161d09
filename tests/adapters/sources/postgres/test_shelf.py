"""A recovering server gets the log's files as they were, is told its end, and is stopped everywhere else."""

from __future__ import annotations

import pytest

from covenant.adapters.sources.postgres.wal import history_name, segment_at
from covenant.kernel.errors import CovenantError, DamageError, ObjectMissing, SourceError
from covenant.vault.names import DATA, SNAPSHOTS, object_name
from tests.adapters.sources.postgres.made_up import SIZE, MadeUp, made_up, wal
from tests.small_worlds import damage


def name(place: int, timeline: int = 1) -> str:
    """The file of a place."""
    return segment_at(timeline, place, SIZE).name


def read(log: MadeUp, place: int, timeline: int = 1, *, to_gap: bool = False) -> bytes | None:
    """The file of a place, as a server is given it."""
    shelf = log.shelf
    found = shelf.find(name(place, timeline), to_gap=to_gap)
    return None if found is None else shelf.read(found)


def test_a_file_is_given_as_it_was_and_the_last_filled_up(a_log: MadeUp) -> None:
    """Whole files come back byte for byte; the one that was still growing has zeros where nothing was logged yet."""
    assert wal(1, SIZE, 2 * SIZE) == read(a_log, SIZE)
    assert wal(1, 2 * SIZE, 2 * SIZE + 5000).ljust(SIZE, b"\0") == read(a_log, 2 * SIZE)


@pytest.fixture
def a_log() -> MadeUp:
    """Two whole files and a bit, sealed in five pieces."""
    log = made_up()
    for begin, end in (
        (0, 300),
        (300, 700_000),
        (700_000, SIZE + 10),
        (SIZE + 10, 2 * SIZE),
        (2 * SIZE, 2 * SIZE + 5000),
    ):
        log.seal(begin, end)
    return log


def test_what_grows_is_stored_once(a_log: MadeUp) -> None:
    """However often a growing file was sealed, each of its bytes lies in the vault once, and the vault is whole."""
    stored = sum(size for name, size in a_log.store.list(DATA) if name)

    assert stored < 2 * SIZE + 5000 + 50_000
    assert [] == damage(a_log.store)


def test_behind_the_end_of_the_log_there_is_nothing(a_log: MadeUp) -> None:
    """Behind the last file, of a timeline that nobody knows, and of any other name, there is no file."""
    shelf = a_log.shelf

    assert None is read(a_log, 3 * SIZE)
    assert None is shelf.find(history_name(2))
    assert None is shelf.find(name(SIZE, 2))
    assert None is shelf.find("000000010000000000000001.00000028.backup")


def test_saying_that_nothing_was_logged_changes_no_file(a_log: MadeUp) -> None:
    """A sign of life is a piece of its own, whose files are those of the piece before, and the log goes on from it."""
    a_log.again()
    a_log.seal(2 * SIZE + 5000, 2 * SIZE + 6000)

    assert wal(1, 2 * SIZE, 2 * SIZE + 6000).ljust(SIZE, b"\0") == read(a_log, 2 * SIZE)


def test_a_gap_stops_a_recovery(a_log: MadeUp) -> None:
    """The file in which a gap begins, and those in it, are refused, but to who wants no more than lies before it."""
    a_log.seal(4 * SIZE, 4 * SIZE + 100)

    for place in (2 * SIZE, 3 * SIZE):
        with pytest.raises(SourceError, match="lost"):
            read(a_log, place)
    assert wal(1, 0, SIZE) == read(a_log, 0)
    assert wal(1, 2 * SIZE, 2 * SIZE + 5000).ljust(SIZE, b"\0") == read(a_log, 2 * SIZE, to_gap=True)
    assert None is read(a_log, 3 * SIZE, to_gap=True)


def test_each_timeline_has_its_own_files_and_its_history() -> None:
    """The file in which a timeline branches off is there twice, once for each, and so is the history."""
    log = made_up(t2=[(1, 3000)])
    log.seal(0, 3000)
    log.seal(0, SIZE + 500, timeline=2)

    shelf = log.shelf

    assert wal(1, 0, 3000).ljust(SIZE, b"\0") == read(log, 0)
    assert wal(2, 0, SIZE) == read(log, 0, 2)
    assert b"1\t0/BB8\tno reason\n" == shelf.history(2)
    assert ((1, 3000),) == shelf.lineages[2].left
    assert () == shelf.lost


def test_a_timeline_that_was_left_where_the_log_does_not_reach_stops_a_recovery() -> None:
    """Up to where a timeline was left its log must be there: a server that follows the new one would lack it."""
    log = made_up(t2=[(1, SIZE + 3000)])
    log.seal(0, 3000)
    log.seal(SIZE, SIZE + 5000, timeline=2)

    with pytest.raises(SourceError, match="lost"):
        read(log, 0)


@pytest.mark.parametrize("how", ["missing", "cut off", "flipped"])
@pytest.mark.parametrize("what", ["pack", "snapshot"])
def test_damage_stops_a_recovery_wherever_it_is(a_log: MadeUp, how: str, what: str) -> None:
    """Whatever object is missing, cut off or flipped: each file is right, or refused; none is wrong or called the end.

    A snapshot that is gone without a trace leaves a gap, or a shorter log, which is what the vault then has.
    """
    folder = DATA if what == "pack" else SNAPSHOTS
    for spoiled in [listed.name for listed in a_log.store.list(folder)]:
        content = a_log.store.get(spoiled)
        _spoil(a_log, spoiled, how)
        for place in (0, SIZE, 2 * SIZE):
            right = wal(1, place, min(place + SIZE, 2 * SIZE + 5000)).ljust(SIZE, b"\0")
            try:
                given = read(a_log, place)
            except (DamageError, ObjectMissing, SourceError):
                continue
            if (what, how) == ("snapshot", "missing"):
                assert given is None or given.rstrip(b"\0") == right[: len(given.rstrip(b"\0"))]
            else:
                assert right == given
        if how != "missing":
            a_log.store.delete(spoiled)
        a_log.store.put(spoiled, content)


def _spoil(log: MadeUp, name: str, how: str) -> None:
    content = log.store.get(name)
    log.store.delete(name)
    if how == "cut off":
        log.store.put(name, content[: len(content) // 2])
    elif how == "flipped":
        log.store.put(name, content[:40] + bytes([content[40] ^ 1]) + content[41:])


def test_a_piece_that_vanished_ends_the_sealing(a_log: MadeUp) -> None:
    """What a new piece would take over from a snapshot that is gone may be gone too: it is begun anew instead."""
    last = max(a_log.pieces, key=lambda piece: piece.span.end)
    a_log.store.delete(object_name(SNAPSHOTS, last.snapshot.id))

    with pytest.raises(CovenantError, match="removed"):
        a_log.seal(2 * SIZE + 5000, 2 * SIZE + 6000)
