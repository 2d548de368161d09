"""What telling promises, whatever happens: hours of random trouble, deaf channels, deaths and restarts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from covenant.respond.alert import Channel, News
from covenant.respond.alerts import LONGEST_PAUSE
from covenant.respond.condition import Severity
from covenant.respond.remembering import from_text, to_text
from tests.respond.telling_by_hand import MINUTE, World, rules, wrong

KEYS = ("a", "b", "c")
REPEAT, GROUP, QUIET = 45, 3, 4
CHANNELS = (
    Channel("mail"),
    Channel("phone", severity=Severity.CRITICAL, after=timedelta(minutes=10)),
    Channel("team", classes=("important",)),
)
CLASSES = {"a": ("critical",), "b": ("important",), "c": ()}
RULES = rules(*CHANNELS, group_for=GROUP, repeat=REPEAT, quiet=QUIET)


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many minutes in which these are wrong and those channels are deaf; at its end we may be restarted."""

    minutes: int
    severities: dict[str, Severity]
    deaf: frozenset[str]
    restart: bool


STRETCHES = st.lists(
    st.builds(
        Stretch,
        minutes=st.integers(1, 40),
        severities=st.dictionaries(st.sampled_from(KEYS), st.sampled_from([Severity.WARNING, Severity.CRITICAL])),
        deaf=st.frozensets(st.sampled_from([channel.name for channel in CHANNELS])),
        restart=st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


def lived(stretches: list[Stretch]) -> World:
    """A world in which all this has happened, and in which all was well for a long time afterwards."""
    world = World(RULES)
    for stretch in stretches:
        conditions = [wrong(key, severity, classes=CLASSES[key]) for key, severity in stretch.severities.items()]
        world.until(world.minute + stretch.minutes, *conditions, deaf=stretch.deaf)
        if stretch.restart:
            world.restart()
    return world


def hearing(stretches: list[Stretch]) -> list[Stretch]:
    """The same trouble, with channels that take everything."""
    return [Stretch(each.minutes, each.severities, frozenset(), each.restart) for each in stretches]


@settings(max_examples=60, deadline=None)
@given(STRETCHES, st.sampled_from(KEYS), st.sampled_from(CHANNELS))
def test_nothing_that_lasts_goes_untold(stretches: list[Stretch], key: str, channel: Channel) -> None:
    """Whatever was before, a critical condition that lasts is told within a bound once the channel takes messages."""
    world = lived(stretches)
    begins = world.minute
    condition = wrong(key, classes=CLASSES[key])
    longest_pause = LONGEST_PAUSE // MINUTE
    bound = longest_pause + channel.after // MINUTE + GROUP + REPEAT + 1

    world.until(begins + bound, condition)

    heard = [each for each in world.said if (each.channel, each.key) == (channel.name, key)]
    recent = [each for each in heard if each.minute > begins or begins - each.minute < REPEAT]
    assert bool(recent) == channel.concerns(condition)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.sampled_from(KEYS), st.sampled_from(CHANNELS))
def test_what_is_new_is_told_within_the_grouping_time(after: int, key: str, channel: Channel) -> None:
    """With channels that work, a condition is told after the channel's own wait and the grouping time, never later."""
    world = World(RULES)
    world.until(after)
    condition = wrong(key, classes=CLASSES[key])

    world.until(after + 60, condition)

    begins = after + 1
    moments = [each.minute for each in world.said if (each.channel, each.key) == (channel.name, key)]
    expected = begins + channel.after // MINUTE + GROUP
    assert moments[:1] == ([expected] if channel.concerns(condition) else [])


@settings(max_examples=60, deadline=None)
@given(STRETCHES)
def test_nothing_is_told_twice_within_the_time_to_repeat(stretches: list[Stretch]) -> None:
    """A channel hears of a key again only after ``repeat``, because it became worse, or after its end was told."""
    world = lived(stretches)
    last: dict[tuple[str, str], int] = {}

    for each in world.said:
        place = (each.channel, each.key)
        if each.news is News.ENDED:
            assert last.pop(place, None) is not None
        else:
            assert place not in last or each.news is News.WORSE or each.minute - last[place] >= REPEAT
            last[place] = each.minute


@settings(max_examples=60, deadline=None)
@given(STRETCHES)
def test_whatever_was_told_is_told_to_be_over_once(stretches: list[Stretch]) -> None:
    """When all is well for long, every channel has heard of as many ends as beginnings of each condition."""
    world = lived(stretches)
    world.until(world.minute + LONGEST_PAUSE // MINUTE + 2 * REPEAT + GROUP + 1)

    open_ones: set[tuple[str, str]] = set()
    for each in world.said:
        place = (each.channel, each.key)
        if each.news is News.ENDED:
            open_ones.remove(place)
        elif each.news is News.BEGAN:
            assert place not in open_ones
            open_ones.add(place)
        else:
            assert place in open_ones

    assert set() == open_ones


@settings(max_examples=60, deadline=None)
@given(STRETCHES)
def test_a_restart_changes_nothing(stretches: list[Stretch]) -> None:
    """Whoever is restarted at any moment says exactly what they would have said otherwise."""
    always = [Stretch(1, s.severities, s.deaf, True) for s in stretches for _ in range(s.minutes)]
    never = [Stretch(s.minutes, s.severities, s.deaf, False) for s in stretches]

    assert lived(never).said == lived(always).said


@settings(max_examples=60, deadline=None)
@given(STRETCHES)
def test_the_state_reads_back_as_it_was_written(stretches: list[Stretch]) -> None:
    """Nothing that is remembered is lost in writing it down."""
    state = lived(stretches).state

    assert state == from_text(to_text(state))
