"""What holds without being written down: the classes of data, their schedules, and the chores of a vault.

The objectives are those of the platforms that Covenant was made for: financial data may lose fifteen minutes, what
users made an hour, configuration a day; critical systems are back within an hour, important ones within four, the rest
within a day. Every class keeps seven days in full, and weekly, monthly and yearly snapshots by its weight. Backups are
more frequent than the objectives, for each takes its time.
"""

from __future__ import annotations

from datetime import timedelta

from covenant.kernel.durations import Span
from covenant.kernel.layers import by_default
from covenant.kernel.policy import ChoreKind
from covenant.kernel.schedule import Schedule
from covenant.settings.values import DataClass

_WEEK = Span(days=7)
_WEEKLY, _DAILY, _MONTHLY = Schedule(cron="0 2 * * Sun"), Schedule(cron="0 3 * * *"), Schedule(cron="0 4 1 * *")

EVERYTHING = by_default(
    "everything",
    window=timedelta(),
    copies=1,
    priority=5,
    immutable=timedelta(),
    continuous=False,
    schedule__full=_WEEKLY,
    schedule__incremental=_DAILY,
    schedule__zone="UTC",
    schedule__jitter=timedelta(),
    schedule__blackouts=(),
)
"""The lowest layer, below every class."""

KINDS = {"postgres": by_default("kind postgres", continuous=True)}
"""What holds for a kind of source, above everything and below its class."""

_CLASSES = (
    by_default(
        "class critical",
        rpo=timedelta(minutes=15),
        rto=timedelta(hours=1),
        window=timedelta(days=7),
        priority=1,
        schedule__differential=_DAILY,
        schedule__incremental=Schedule(cron="0 15 * * *"),
        schedule__log=Schedule(every=timedelta(minutes=5)),
        schedule__archive=_MONTHLY,
        retention__keep_within=_WEEK,
        retention__keep_daily=7,
        retention__keep_weekly=4,
        retention__keep_monthly=12,
        retention__keep_yearly=2,
    ),
    by_default(
        "class important",
        rpo=timedelta(hours=1),
        rto=timedelta(hours=4),
        window=timedelta(days=7),
        priority=2,
        schedule__incremental=Schedule(every=timedelta(minutes=30)),
        schedule__archive=_MONTHLY,
        retention__keep_within=_WEEK,
        retention__keep_daily=7,
        retention__keep_weekly=4,
        retention__keep_monthly=12,
    ),
    by_default(
        "class operational",
        rpo=timedelta(hours=24),
        rto=timedelta(hours=24),
        window=timedelta(days=7),
        priority=3,
        schedule__incremental=Schedule(every=timedelta(hours=12)),
        retention__keep_within=_WEEK,
        retention__keep_daily=7,
        retention__keep_weekly=4,
    ),
)

CLASSES = {
    layer.name.removeprefix("class "): DataClass.merged(layer.name.removeprefix("class "), (EVERYTHING, layer))
    for layer in _CLASSES
}

CHORES: dict[ChoreKind, Schedule] = {
    "forget": Schedule(cron="0 5 * * *"),
    "prune": Schedule(cron="0 6 * * Sun"),
    "sync": Schedule(every=timedelta(minutes=15)),
    "check": Schedule(cron="0 7 * * *"),
    "lock": Schedule(cron="30 5 * * *"),
    "verify": Schedule(every=timedelta(hours=1)),
}
"""When a vault looks after itself."""

VERIFY_WITHIN = timedelta(days=30)
"""The time within which every byte is read back in every region."""

GROUP_FOR, REPEAT = timedelta(minutes=1), timedelta(hours=6)
"""How long alerts wait for more of the same, and how often they are told again."""
