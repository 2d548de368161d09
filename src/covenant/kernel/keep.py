"""What a policy keeps, as numbers and spans; the words of ``restic forget --keep-…``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from covenant.kernel import calendar
from covenant.kernel.calendar import Span
from covenant.kernel.errors import UsageError

UNLIMITED = -1
"""The count that keeps all snapshots of its kind."""

UNTAGGED = ("",)
"""The tag list that fits a snapshot without any tag."""

COUNTED = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
WITHIN = ("hourly", "daily", "weekly", "monthly", "yearly")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """The rules of one policy. A snapshot that any rule keeps is kept.

    Counts are numbers of snapshots (0: no such rule, -1: all of that kind). A span (``within…``) counts back from the
    newest snapshot of the group, not from now: a source that stopped a year ago does not lose its last month. Each
    entry of ``tags`` is a list that a snapshot must bear in full; any one entry is enough. ``newest`` keeps the newest
    snapshot of every group whatever the other rules say, and must be turned off on purpose.

    Raises ``UsageError`` for counts and spans that mean nothing, and for a policy that keeps nothing at all: an empty
    policy is a mistake, never an order to forget everything.
    """

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within: Span | None = None
    within_hourly: Span | None = None
    within_daily: Span | None = None
    within_weekly: Span | None = None
    within_monthly: Span | None = None
    within_yearly: Span | None = None
    tags: tuple[tuple[str, ...], ...] = ()
    newest: bool = True

    def __post_init__(self) -> None:
        for name in COUNTED:
            _refuse_meaningless_count(name, getattr(self, name))
        for name, span in self.spans():
            _refuse_negative_span(name, span)
        if not all(self.tags):
            raise UsageError("an empty list of tags fits every snapshot", "Name a tag, or '' for untagged snapshots.")
        if not (self.tags or any(self.counts()) or any(self.spans())):
            raise UsageError("the policy keeps nothing", "Give at least one rule, such as '--keep-daily 7'.")

    def counts(self) -> Iterator[tuple[str, int]]:
        """The counted rules in force, as (kind, count), in restic's order."""
        return ((name, getattr(self, name)) for name in COUNTED if getattr(self, name))

    def spans(self) -> Iterator[tuple[str, Span]]:
        """The spans in force, as (kind, span): first ``""`` for all snapshots, then one per period."""
        named = (("", self.within), *((name, getattr(self, f"within_{name}")) for name in WITHIN))
        return ((name, span) for name, span in named if span is not None and not calendar.is_zero(span))

    def __str__(self) -> str:
        counted = (f"all {name}" if count == UNLIMITED else f"{count} {name}" for name, count in self.counts())
        spans = (f"{name} within {calendar.spelled(span)}".strip() for name, span in self.spans())
        return ", ".join((*counted, *spans, *(tagged(tags) for tags in self.tags)))


def tagged(tags: tuple[str, ...]) -> str:
    """A list of tags in words: ``tagged a and b``."""
    return "untagged" if tags == UNTAGGED else "tagged " + " and ".join(tags)


def _refuse_meaningless_count(name: str, count: int) -> None:
    if count < UNLIMITED:
        raise UsageError(f"cannot keep {count} {name} snapshots", "Give a number, or -1 to keep all of them.")


def _refuse_negative_span(name: str, span: Span) -> None:
    if min(span.years, span.months, span.days, span.hours) < 0:
        kind = f"within-{name}" if name else "within"
        raise UsageError(f"the span of '{kind}' is negative", "Spans count back from the newest snapshot: '30d'.")
