"""Telling, case by case: once, together, again, worse, over, and through whom."""

from __future__ import annotations

from datetime import timedelta

from covenant.respond.alert import Channel, News
from covenant.respond.alerts import FAILS_AFTER
from covenant.respond.condition import Severity
from tests.respond.telling_by_hand import NOON, World, rules, wrong


def test_what_lasts_is_told_once() -> None:
    """A condition that is there at every look is told at the first moment and not at every look."""
    world = World(rules())

    world.until(600, wrong())

    assert [(2, News.BEGAN)] == world.told()


def test_what_appears_together_is_one_message() -> None:
    """Alerts that begin within the grouping time go out as one message."""
    world = World(rules(group_for=3))

    world.until(2, wrong("a"))
    world.until(60, wrong("a"), wrong("b"))

    assert [["a", "b"]] == [[item.key for item in message.items] for message in world.messages]


def test_a_blip_is_not_told() -> None:
    """What is gone before the grouping time has passed was never told, so its end is not told either."""
    world = World(rules(group_for=5))

    world.until(3, wrong())
    world.until(600)

    assert [] == world.said


def test_what_lasts_is_repeated() -> None:
    """After ``repeat``, and not before, a condition that is still there is told again."""
    world = World(rules(repeat=60))

    world.until(130, wrong())

    assert [(2, News.BEGAN), (63, News.LASTS), (124, News.LASTS)] == world.told()


def test_the_end_is_told_once_to_whoever_was_told() -> None:
    """A condition that stays away is told to be over, to those channels alone that had heard of it."""
    world = World(rules(Channel("mail"), Channel("phone", after=timedelta(minutes=30))))

    world.until(10, wrong())
    world.until(600)

    assert [(2, News.BEGAN), (17, News.ENDED)] == world.told("mail")
    assert [] == world.told("phone")


def test_escalation_waits_for_others_to_resolve_it() -> None:
    """A channel with ``after`` hears of a condition only when it has lasted that long."""
    world = World(rules(Channel("mail"), Channel("phone", after=timedelta(minutes=30))))

    world.until(60, wrong())

    assert [(2, News.BEGAN)] == world.told("mail")
    assert [(32, News.BEGAN)] == world.told("phone")


def test_a_channel_hears_its_classes_and_what_concerns_everyone() -> None:
    """A channel for one class hears of that class and of conditions without one."""
    world = World(rules(Channel("mail", classes=("critical",))))

    world.until(60, wrong("a"), wrong("b", classes=("operational",)), wrong("c", classes=()))

    assert ["a", "c"] == [each.key for each in world.said]


def test_a_channel_for_the_severe_hears_when_it_becomes_so() -> None:
    """What is below a channel's severity is told to it from when it is no longer below, and not as old news."""
    world = World(rules(Channel("phone", severity=Severity.CRITICAL, after=timedelta(minutes=10))))

    world.until(100, wrong(severity=Severity.WARNING))
    world.until(200, wrong())

    assert [(112, News.BEGAN)] == world.told("phone")


def test_getting_worse_is_told_before_the_time_to_repeat() -> None:
    """A warning that becomes critical is told at once, and told only once however it flutters."""
    world = World(rules())

    world.until(10, wrong(severity=Severity.WARNING))
    for minute in range(11, 100):
        world.until(minute, wrong(severity=Severity.CRITICAL if minute % 2 else Severity.WARNING))

    assert [(2, News.BEGAN), (12, News.WORSE)] == world.told()


def test_one_that_flutters_is_told_once() -> None:
    """A condition that comes and goes faster than the quiet time is one alert."""
    world = World(rules(quiet=5))

    for minute in range(1, 300):
        world.until(minute, *([wrong()] if minute % 6 < 3 else []))

    assert 1 == len(world.said)


def test_one_that_keeps_coming_back_must_stay_away_longer() -> None:
    """Ten minutes wrong, ten minutes well, for a day: the ends become rarer instead of coming every twenty minutes."""
    world = World(rules(quiet=5))

    for minute in range(1, 1440):
        world.until(minute, *([wrong()] if minute % 20 < 10 else []))

    assert [News.BEGAN, News.ENDED, News.BEGAN] == [news for _, news in world.told()]


