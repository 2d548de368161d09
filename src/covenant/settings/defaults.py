"""The classes of data that exist without being written down.

Their objectives are those of the platforms that Covenant was made for: financial data may lose fifteen minutes, what
users made an hour, configuration a day; critical systems are back within an hour, important ones within four, the rest
within a day. Every class keeps seven days in full, and weekly, monthly and yearly snapshots by its weight.
"""

from __future__ import annotations

from datetime import timedelta

from covenant.kernel.durations import Span
from covenant.kernel.keep import Keep
from covenant.settings.values import DataClass, Objectives

_WEEK = Span(days=7)

CLASSES = {
    "critical": DataClass(
        "critical",
        Objectives(rpo=timedelta(minutes=15), rto=timedelta(hours=1)),
        Keep(within=_WEEK, daily=7, weekly=4, monthly=12, yearly=2),
    ),
    "important": DataClass(
        "important",
        Objectives(rpo=timedelta(hours=1), rto=timedelta(hours=4)),
        Keep(within=_WEEK, daily=7, weekly=4, monthly=12),
    ),
    "operational": DataClass(
        "operational",
        Objectives(rpo=timedelta(hours=24), rto=timedelta(hours=24)),
        Keep(within=_WEEK, daily=7, weekly=4),
    ),
}
