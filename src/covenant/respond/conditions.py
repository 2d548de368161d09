"""What is wrong now: every reason that a promise is not kept, and whatever is unlike a source's habit, as conditions.

A key must stay the same while its condition lasts, so it is made of names and fixed words, never of numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from covenant.kernel.findings import Finding
from covenant.kernel.standing import Because, DrillStanding, SourceStanding, Standing, VaultStanding, Verdict
from covenant.respond.condition import Condition, Severity

_SEVERITIES = {
    Verdict.BROKEN: Severity.CRITICAL,
    Verdict.AT_RISK: Severity.WARNING,
    Verdict.NOT_COVERED: Severity.INFO,
}
"""A verdict that is missing here is nothing to tell: ``kept``, and ``waiting`` for a first moment that is to come."""


_GRAVE = frozenset({"like-ransomware", "backup-empty"})
"""What is odd in a way that someone must look at now."""


def conditions_of(standing: Standing, oddities: Iterable[Finding] = ()) -> tuple[Condition, ...]:
    """Everything that is wrong, the vaults first: what ails one ails all its sources.

    ``oddities`` are findings whose subject is a source's name.
    """
    inside = _classes_by_vault(standing.sources)
    classes = {source.source: (source.data_class,) for source in standing.sources}
    vaults = (each for vault in standing.vaults for each in _of_vault(vault, inside.get(vault.vault, ())))
    sources = (each for source in standing.sources for each in _of_source(source))
    drills = (each for drill in standing.drills for each in _of_drill(drill))
    return (*vaults, *drills, *(_of_oddity(finding, classes) for finding in oddities), *sources)


def refused_settings(path: str, why: str, since: datetime) -> Condition:
    """The settings were changed into something that cannot be followed: the old ones are in force, but not for ever."""
    return Condition(
        key="settings/refused",
        severity=Severity.WARNING,
        subject=f"settings {path}",
        text=f"cannot be followed, and the old ones stay in force until a restart: {why}",
        hint=f"Run 'covenant --config {path} config check', which names every mistake.",
        since=since,
    )


def _of_source(source: SourceStanding) -> Iterator[Condition]:
    place, subject = f"source/{source.source}", f"source '{source.source}'"
    hint = f"Run 'covenant status' to see why, then 'covenant backup {source.source}'."
    yield from _of_reasons(place, subject, source.because, (source.data_class,), hint)


def _of_vault(vault: VaultStanding, classes: tuple[str, ...]) -> Iterator[Condition]:
    place, subject = f"vault/{vault.vault}", f"vault '{vault.vault}'"
    parts = (*(region.region for region in vault.regions), *(chore.kind for chore in vault.chores))
    hint = f"Run 'covenant --vault {vault.vault} check' to see what suffers from it."
    yield from _of_reasons(place, subject, vault.because, classes, hint, parts)


def _of_drill(drill: DrillStanding) -> Iterator[Condition]:
    hint = f"Run 'covenant drill run {drill.level}' to hold it now."
    yield from _of_reasons(f"drill/{drill.level}", f"{drill.level} drills", drill.because, (), hint)


def _of_reasons(
    place: str,
    subject: str,
    reasons: Iterable[Because],
    classes: tuple[str, ...],
    hint: str,
    parts: Iterable[str] = (),
) -> Iterator[Condition]:
    """One condition for each promise that is not kept; where a vault has it of several parts, one for each part."""
    for because in reasons:
        severity = _SEVERITIES.get(because.verdict)
        if severity is None:
            continue
        about = next((part for part in parts if part in because.text.split()), "")
        yield Condition(
            key="/".join(filter(None, (place, because.promise, about))),
            severity=severity,
            subject=subject,
            text=because.text,
            hint=because.hint or hint,
            classes=classes,
            since=because.since,
        )


def _of_oddity(finding: Finding, classes: Mapping[str, tuple[str, ...]]) -> Condition:
    return Condition(
        key=f"source/{finding.subject}/{finding.kind}",
        severity=Severity.CRITICAL if finding.kind in _GRAVE else Severity.WARNING,
        subject=f"source '{finding.subject}'",
        text=finding.message,
        hint=finding.hint or "Run 'covenant status' to see what else is wrong.",
        classes=classes.get(finding.subject, ()),
    )


def _classes_by_vault(sources: Iterable[SourceStanding]) -> dict[str, tuple[str, ...]]:
    classes: dict[str, set[str]] = {}
    for source in sources:
        classes.setdefault(source.vault, set()).add(source.data_class)
    return {vault: tuple(sorted(found)) for vault, found in classes.items()}
