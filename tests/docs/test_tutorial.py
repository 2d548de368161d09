"""The tutorial works: each of its commands, in order, on a machine that has nothing yet."""

from __future__ import annotations

from tests.docs.pages import DOCS, Reader


def test_the_tutorial_does_what_it_says(reader: Reader) -> None:
    """Whoever types what the tutorial says sees what the tutorial shows."""
    typed = reader.follow((DOCS / "tutorial.md").read_text())

    assert typed > 25
