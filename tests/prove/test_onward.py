"""How far a drill is."""

from __future__ import annotations

from covenant.prove.onward import Onward


class Heard:
    """Remembers what it was told last."""

    def __init__(self) -> None:
        self.expected, self.done = (0, 0), (0, 0)

    def expect(self, *, files: int = 0, bytes: int = 0) -> None:
        self.expected = (files, bytes)

    def advance(self, *, files: int = 0, bytes: int = 0) -> None:
        self.done = (self.done[0] + files, self.done[1] + bytes)


def test_restores_one_after_another_are_one_progress() -> None:
    """What each expects is added up, however often it says so, and what it has done as well."""
    heard = Heard()
    onward = Onward(heard)
    first, second = onward.one(), onward.one()

    first.expect(files=1, bytes=10)
    first.expect(files=3, bytes=30)
    first.advance(files=3, bytes=30)
    second.expect(files=2, bytes=5)
    second.advance(bytes=5)

    assert ((5, 35), (3, 35)) == (heard.expected, heard.done)