def test_a_deaf_channel_is_tried_again_with_growing_pauses() -> None:
    """A message that does not arrive is tried again, ever more rarely, and arrives when the channel is back."""
    world = World(rules())

    world.until(20, wrong(), deaf=["mail"])
    failures = world.state.failing["mail"].failures
    world.until(60, wrong())

    assert 5 == failures  # at minutes 2, 3, 5, 9 and 17
    assert [(33, News.BEGAN)] == world.told()
    assert {} == dict(world.state.failing)


def test_a_deaf_channel_is_told_through_the_others() -> None:
    """A channel that fails several times in a row is a condition of its own, with what to do; it passes with it."""
    world = World(rules(Channel("mail"), Channel("phone")))

    world.until(30, wrong(), deaf=["phone"])
    world.until(120, wrong())

    about = [each for each in world.said if each.key == "channel/phone"]
    assert [("mail", News.BEGAN), ("mail", News.ENDED)] == [(each.channel, each.news) for each in about]
    told = next(item for message in world.messages for item in message.items if item.key == "channel/phone")
    assert "connection refused" in told.alert.condition.text
    assert "covenant alerts test phone" in told.alert.condition.hint


def test_a_single_failure_of_a_channel_is_not_worth_a_message() -> None:
    """A channel must fail several times in a row before others hear of it."""
    world = World(rules(Channel("mail"), Channel("phone")))

    world.until(2, wrong(), deaf=["phone"])
    world.until(60, wrong())

    assert FAILS_AFTER > 1
    assert {"source/orders/rpo"} == {each.key for each in world.said}


def test_a_deaf_channel_with_nothing_to_hear_is_tried() -> None:
    """A channel that others were told is deaf is tried by itself, so that the word of its end is never a guess."""
    world = World(rules(Channel("mail"), Channel("phone")))
    world.until(10, wrong(), deaf=["phone"])

    world.until(60, deaf=["phone"])
    still = "phone" in world.state.failing
    world.until(200)

    assert still
    assert () == world.messages[-2].items
    assert ("mail", "channel/phone", News.ENDED) == (
        world.said[-1].channel,
        world.said[-1].key,
        world.said[-1].news,
    )


def test_a_clock_set_back_silences_nothing() -> None:
    """When the clock turns back by a year, what begins is told as soon as ever, and reminders and ends come."""
    world = World(rules(repeat=60))
    world.until(10, wrong("a"))

    world.minute -= 365 * 1440
    world.until(world.minute + 70, wrong("a"), wrong("b"))
    world.until(world.minute + 10)

    start = 10 - 365 * 1440
    said = [(each.minute - start, each.key, each.news) for each in world.said[1:]]
    assert [
        (2, "b", News.BEGAN),
        (62, "a", News.LASTS),
        (62, "b", News.LASTS),
        (77, "a", News.ENDED),
        (77, "b", News.ENDED),
    ] == said


def test_of_two_conditions_with_one_key_the_more_severe_counts() -> None:
    """A key that occurs twice is one alert, as severe as the worse of the two."""
    world = World(rules())

    world.until(5, wrong(), wrong(severity=Severity.INFO))

    assert [Severity.CRITICAL] == [message.severity for message in world.messages]


def test_what_is_over_is_forgotten() -> None:
    """Nothing is remembered for ever of what has ended and was told so."""
    world = World(rules(repeat=60))

    world.until(10, wrong())
    world.until(100)

    assert {} == dict(world.state.alerts)


def test_a_channel_that_is_no_more_is_no_longer_waited_for() -> None:
    """The end of a condition is not owed for ever to a channel that was taken out of the rules."""
    world = World(rules(repeat=60))
    world.until(10, wrong())

    world.rules = rules(Channel("other"), repeat=60)
    world.until(100)

    assert {} == dict(world.state.alerts)


def test_a_new_channel_hears_what_is_wrong_already() -> None:
    """A channel that is added is told what is wrong at that time."""
    world = World(rules())
    world.until(10, wrong())

    world.rules = rules(Channel("mail"), Channel("chat"))
    world.until(20, wrong())

    assert [(11, News.BEGAN)] == world.told("chat")


def test_who_dies_after_sending_tells_it_again() -> None:
    """A message that was sent and not remembered is told twice, rather than perhaps never."""
    world = World(rules())
    world.until(1, wrong())

    world.minute = 2
    world.look(wrong(), dies=True)
    world.restart()
    world.until(60, wrong())

    assert [(2, News.BEGAN), (3, News.BEGAN)] == world.told()
    assert NOON < world.messages[0].at
