"""What was read when is remembered exactly, through restarts; and what is not remembered is never called read."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covenant.prove.marks import Mark, Marks, MarksFile
from covenant.prove.rolling import State
from covenant.replicate.holdings import Holdings
from covenant.vault.names import CONFIG
from covenant.vault.ports import Listed

NOW = 1_800_000_000
A, B, C = (f"data/{digit * 2}/{digit * 64}" for digit in "abc")
KEY = "keys/" + "ab" * 32


def held(*names: str) -> Holdings:
    """A region that holds these objects, of ten bytes each."""
    return Holdings(Listed(name, 10) for name in names)


def known(marks: Marks) -> dict[str, Mark]:
    """What is known of each copy."""
    return {copy.name: Mark(copy.at, copy.state) for copy in marks.copies()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the marks of a region shall lie."""
    return tmp_path / "verified" / "home.marks"


def test_what_was_read_is_remembered(path: Path) -> None:
    """A later run knows of each object when it was read, and what came of it; also of ``config`` and of keys."""
    names = (A, B, KEY, CONFIG)
    first = MarksFile(path).begin(held(*names), NOW)
    MarksFile(path).append({A: Mark(NOW + 5, State.WHOLE), CONFIG: Mark(NOW + 6, State.WHOLE)})
    MarksFile(path).append({KEY: Mark(NOW + 7, State.DAMAGED)})

    later = MarksFile(path).begin(held(*names), NOW + 100)

    assert dict.fromkeys(names, Mark(NOW, State.UNREAD)) == known(first)
    assert {
        A: Mark(NOW + 5, State.WHOLE),
        B: Mark(NOW, State.UNREAD),
        KEY: Mark(NOW + 7, State.DAMAGED),
        CONFIG: Mark(NOW + 6, State.WHOLE),
    } == known(later)


def test_what_is_gone_is_forgotten(path: Path) -> None:
    """An object that was let go and comes back is unread: nobody has read that copy."""
    MarksFile(path).begin(held(A, B), NOW)
    MarksFile(path).append({A: Mark(NOW + 5, State.WHOLE)})
    MarksFile(path).begin(held(B), NOW + 10)

    back = MarksFile(path).begin(held(A, B), NOW + 20)

    assert {A: Mark(NOW + 20, State.UNREAD), B: Mark(NOW, State.UNREAD)} == known(back)


def test_an_object_takes_forty_bytes(path: Path) -> None:
    """However often it was read, after the next run an object takes forty bytes in the file."""
    MarksFile(path).begin(held(A, B, C), NOW)
    for second in range(10):
        MarksFile(path).append(dict.fromkeys((A, B, C), Mark(NOW + second, State.WHOLE)))

    MarksFile(path).begin(held(A, B, C), NOW + 20)

    assert 16 + 3 * 40 == path.stat().st_size


@pytest.mark.parametrize("damage", ["lost", "flipped", "another file"])
def test_a_lost_or_damaged_memory_says_that_nothing_was_read(path: Path, damage: str) -> None:
    """Without its memory everything is unread, and has waited for as long as the caller can rule out the contrary."""
    MarksFile(path).begin(held(A, B), NOW)
    MarksFile(path).append(dict.fromkeys((A, B), Mark(NOW + 5, State.WHOLE)))
    text = path.read_bytes()
    path.write_bytes(
        {"flipped": text[:60] + bytes([text[60] ^ 1]) + text[61:], "another file": b"x" * 500}.get(damage, b"")
    )
    if damage == "lost":
        path.unlink()

    found = MarksFile(path).begin(held(A, B), NOW + 50, floor=NOW - 900)

    assert dict.fromkeys((A, B), Mark(NOW - 900, State.UNREAD)) == known(found)


@settings(max_examples=40)
@given(position=st.integers(0, 16 + 4 * 40 - 1), bit=st.integers(0, 7))
def test_no_flipped_bit_makes_anything_read(tmp_path_factory: pytest.TempPathFactory, position: int, bit: int) -> None:
    """Whichever bit of the memory is wrong: nothing counts as read that was not, nor as read later than it was."""
    path = tmp_path_factory.mktemp("marks") / "home.marks"
    MarksFile(path).begin(held(A, B), NOW)
    MarksFile(path).append({A: Mark(NOW + 5, State.WHOLE), B: Mark(NOW + 6, State.DAMAGED)})
    text = bytearray(path.read_bytes())
    text[position] ^= 1 << bit
    path.write_bytes(text)

    found = known(MarksFile(path).begin(held(A, B), NOW + 50, floor=NOW))

    assert found[A] in (Mark(NOW + 5, State.WHOLE), Mark(NOW, State.UNREAD))
    assert found[B] in (Mark(NOW + 6, State.DAMAGED), Mark(NOW, State.UNREAD))


@pytest.mark.parametrize("cut", [1, 20, 39])
def test_what_was_cut_off_by_a_crash_costs_the_last_look_only(path: Path, cut: int) -> None:
    """A record that was not written whole is no record; those before it stand."""
    MarksFile(path).begin(held(A, B), NOW)
    MarksFile(path).append({A: Mark(NOW + 5, State.WHOLE)})
    MarksFile(path).append({B: Mark(NOW + 6, State.WHOLE)})
    path.write_bytes(path.read_bytes()[:-cut])

    found = known(MarksFile(path).begin(held(A, B), NOW + 50, floor=NOW - 900))

    assert {A: Mark(NOW + 5, State.WHOLE), B: Mark(NOW, State.UNREAD)} == found


def test_a_look_under_a_clock_that_ran_ahead_counts_for_nothing(path: Path) -> None:
    """What was noted for next year, by a clock that was wrong, does not silence the reading until then."""
    MarksFile(path).begin(held(A), NOW)
    MarksFile(path).append({A: Mark(NOW + 30_000_000, State.WHOLE)})

    assert {A: Mark(NOW + 50, State.UNREAD)} == known(MarksFile(path).begin(held(A), NOW + 50))


def test_the_graver_look_of_one_moment_counts(path: Path) -> None:
    """Two who read at one moment, one of whom found damage: it is damaged, in whatever order they wrote."""
    MarksFile(path).begin(held(A), NOW)
    MarksFile(path).append({A: Mark(NOW + 5, State.DAMAGED)})
    MarksFile(path).append({A: Mark(NOW + 5, State.WHOLE)})

    assert {A: Mark(NOW + 5, State.DAMAGED)} == known(MarksFile(path).begin(held(A), NOW + 50))


def test_several_may_read_at_once(path: Path) -> None:
    """While one appends what it read, another begins anew: nothing that was read is lost."""
    names = [f"data/{n:02x}/{n:02x}" + f"{n:062x}" for n in range(60)]
    everything = held(*names)
    MarksFile(path).begin(everything, NOW)

    def read(part: int) -> None:
        for name in names[part::3]:
            MarksFile(path).append({name: Mark(NOW + 1, State.WHOLE)})
            MarksFile(path).begin(everything, NOW + 2)

    threads = [threading.Thread(target=read, args=(part,)) for part in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert dict.fromkeys(names, Mark(NOW + 1, State.WHOLE)) == known(MarksFile(path).begin(everything, NOW + 3))
