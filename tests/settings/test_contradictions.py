"""A policy that cannot keep its own promise is told so, with the smallest change that mends it."""

from __future__ import annotations

from typing import Any

import pytest

from covenant.kernel.contradictions import contradictions
from tests.settings.policies import changed, document, policy

MEDIA = "sources.media"
CASES: list[tuple[str, list[tuple[str, str, Any]], str, str]] = [
    # rule, what is written, what the reason says, the key of the mend
    (
        "rpo-gap",
        [(MEDIA, "rpo", "15m"), (MEDIA, "schedule.log", "0 * * * *")],
        "15m may be lost",
        "schedule.incremental",
    ),
    (
        "rpo-gap",
        [(MEDIA, "rpo", "15m"), (MEDIA, "schedule.incremental", "every 1h")],
        "up to 1h",
        "schedule.incremental",
    ),
    ("rpo-gap", [(MEDIA, "rpo", "30m")], "leaves it no time", "schedule.incremental"),
    ("rpo-gap", [(MEDIA, "schedule.blackouts", ["08:00-10:00"])], "up to 2h", "rpo"),
    (
        "rpo-gap",
        [(MEDIA, "schedule", {"full": "never", "incremental": "never"})],
        "nothing",
        "schedule.incr",
    ),
    ("rpo-gap", [(MEDIA, "rpo", "1m")], "at most once a minute", "rpo"),
    ("rpo-zero", [(MEDIA, "rpo", "0s")], "no rpo of zero", "rpo"),
    ("rto-zero", [(MEDIA, "rto", "0s")], "no rto of zero", "rto"),
    ("no-full", [(MEDIA, "schedule.full", "never")], "reads everything", "schedule.full"),
    (
        "swallowed",
        [(MEDIA, "rpo", "8h"), (MEDIA, "schedule.blackouts", ["01:00-05:00"])],
        "falls into a blackout",
        "schedule.full",
    ),
    ("retention-window", [(MEDIA, "window", "30d")], "kept for 2w only", "retention.keep_within"),
    (
        "retention-window",
        [(MEDIA, "retention.keep_within", "0d"), (MEDIA, "retention.keep_daily", 30)],
        "kept for 0s only",
        "retention.keep_within",
    ),
    ("copies-regions", [(MEDIA, "copies", 3)], "3 copies are promised", "copies"),
    ("acknowledge-regions", [("vault", "acknowledge", 3)], "in 3 regions, and there are 2", "acknowledge"),
    ("immutable-retention", [(MEDIA, "immutable", "60d")], "nobody may delete for 60d", "retention.keep_within"),
    (
        "immutable-nowhere",
        [(MEDIA, "immutable", "7d"), ("vault.regions.near", "immutable", None)],
        "no region can see to that",
        "regions.near.immutable",
    ),
    ("tier-lowers", [("tiers.enterprise", "window", "3d")], "window is 3d and was 1w", "window"),
    ("tier-lowers", [("tiers.enterprise", "copies", 1)], "copies is 1 and was 2", "copies"),
    ("tier-lowers", [("tiers.enterprise", "rto", "8h")], "rto is 8h and was 4h", "rto"),
    ("verify-gap", [("vault", "chores.verify", "never")], "nothing is scheduled that reads it", "chores.verify"),
    ("verify-gap", [("vault", "verify_within", "2d"), ("vault", "chores.verify", "every 12h")], "up to 12h", "chores"),
    (
        "swallowed",
        [("vault", "chores.blackouts", ["06:30-08:00"])],
        "falls into",
        "chores.check",
    ),
]


def test_a_sound_policy_contradicts_nothing() -> None:
    """Where every promise can be kept, nothing is told."""
    assert () == contradictions(policy(document()))


@pytest.mark.parametrize(("rule", "written", "reason", "mend"), CASES)
def test_a_contradiction_is_told_and_its_mend_mends_it(
    rule: str, written: list[tuple[str, str, Any]], reason: str, mend: str
) -> None:
    """The reason and the mend are named, and with its mends written the policy contradicts nothing."""
    tables = document()
    for table, key, value in written:
        tables = changed(tables, table, key, value)

    found = contradictions(policy(tables))

    told = next(each for each in found if each.rule == rule and mend in each.mend.key)
    assert reason in told.reason
    assert told.origins
    for _ in range(4):
        for each in contradictions(policy(tables)):
            tables = changed(tables, each.mend.subject, each.mend.key, each.mend.value)
    assert () == contradictions(policy(tables))


def test_one_mend_is_enough_for_one_contradiction() -> None:
    """A mend removes what it is for, and brings nothing new."""
    tables = changed(document(), MEDIA, "schedule.incremental", "every 4h")
    (told,) = contradictions(policy(tables))

    mended = changed(tables, told.mend.subject, told.mend.key, told.mend.value)

    assert "sources.media: schedule.incremental = 'every 30m'" == str(told.mend)
    assert () == contradictions(policy(mended))


def test_the_defaults_contradict_nothing() -> None:
    """Every class that exists without being written down keeps its own promises."""
    tables = document("[vault]\nurl = '/v'\n")
    for name in ("critical", "important", "operational"):
        tables = changed(tables, "sources", name, {"kind": "files", "path": "/x", "class": name})

    assert () == contradictions(policy(tables))
