"""What is wrong now, found in how things stand: every reason that a promise is not kept, as a condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from covenant.kernel.standing import Because, SourceStanding, Standing, VaultStanding, Verdict
from covenant.respond.condition import Condition, Severity

_SEVERITIES = {
    Verdict.BROKEN: Severity.CRITICAL,
    Verdict.AT_RISK: Severity.WARNING,
    Verdict.NOT_COVERED: Severity.INFO,
}
"""A verdict that is missing here is nothing to tell: ``kept``, and ``waiting`` for a first moment that is to come."""


def conditions_of(standing: Standing) -> tuple[Condition, ...]:
    """Everything that is wrong by how things stand, the vaults first: what ails one ails all its sources."""
    classes = _classes_by_vault(standing.sources)
    vaults = (each for vault in standing.vaults for each in _of_vault(vault, classes.get(vault.vault, ())))
    sources = (each for source in standing.sources for each in _of_source(source))
    return (*vaults, *sources)


def _of_source(source: SourceStanding) -> Iterator[Condition]:
    place = f"source/{source.source}"
    hint = f"Run 'covenant status', then 'covenant backup {source.source}'."
    yield from _of_reasons(place, f"source '{source.source}'", source.because, (source.data_class,), hint)


def _of_vault(vault: VaultStanding, classes: tuple[str, ...]) -> Iterator[Condition]:
    place = f"vault/{vault.vault}"
    hint = f"Run 'covenant region status' and 'covenant --vault {vault.vault} check'."
    yield from _of_reasons(place, f"vault '{vault.vault}'", vault.because, classes, hint)


def _of_reasons(
    place: str, subject: str, reasons: Iterable[Because], classes: tuple[str, ...], hint: str
) -> Iterator[Condition]:
    """One condition for each promise that is not kept; of several reasons under one word each has its own."""
    seen: dict[str, int] = {}
    for because in reasons:
        severity = _SEVERITIES.get(because.verdict)
        if severity is None:
            continue
        count = seen[because.promise] = seen.get(because.promise, 0) + 1
        yield Condition(
            key=f"{place}/{because.promise}" + (f"/{count}" if count > 1 else ""),
            severity=severity,
            subject=subject,
            text=because.text,
            hint=because.hint or hint,
            classes=classes,
            since=because.since,
        )


def _classes_by_vault(sources: Iterable[SourceStanding]) -> dict[str, tuple[str, ...]]:
    classes: dict[str, set[str]] = {}
    for source in sources:
        classes.setdefault(source.vault, set()).add(source.data_class)
    return {vault: tuple(sorted(found)) for vault, found in classes.items()}
