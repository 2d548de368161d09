"""What a probe answers, and what becomes of one that cannot be asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from covenant.kernel.answers import Result
from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import Interrupted
from covenant.prove import asking
from covenant.prove.asking import ask
from covenant.prove.ports import Aspect, Restored, Said
from covenant.vault.snapshot import Snapshot
from covenant.vault.vault import Vault

RESTORED = Restored("media", Path("/nowhere"), cast(Vault, None), cast(Snapshot, None))


@dataclass(frozen=True)
class Asked:
    """A probe that does as it is told."""

    does: Callable[[Callable[[], None]], Said]
    within: float = 5.0
    needs: tuple[str, ...] = ()
    question: str = "Is it so?"
    aspect: Aspect = Aspect.FUNCTION

    def ask(self, restored: Restored, hurry: Callable[[], None]) -> Said:
        return self.does(hurry)


@pytest.mark.parametrize("result", Result)
def test_an_answer_is_what_was_said(result: Result) -> None:
    """With its evidence, under its question."""
    answer = ask(Asked(lambda hurry: Said(result, "seen")), RESTORED, SystemClock())

    assert ("Is it so?", result, "seen") == (answer.question, answer.result, answer.detail)


def test_a_probe_that_crashes_could_not_verify() -> None:
    """Whatever it raises, nothing is known."""
    answer = ask(Asked(lambda hurry: Said(Result.PASSED, str(1 // 0))), RESTORED, SystemClock())

    assert Result.COULD_NOT_VERIFY is answer.result
    assert "ZeroDivisionError" in answer.detail


def test_a_probe_that_takes_too_long_could_not_verify() -> None:
    """One that looks at its time ends by itself."""

    def forever(hurry: Callable[[], None]) -> Said:
        while True:
            hurry()

    answer = ask(Asked(forever, within=0.05), RESTORED, SystemClock())

    assert (Result.COULD_NOT_VERIFY, "no answer within 0.05 s") == (answer.result, answer.detail)


def test_a_probe_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that never looks is not waited for, and what it says later counts for nothing."""
    monkeypatch.setattr(asking, "GRACE", 0.05)
    free = threading.Event()

    def hangs(hurry: Callable[[], None]) -> Said:
        free.wait(30)
        return Said(Result.PASSED, "too late")

    answer = ask(Asked(hangs, within=0.05), RESTORED, SystemClock())
    free.set()

    assert Result.COULD_NOT_VERIFY is answer.result


def test_a_probe_ends_when_the_drill_is_stopped() -> None:
    """Nobody waits a day for checksums when the machine shuts down."""
    stop = threading.Event()

    def long(hurry: Callable[[], None]) -> Said:
        stop.set()
        while True:
            hurry()

    with pytest.raises(Interrupted):
        ask(Asked(long, within=86400.0), RESTORED, SystemClock(), stop)


def test_a_probe_whose_other_source_is_not_there_could_not_verify() -> None:
    """What refers to media proves nothing where no media were restored."""
    answer = ask(Asked(lambda hurry: Said(Result.PASSED, "?"), needs=("audio",)), RESTORED, SystemClock())

    assert (Result.COULD_NOT_VERIFY, "source 'audio' was not restored beside it") == (answer.result, answer.detail)
