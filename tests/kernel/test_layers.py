"""Layers of promises: the later one wins, key by key, and whoever asks is told whose value holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from covenant.kernel.explaining import explain
from covenant.kernel.keep import Keep
from covenant.kernel.layers import Layer, Stated, by_default, keep_of, merged, scheduled
from covenant.kernel.policy import BACKUP_KINDS, SourcePolicy, source_policy
from covenant.kernel.schedule import Schedule

KEYS = ("rpo", "rto", "window", "copies", "priority", "retention.keep_daily", "schedule.jitter")
BOTTOM = by_default(
    "everything",
    rpo=timedelta(hours=1),
    rto=timedelta(hours=4),
    window=timedelta(),
    copies=1,
    priority=5,
    immutable=timedelta(),
    continuous=False,
)


@st.composite
def layers(draw: st.DrawFn) -> tuple[Layer, ...]:
    """Some layers over the lowest, each with lines of its own."""
    drawn = draw(st.lists(st.dictionaries(st.sampled_from(KEYS), st.integers(1, 99)), max_size=4))
    above = (
        Layer(f"layer {n}", {key: Stated(_typed(key, value), f"file:{n}:{key}") for key, value in said.items()})
        for n, said in enumerate(drawn)
    )
    return (BOTTOM, *above)


def _typed(key: str, value: int) -> Any:
    return timedelta(minutes=value) if key in ("rpo", "rto", "window", "schedule.jitter") else value


def policy(stack: tuple[Layer, ...]) -> SourcePolicy:
    """The policy of a source with these layers."""
    return source_policy("s", system="files", vault="v", data_class="c", tier="", covered=True, layers=stack)


@given(layers())
def test_the_last_layer_that_says_a_key_wins(stack: tuple[Layer, ...]) -> None:
    """Each key holds what the last layer says of it, and no layer takes a key from another."""
    held = merged(stack)

    assert {key for layer in stack for key in layer.said} == set(held)
    for key, stated in held.items():
        assert [layer.said[key] for layer in stack if key in layer.said][-1] == stated


@given(layers(), layers())
def test_layers_can_be_merged_in_parts(lower: tuple[Layer, ...], upper: tuple[Layer, ...]) -> None:
    """What lies under may be merged first: the result is the same."""
    assert merged((*lower, *upper)) == merged((Layer("lower", merged(lower)), *upper))


@given(layers())
def test_an_explanation_names_a_line_that_holds_the_value(stack: tuple[Layer, ...]) -> None:
    """The line that is named says that value, and each line below it says the one beside it."""
    lines = {(stated.origin, key): stated.value for layer in stack for key, stated in layer.said.items()}

    for each in explain(policy(stack)):
        assert lines[each.origin, each.key] == each.value
        assert all(lines[origin, each.key] == value for value, origin in each.over)


@given(layers())
def test_the_numbers_are_the_explained_ones(stack: tuple[Layer, ...]) -> None:
    """A source's numbers, with their lines, are those that are explained."""
    source = policy(stack)
    explained = {each.key: (each.value, each.origin) for each in explain(source)}

    for key in ("rpo", "rto", "window", "copies", "priority"):
        stated = getattr(source, key)
        assert explained[key] == (stated.value, stated.origin)


def test_a_schedule_that_never_comes_takes_away_the_one_below() -> None:
    """A source can do without what its class schedules; zone and jitter hold for all that is left."""
    below = by_default(
        "class", schedule__full=Schedule(cron="0 2 * * Sun"), schedule__log=Schedule(every=timedelta(hours=1))
    )
    above = by_default("source", schedule__log=None, schedule__zone="Europe/Berlin")

    found = scheduled(merged((below, above)), BACKUP_KINDS)

    assert {"full": Schedule(cron="0 2 * * Sun", zone="Europe/Berlin")} == {k: s.value for k, s in found.items()}


def test_rules_that_are_switched_off_keep_nothing() -> None:
    """0 switches a rule off, and without any rule nothing is let go."""
    below = by_default("class", retention__keep_daily=7, retention__keep_weekly=4)

    assert Keep(weekly=4) == keep_of(merged((below, by_default("source", retention__keep_daily=0))))
    assert keep_of(merged((below, by_default("s", retention__keep_daily=0, retention__keep_weekly=0)))) is None
