"""What of a policy this version can keep, and what it cannot, and why. What is not covered is never called kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from covenant.kernel.policy import Policy, SourcePolicy


@dataclass(frozen=True, slots=True)
class Cover:
    """One source or commitment, and whether this version covers it. ``why`` says why not."""

    subject: str
    covered: bool
    why: str
    origin: str = ""
    promises: tuple[str, ...] = ()


def coverage(policy: Policy) -> tuple[Cover, ...]:
    """Every source and every commitment of a policy."""
    return (*_sources(policy), *_commitments(policy))


def _sources(policy: Policy) -> Iterator[Cover]:
    for source in policy.sources.values():
        why = "" if source.covered else _uncovered(source)
        yield Cover(f"source '{source.source}'", source.covered, why)
        if source.covered and (missing := _partly(source)):
            yield Cover(f"source '{source.source}', in part", False, missing)


def _uncovered(source: SourcePolicy) -> str:
    return f"this version cannot keep a source of kind '{source.system}'"


def _partly(source: SourcePolicy) -> str:
    """What of a source that is covered is not."""
    if source.dumped and (source.continuous or source.window.value):
        return "it is kept by dumps, and between two of them no moment can be had back"
    if source.continuous and not source.followed:
        return f"this version follows no change log of a source of kind '{source.system}'"
    return ""


def _commitments(policy: Policy) -> Iterator[Cover]:
    for each in policy.commitments:
        why = "" if each.covered else f"nothing of this version keeps '{each.text}'"
        yield Cover(each.name, each.covered, why, each.origin, each.promises)
