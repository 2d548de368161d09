"""Forecasts of restores: nothing is made up, more data takes longer, and the interval holds what then happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.standing import Verdict
from covenant.prove.objectives import MOST, Forecast, Measurement, forecast, outlook

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
MIB, GIB = 1 << 20, 1 << 30


def took(seconds: float, size: int = GIB, day: int = 0) -> Measurement:
    """A restore of ``media`` that took so long."""
    return Measurement(source="media", at=NOON + timedelta(days=day), seconds=seconds, bytes=size)


measured = st.lists(
    st.builds(took, st.floats(0.01, 1e5), st.integers(0, 1 << 44), st.integers(0, 1000)), min_size=1, max_size=25
)


def seconds(expected: Forecast | None) -> tuple[float, float, float]:
    """A forecast in seconds."""
    assert expected is not None
    return expected.low.total_seconds(), expected.likely.total_seconds(), expected.high.total_seconds()


def test_without_a_measurement_nobody_knows() -> None:
    """No measurement, no forecast; and no verdict follows from none."""
    assert forecast([], GIB) is None
    assert outlook(timedelta(hours=1), None) is None


def test_of_far_more_data_than_was_ever_restored_nothing_is_foretold() -> None:
    """The time of a few kilobytes is that of starting, and is no measure of a gibibyte's."""
    assert forecast([took(0.3, 20_000)], 100 * 20_000) is not None
    assert forecast([took(0.3, 20_000)], GIB) is None


def test_one_measurement_says_little() -> None:
    """A single restore of the same size is forecast to take as long again: half of it to the double."""
    assert (50.0, 100.0, 200.0) == pytest.approx(seconds(forecast([took(100)], GIB)))


def test_of_one_size_less_data_is_not_taken_to_be_quicker() -> None:
    """Restores of one size do not tell which part of their time is fixed: more takes longer in proportion, less as
    long."""
    known = [took(100, day=day) for day in range(5)]

    assert (100.0, 300.0) == (seconds(forecast(known, GIB // 9))[1], seconds(forecast(known, 3 * GIB))[1])


def test_the_fixed_part_is_told_from_the_throughput() -> None:
    """Restores of unlike sizes say what opening takes and what each byte takes; one odd restore moves neither."""
    known = [took(20 + size, size * MIB, size) for size in (10, 50, 100, 400, 1000)]
    odd = [*known, took(9000, 300 * MIB, 7)]

    for sample in (known, odd):
        low, likely, high = seconds(forecast(sample, 2000 * MIB))
        assert 2020 == pytest.approx(likely, rel=0.02)
        assert low < 2020 < high


@given(measured, st.floats(0, 100), st.floats(0, 1))
def test_more_data_never_takes_less_time(known: list[Measurement], times: float, part: float) -> None:
    """Whatever was measured: the forecast is ordered, positive, and does not fall as data grows."""
    most = max(each.bytes for each in sorted(known, key=lambda each: each.at)[-MOST:])
    small, large = seconds(forecast(known, int(most * times * part))), seconds(forecast(known, int(most * times)))

    assert 0 <= small[0] <= small[1] <= small[2]
    assert small[1] <= large[1] * 1.000001 + 1e-6
    assert small[2] <= large[2] * 1.000001 + 1e-6


@given(measured)
def test_only_the_last_measurements_count(known: list[Measurement]) -> None:
    """What was measured long ago, when the machine was another one, is not looked at; their order is no matter."""
    last = sorted(known, key=lambda each: each.at)[-MOST:]

    size = max(each.bytes for each in last)

    found = forecast(known, size)

    assert found is not None
    assert len(last) == found.measurements
    if len({each.at for each in known}) == len(known):
        assert found == forecast(reversed(last), size)


@pytest.mark.parametrize("many", [2, 4, 8, 20])
@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_the_interval_holds_what_then_happens(many: int, noise: float) -> None:
    """Simulated restores of data that grows, with chance in each: nine of ten next ones lie within the interval."""
    random, held = Random(many), 0
    for _ in range(200):
        fixed, rate = random.choice([0, 1, 30]), 1 / random.choice([50e6, 300e6])
        size, growth, known = random.choice([1e8, 5e9]), random.choice([1.0, 1.02, 1.3]), []
        for day in range(many):
            known.append(took((fixed + rate * size) * exp(random.gauss(0, noise)), int(size), day))
            size *= growth
        low, _likely, high = seconds(forecast(known, int(size)))
        held += low <= (fixed + rate * size) * exp(random.gauss(0, noise)) <= high

    assert held >= 0.85 * 200


def test_more_measurements_say_more() -> None:
    """The same restore, measured ever again, is forecast ever more closely."""
    widths = []
    for many in (1, 4, 16):
        low, _, high = seconds(forecast([took(100, day=day) for day in range(many)], GIB))
        widths.append(high / low)

    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 1.5


@pytest.mark.parametrize(
    ("hours", "expected"), [(5, Verdict.KEPT), (2, Verdict.AT_RISK), (1, Verdict.AT_RISK), (0.4, Verdict.BROKEN)]
)
def test_a_breach_is_warned_of_before_it_happens(hours: float, expected: Verdict) -> None:
    """Kept where even the most is within the promise, broken where even the least is not, at risk between the two."""
    found = Forecast(timedelta(hours=0.5), timedelta(hours=1), timedelta(hours=3), 4)

    assert expected is outlook(timedelta(hours=hours), found)
