"""What several answers come to."""

from __future__ import annotations

import pytest

from covenant.kernel.answers import Result, together


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ((Result.PASSED, Result.PASSED), Result.PASSED),
        ((Result.PASSED, Result.COULD_NOT_VERIFY), Result.COULD_NOT_VERIFY),
        ((Result.COULD_NOT_VERIFY, Result.FAILED, Result.PASSED), Result.FAILED),
    ],
)
def test_the_worst_answer_decides(results: tuple[Result, ...], expected: Result) -> None:
    """One failure outweighs everything; one question that could not be asked outweighs every pass."""
    assert expected == together(results)


def test_no_answer_proves_nothing() -> None:
    """Whoever asked nothing has not passed."""
    assert Result.COULD_NOT_VERIFY == together(())
