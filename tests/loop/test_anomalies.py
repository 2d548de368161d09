"""What is unlike a source's habit: told with its numbers, and not told where it is not known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from random import Random

from covenant.catalog.history import Habit, History
from covenant.kernel.findings import Finding
from covenant.loop.anomalies import anomalies
from tests.loop.worlds import NOON, a_past, a_policy, a_run, a_source, good, kept

ORDINARY = {
    "files": 1000,
    "bytes": 1 << 30,
    "files_new": 10,
    "files_changed": 20,
    "files_gone": 5,
    "added_bytes": 30 << 20,
    "stored_bytes": 10 << 20,
}


def ordinary(random: Random) -> Mapping[str, int]:
    """A backup like any other: its size varies a little, what changed by a third."""
    steady = {"files", "bytes"}
    return {
        name: round(count * random.uniform(*((0.95, 1.05) if name in steady else (0.67, 1.33))))
        for name, count in ORDINARY.items()
    }


def seen(last: Mapping[str, int], before: int = 12) -> tuple[Finding, ...]:
    """What is said of a last backup after so many ordinary ones."""
    random = Random(7)
    tallies = [last, *(ordinary(random) for _ in range(before))]
    habits = tuple(Habit("incremental", NOON - timedelta(hours=n), tally) for n, tally in enumerate(tallies))
    return anomalies(a_policy(a_source()), a_past(newest=kept(), habits=habits), NOON)


ATTACK = {**ORDINARY, "files_changed": 300, "files_new": 600, "files_gone": 600, "stored_bytes": 30 << 20}


def test_ordinary_backups_are_not_remarked() -> None:
    """Two hundred backups that vary as they do give no alarm."""
    random = Random(11)

    assert [()] * 200 == [seen(ordinary(random)) for _ in range(200)]


def test_an_encrypted_disk_is_told_with_numbers() -> None:
    """Many files changed, nothing new compresses, old names gone: one finding that says all three."""
    found = seen(ATTACK)

    assert ["like-ransomware"] == [finding.kind for finding in found]
    assert "90% files changed" in found[0].message
    assert "100% of the new bytes cannot be compressed" in found[0].message
    assert "38% files gone or renamed" in found[0].message


def test_one_sign_alone_is_told_as_that() -> None:
    """Many deletions by themselves are odd, and are no attack."""
    found = seen({**ORDINARY, "files": 700, "files_gone": 300})

    assert ["unlike-its-habit"] == [finding.kind for finding in found]


def test_media_that_never_compress_are_no_sign() -> None:
    """Where nothing ever compressed, that nothing does is the habit."""
    media = {**ORDINARY, "stored_bytes": ORDINARY["added_bytes"]}
    habits = tuple(Habit("incremental", NOON - timedelta(hours=n), media) for n in range(10))

    assert () == anomalies(a_policy(a_source()), a_past(newest=kept(), habits=habits), NOON)


def test_nothing_is_said_before_a_habit_is_known() -> None:
    """In a source's first runs everything is new, and nothing is odd."""
    assert () == seen(ATTACK, before=4)


def test_a_source_that_shrank_is_told() -> None:
    """Less than half of what there always was."""
    found = seen({**ORDINARY, "files": 400, "files_changed": 5, "files_new": 0, "files_gone": 10})

    assert ["source-shrank"] == [finding.kind for finding in found]
    assert "400 files are left" in found[0].message


def test_a_green_backup_of_nothing_is_told_at_once() -> None:
    """A mount that is missing backs up well and holds nothing: no habit is needed to say so."""
    found = seen({"files": 0, "bytes": 0}, before=1)

    assert "backup-empty" in [finding.kind for finding in found]


def test_a_clock_that_jumped_is_told() -> None:
    """What is dated ahead of now, or a year behind it, is a clock that went wrong on one of both sides."""

    def told(past: History) -> list[str]:
        return [finding.kind for finding in anomalies(a_policy(a_source()), past, NOON)]

    assert ["clock-went-back"] == told(a_past(newest=kept(time=NOON + timedelta(hours=2))))
    assert ["clock-jumped-ahead"] == told(a_past(newest=kept(time=NOON - timedelta(days=400))))
    assert [] == told(a_past(newest=kept(), past={"full": good(a_run())}))
