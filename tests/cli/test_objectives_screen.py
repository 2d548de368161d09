"""What ``covenant objectives`` says of many sources at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from covenant.cli.objectives_screen import everything, rpo_verdict, rto_verdict
from covenant.kernel.standing import Because, SourceStanding, Verdict

HOUR, NOTHING = timedelta(hours=1), timedelta()


def a_source(hours: float | None = None, **more: object) -> SourceStanding:
    """A source whose restore is forecast to take so many hours, give or take half of it."""
    length = None if hours is None else hours * HOUR
    source = SourceStanding(
        source="media", system="files", vault="default", data_class="important", priority=1,
        verdict=Verdict.KEPT, rpo=HOUR, rpo_reached=NOTHING, rto=4 * HOUR, window=HOUR, copies=1,
        rto_at_least=length and length / 2, rto_estimated=length, rto_at_most=length and length * 2, measurements=2,
    )  # fmt: skip
    return replace(source, **more)  # type: ignore[arg-type]


def test_a_disaster_takes_as_long_as_everything_together() -> None:
    """One after the other they take the sum; and where one was never measured, nobody knows."""
    found = everything([a_source(1), a_source(3)])

    assert found is not None
    assert (2 * HOUR, 4 * HOUR, 8 * HOUR) == (found.low, found.likely, found.high)
    assert everything([a_source(1), a_source()]) is None
    assert everything([]) is None


def test_a_verdict_is_of_its_own_objective() -> None:
    """What is the matter with something else makes neither objective look worse, and what is not known is not kept."""
    ill = a_source(1, verdict=Verdict.BROKEN, because=(Because("copies", Verdict.BROKEN, "one copy"),))
    late = a_source(1, because=(Because("rpo", Verdict.AT_RISK, "it takes ever longer"),))

    assert (Verdict.KEPT, Verdict.KEPT) == (rpo_verdict(ill), rto_verdict(ill))
    assert (Verdict.AT_RISK, Verdict.KEPT) == (rpo_verdict(late), rto_verdict(late))
    assert (None, None) == (rpo_verdict(a_source(rpo_reached=None)), rto_verdict(a_source()))
    assert [Verdict.AT_RISK, Verdict.BROKEN] == [rto_verdict(a_source(hours)) for hours in (3, 9)]
