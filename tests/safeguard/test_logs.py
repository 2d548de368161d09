"""Of a change log stays what the kept backups need; and it is put together as it ages, without a byte being lost."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from covenant.adapters.sources.postgres.wal import segment_at
from covenant.adapters.stores.opening import StoreSpec
from covenant.bootstrap import Opener, OpenVault
from covenant.bootstrap.log_keeping import merge_pieces
from covenant.kernel.durations import Span as Length
from covenant.kernel.keep import Keep
from covenant.kernel.spans import Span, joined
from covenant.safeguard import forget
from covenant.safeguard.logs import with_log
from covenant.safeguard.merging import forgetting, merged, plan_merges
from covenant.safeguard.protecting import HOLD_TAG, protected
from covenant.vault.names import DATA, object_name
from covenant.vault.pack import BlobType
from covenant.vault.pieces import Piece, bases, pieces_of
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import open_vault
from tests.adapters.sources.postgres.made_up import BEGIN, SIZE, SYSTEM, MadeUp, made_up
from tests.clocks import FrozenClock
from tests.recover.test_continuity import a_snapshot
from tests.small_worlds import copied
from tests.vaults import OWNER, PASSWORD

_DAY = 24 * 60
_WINDOW = {"accounts": timedelta(days=7)}


def judged(snapshots: list[Snapshot], keep: Keep, day: float) -> forget.ForgetPlan:
    """What of them goes on that day, by rules and by what the log is needed for."""
    plans = [forget.plan(snapshots, keep, (), now=BEGIN + timedelta(days=day))]
    return with_log(protected(plans)[0], _WINDOW)


def days(rows: tuple[forget.Judged, ...], kind: str) -> list[int]:
    """On which days the snapshots of a kind were taken."""
    return sorted((row.snapshot.time - BEGIN).days for row in rows if row.snapshot.kind == kind)


def a_month() -> list[Snapshot]:
    """A full backup each day, and a piece of the log that leads to the next."""
    found = list[Snapshot]()
    for day in range(30):
        found.append(a_snapshot("full", Span(7, 1, day * 100, day * 100 + 5), day * _DAY))
        found.append(a_snapshot("log", Span(7, 1, day * 100, day * 100 + 100), day * _DAY + 1439))
    return found


def test_the_log_of_the_window_stays_and_so_does_the_backup_that_it_leads_on_from() -> None:
    """Every moment of the last seven days can be had back, though the rules keep two backups only."""
    plan = judged(a_month(), Keep(last=2), 29.9)

    assert list(range(22, 30)) == days(plan.keep, "log")
    assert [22, 28, 29] == days(plan.keep, "full")
    assert list(range(22)) == days(plan.forget, "log")


def test_an_old_backup_keeps_the_log_that_makes_it_whole() -> None:
    """What was logged while a kept backup was taken stays with it, and what came afterwards goes."""
    plan = judged(a_month(), Keep(within=Length(days=3), weekly=4), 29.9)

    old = [day for day in days(plan.keep, "full") if day < 22]
    assert old
    assert set(old) == {day for day in days(plan.keep, "log") if day < 22}


def test_without_any_backup_the_log_of_the_window_stays() -> None:
    """A log that was followed before the first backup was taken is not let go because of that."""
    only = [each for each in a_month() if each.kind == "log"]

    plan = judged(only, Keep(last=1), 29.9)

    assert days(plan.keep, "log") == list(range(22, 30))


def test_a_held_piece_and_the_last_of_a_timeline_stay() -> None:
    """A hold holds a piece as well; and what the log is followed on from is never let go."""
    held = a_snapshot("log", Span(7, 1, 0, 100), 0)
    held.tags_ = [*held.tags, HOLD_TAG + "case-17"]
    last = a_snapshot("log", Span(7, 2, 0, 90), 5)
    new = [a_snapshot("full", Span(7, 3, 900, 905), 28 * _DAY), a_snapshot("log", Span(7, 3, 900, 990), 28 * _DAY)]

    plan = judged([held, last, *new], Keep(last=1), 60)

    assert () == plan.forget


def test_rules_alone_let_no_piece_go() -> None:
    """Whoever forgets by rules judges states; the log is none of them, nor does it use up a count."""
    plan = forget.plan(a_month(), Keep(last=2), (), now=BEGIN + timedelta(days=40))

    assert [28, 29] == days(plan.keep, "full")
    assert list(range(30)) == days(plan.keep, "log")


# -- merging ----------------------------------------------------------------------------------------------------------


def carried_out(log: MadeUp, now: datetime) -> None:
    """Merge what is old enough at that moment."""
    log.vault.forget_index()
    plan = plan_merges(log.pieces, now)
    into = [merged(each, log.vault, log.store, OWNER, "test") for each in plan.merges]
    forget.apply(forgetting(plan, into, now), log.vault, log.store)


@functools.cache
def _busy_day() -> MadeUp:
    log = made_up()
    for number in range(72):
        log.seal(number * SIZE // 3, (number + 1) * SIZE // 3, minute=number * 30)
    return log


def a_busy_day() -> MadeUp:
    """A piece every thirty minutes of a day and a half, each a third of a file."""
    store = copied(_busy_day().store)
    return MadeUp(store, open_vault(store, PASSWORD))


def test_what_is_merged_is_the_same_log_in_fewer_pieces() -> None:
    """After an hour there is a piece an hour, after a day one a day; every file is as it was, and no blob is new."""
    log = a_busy_day()
    before = files(log)
    blobs = {listed.name: listed.size for listed in log.store.list(DATA)}

    carried_out(log, BEGIN + timedelta(hours=36))
    after_hours = len(log.pieces)
    carried_out(log, BEGIN + timedelta(hours=60))

    assert before == files(log)
    assert 40 > after_hours > len(log.pieces)
    assert len(log.pieces) < 15
    grown = sum(size for name, size in log.store.list(DATA) if name not in blobs)
    assert grown < 60_000
    assert 1 == len(joined(piece.span for piece in log.pieces))


def files(log: MadeUp) -> list[bytes]:
    """Every file of the busy day, as a server is given it."""
    shelf = log.shelf
    return [shelf.read(found) for at in range(24) if (found := shelf.find(segment_at(1, at * SIZE, SIZE).name))]


def test_merging_again_changes_nothing() -> None:
    """What was merged at a moment is left alone at that moment."""
    log, now = a_busy_day(), BEGIN + timedelta(hours=60)
    carried_out(log, now)
    ids = {piece.snapshot.id for piece in log.pieces}

    carried_out(log, now)

    assert ids == {piece.snapshot.id for piece in log.pieces}


def test_broken_off_before_the_old_ones_went_it_is_finished_the_next_time() -> None:
    """Where the merged pieces are stored already, the ones that they stand for are covered, and go."""
    log, now = a_busy_day(), BEGIN + timedelta(hours=60)
    log.vault.forget_index()
    for each in plan_merges(log.pieces, now).merges:
        merged(each, log.vault, log.store, OWNER, "test")

    carried_out(log, now + timedelta(hours=1))
    carried_out(log, now + timedelta(hours=2))

    assert len(log.pieces) < 15
    assert 1 == len(joined(piece.span for piece in log.pieces))


cuts = st.lists(st.tuples(st.integers(0, 90), st.integers(1, 30), st.integers(0, 4000)), min_size=1, max_size=25)


@given(cuts, st.integers(0, 6000))
def test_no_byte_and_no_moment_is_lost_by_merging(cut: list[tuple[int, int, int]], minute: int) -> None:
    """Whatever pieces there are, what they hold together and the moment that they reach is the same afterwards."""
    pieces = some(cut)

    plan = plan_merges(pieces, BEGIN + timedelta(minutes=minute))

    gone = {each.snapshot.id for each in plan.covered} | {p.snapshot.id for m in plan.merges for p in m.pieces}
    after = [piece.span for piece in pieces if piece.snapshot.id not in gone] + [each.span for each in plan.merges]
    assert joined(piece.span for piece in pieces) == joined(after)
    left = [piece.until for piece in pieces if piece.snapshot.id not in gone] + [each.until for each in plan.merges]
    assert max(piece.until for piece in pieces) == max(left)


@given(cuts, st.integers(0, 6000))
def test_what_is_young_is_left_alone(cut: list[tuple[int, int, int]], minute: int) -> None:
    """For an hour nothing is done to a piece: whoever looked for it a moment ago still finds it."""
    now = BEGIN + timedelta(minutes=minute)

    plan = plan_merges(some(cut), now)

    touched = [*plan.covered, *(piece for each in plan.merges for piece in each.pieces)]
    assert all(now - piece.until >= timedelta(hours=1) for piece in touched)


def some(cut: list[tuple[int, int, int]]) -> list[Piece]:
    """Pieces of these stretches and moments."""
    taken = [a_snapshot("log", Span(7, 1, begin, begin + size), minute) for begin, size, minute in cut]
    for number, each in enumerate(taken):
        each.id = f"{number:02}"
    return pieces_of(taken, "accounts")


def test_a_backup_says_itself_which_log_it_needs() -> None:
    """A base backup's stretch is read from its snapshot, whoever wrote it; a piece is no backup."""
    base = a_snapshot("full", Span(7, 1, 10, 20), 0)
    base.tags_ = ["covenant:source=accounts", "covenant:kind=full", "covenant:position=postgres-7-1-0/A-0/14"]

    (found,) = bases([base, a_snapshot("log", Span(7, 1, 10, 20), 0)], "accounts")

    assert Span(7, 1, 10, 20) == found.span


