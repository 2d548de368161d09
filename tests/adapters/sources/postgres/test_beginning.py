"""Where a log is gone on with: behind what the vault has, in the timeline that the server's past says."""

from __future__ import annotations

from covenant.adapters.sources.postgres.beginning import Beginning, begin_after, begin_anew
from covenant.kernel.spans import Lineage
from covenant.vault.pieces import Piece
from tests.recover.test_continuity import some_pieces

SIZE = 16


def after(lineage: Lineage, *spans: tuple[int, int, int, int]) -> tuple[int, int, bool] | None:
    """Timeline, place, and whether a file is gone on with."""
    found = begin_after(some_pieces(*spans), 7, lineage, SIZE)
    return None if found is None else (found.timeline, found.place, found.after is not None)


def test_a_log_goes_on_where_the_vault_has_it() -> None:
    """In the same timeline it goes on behind the piece that reaches farthest."""
    assert (1, 40, True) == after(Lineage(1), (1, 0, 20, 1), (1, 16, 40, 2))


def test_a_timeline_that_was_left_is_followed_to_its_end_first() -> None:
    """What the vault lacks of the old timeline comes before the new one begins."""
    assert (1, 40, True) == after(Lineage(2, ((1, 70),)), (1, 0, 40, 1))


def test_a_new_timeline_begins_with_the_file_in_which_it_branches_off() -> None:
    """Where the old one is there to its end, or even beyond, the new one is begun from the beginning of its file."""
    for end in (70, 75):
        assert (2, 64, False) == after(Lineage(2, ((1, 70),)), (1, 0, end, 1))


def test_a_timeline_that_the_server_does_not_know_is_not_gone_on_with() -> None:
    """What is of another branch, or of another server, says nothing about where to go on."""
    assert (1, 40, True) == after(Lineage(3, ((1, 70),)), (1, 0, 40, 1), (2, 16, 90, 5))
    assert None is after(Lineage(3), (1, 0, 40, 1))
    assert None is begin_after(list[Piece](), 7, Lineage(1), SIZE)


def test_what_a_slot_keeps_is_asked_for_in_the_timeline_that_it_was_logged_in() -> None:
    """A slot made right after a promotion may keep log from before it."""
    lineage = Lineage(3, ((1, 70), (2, 100)))

    assert Beginning(1, 48) == begin_anew(lineage, 50, SIZE)
    assert Beginning(2, 64) == begin_anew(lineage, 70, SIZE)
    assert Beginning(3, 112) == begin_anew(lineage, 120, SIZE)
