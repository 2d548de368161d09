"""The pages that tell how to do one thing work, each on a studio of its own that was kept before."""

from __future__ import annotations

import pytest

from tests.docs.pages import DOCS, Reader

PAGES = (
    "drills-and-reports",
    "leave-with-restic",
    "passwords",
    "policy",
    "recover-from-damage",
    "recover-from-nothing",
    "regions",
    "restore-one-file",
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(operator: Reader, page: str) -> None:
    """Whoever types what the page says sees what the page shows."""
    typed = operator.follow((DOCS / "howto" / f"{page}.md").read_text())

    assert typed > 5


def test_the_page_about_alerts_does_what_it_says(operator: Reader) -> None:
    """Its channels can be followed, and a channel that cannot be reached is told as the page shows."""
    typed = operator.follow((DOCS / "howto" / "alerts-and-metrics.md").read_text())

    assert 4 == typed


def test_the_page_about_running_does_what_it_says(operator: Reader) -> None:
    """What is due is done by one command, and how things stand is shown by another."""
    typed = operator.follow((DOCS / "howto" / "run-it.md").read_text())

    assert 5 == typed
