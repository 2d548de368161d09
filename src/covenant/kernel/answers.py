"""Questions asked of something that must prove itself, and what they came to.

A store that is validated, a restored database, a drill: each is asked, and each answer is one of three. What could not
be asked, for want of a server, of room, of time, is *could not verify*; it never counts as passed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Result(StrEnum):
    """What can be said after asking."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_VERIFY = "could not verify"


def together(results: Iterable[Result]) -> Result:
    """What several answers come to: one that failed decides, then one that could not be had.

    No answer at all proves nothing.
    """
    seen = set(results)
    for heavier in (Result.FAILED, Result.COULD_NOT_VERIFY):
        if heavier in seen:
            return heavier
    return Result.PASSED if seen else Result.COULD_NOT_VERIFY


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question came to: the evidence in words, and how many seconds it took to find out."""

    question: str
    result: Result
    detail: str
    seconds: float