def test_what_a_damaged_piece_holds_is_not_let_go_for_it() -> None:
    """Where the tree or a blob of the younger piece cannot be had, the older ones stay, and what they had is there."""
    log = made_up()
    log.seal(0, 1000, minute=0)
    log.seal(1000, 2000, minute=1)
    log.seal(2000, SIZE, minute=2)
    log.seal(SIZE, SIZE + 10, minute=120)
    younger = next(piece for piece in log.pieces if piece.span.end == SIZE)
    before = {piece.snapshot.id for piece in log.pieces}
    pack = log.vault.anew().index.find(bytes.fromhex(younger.snapshot.tree), BlobType.TREE)
    assert pack is not None
    log.store.delete(object_name(DATA, pack.pack.hex()))

    merge_pieces(held(log, BEGIN + timedelta(hours=9)), "accounts")

    assert before == {piece.snapshot.id for piece in log.pieces}


def test_what_is_covered_goes_once_the_other_is_sound() -> None:
    """The pieces of a file that was growing go when a younger piece has it whole."""
    log = made_up()
    log.seal(0, 1000, minute=0)
    log.seal(1000, 2000, minute=1)
    log.seal(2000, SIZE, minute=2)
    log.seal(SIZE, SIZE + 10, minute=120)

    gone = merge_pieces(held(log, BEGIN + timedelta(hours=9)), "accounts")

    assert 2 == gone
    assert [Span(SYSTEM, 1, 0, SIZE), Span(SYSTEM, 1, SIZE, SIZE + 10)] == [piece.span for piece in log.pieces]


def held(log: MadeUp, now: datetime) -> OpenVault:
    """The log's vault, held at that moment."""
    opener = Opener(StoreSpec("memory:", {}))
    return OpenVault(log.vault.anew(), opener, OWNER, FrozenClock(now), log.store)
