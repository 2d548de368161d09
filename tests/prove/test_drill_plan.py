"""What a drill takes, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.errors import UsageError
from covenant.kernel.policy import SourcePolicy
from covenant.prove.drill_plan import DrillPlan, plan
from covenant.prove.record import Level
from tests.loop.worlds import a_source

NAMES = ("bookings", "media", "audit", "previews", "wiki")
priorities = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 9), min_size=1)


def of(priorities: dict[str, int]) -> list[SourcePolicy]:
    """Sources with these priorities."""
    return [a_source(name, priority=number) for name, number in priorities.items()]


def names(planned: DrillPlan) -> list[str]:
    """The sources in their order."""
    return [turn.source for turn in planned.turns]


@given(priorities, st.sampled_from(Level))
def test_nothing_of_less_weight_goes_first(given: dict[str, int], level: Level) -> None:
    """Whatever the level takes comes in the order of priority, each once, with its rank and a reason."""
    planned = plan(of(given), level)

    ranks = [("critical", "important", "enhanced", "optional").index(turn.rank) for turn in planned.turns]
    assert sorted(given[name] for name in names(planned)) == [given[name] for name in names(planned)]
    assert sorted(ranks) == ranks
    assert len(set(names(planned))) == len(names(planned)) > 0
    assert all(turn.reason for turn in planned.turns)


@given(priorities)
def test_a_quarter_and_a_year_take_everything(given: dict[str, int]) -> None:
    """A month takes what is critical, or what comes first where nothing is."""
    monthly = {given[name] for name in names(plan(of(given), Level.MONTHLY))}

    assert set(given) == set(names(plan(of(given), Level.QUARTERLY))) == set(names(plan(of(given), Level.ANNUAL)))
    assert min(given.values()) in monthly
    assert {1} == monthly or 1 not in given.values()


def test_a_person_chooses_and_what_it_needs_comes_along() -> None:
    """A database whose probe refers to media brings the media, after it, and says why."""
    sources = of({"bookings": 1, "media": 2, "wiki": 3})

    planned = plan(sources, Level.MONTHLY, only=("bookings",), needs={"bookings": ("media",), "wiki": ("audit",)})

    assert ["bookings", "media"] == names(planned)
    assert ["asked for", "a probe of 'bookings' refers to it"] == [turn.reason for turn in planned.turns]


def test_the_policy_says_what_comes_first() -> None:
    """What ``[restoration]`` calls critical goes before what merely has a small number, and is rehearsed monthly."""
    sources = of({"bookings": 2, "wiki": 3})

    planned = plan(sources, Level.MONTHLY, restoration={"critical": ("wiki",)})

    assert ["wiki"] == names(planned)
    assert ["wiki", "bookings"] == names(plan(sources, Level.ANNUAL, restoration={"critical": ("wiki",)}))


def test_a_source_that_was_promised_nothing_is_refused() -> None:
    """Its name is told, and those that there are."""
    with pytest.raises(UsageError, match="there is no source 'nobody'"):
        plan(of({"media": 1}), Level.MONTHLY, only=("nobody",))
