"""Promises laid over one another: the defaults, the class of the data, the customer's tier, the source itself.

A layer says some things and is silent about the rest. The later layer wins, key by key, and every value remembers where
it stood. Keys are written as in ``covenant.toml``: ``rpo``, ``schedule.log``, ``retention.keep_daily``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, Generic, TypeVar

from covenant.kernel import calendar
from covenant.kernel.durations import Span
from covenant.kernel.keep import COUNTED, Keep
from covenant.kernel.schedule import Blackout, Schedule

K = TypeVar("K", bound=str)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stated(Generic[T]):
    """A value, and where it was said: ``default``, or a line such as ``covenant.toml:12 (class critical)``."""

    value: T
    origin: str

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place says. ``name`` is ``default``, ``class critical``, ``tier enterprise``, ``source media``."""

    name: str
    said: Mapping[str, Stated[Any]] = field(default_factory=dict)


def by_default(name: str, **said: Any) -> Layer:
    """A layer that no file says; a double underscore stands for the dot of a key."""
    return Layer(name, {key.replace("__", "."): Stated(value, f"default ({name})") for key, value in said.items()})


def merged(layers: Sequence[Layer]) -> dict[str, Stated[Any]]:
    """What holds where the layers lie over one another, the last on top."""
    return {key: value for layer in layers for key, value in layer.said.items()}


def keep_of(said: Mapping[str, Stated[Any]]) -> Keep | None:
    """The rules of retention; ``None`` where none is left, and nothing is let go.

    A rule that is left out can only keep too much. What shall not be kept is switched off by 0 or by an empty list.
    """
    rules = {name: said[f"retention.keep_{name}"].value for name in RULES if f"retention.keep_{name}" in said}
    in_force = {name: value for name, value in rules.items() if value and not _no_length(value)}
    return _keep(tuple(in_force.items())) if in_force else None


@lru_cache(maxsize=1024)
def _keep(rules: tuple[tuple[str, Any], ...]) -> Keep:
    """Thousands of sources share a few rules, which are looked at once."""
    return Keep(**dict(rules))


def _no_length(value: object) -> bool:
    return isinstance(value, Span) and calendar.is_zero(value)


RULES = (*COUNTED, "within", "tags")
"""The rules of retention that can be written down, by the names that ``Keep`` has for them."""


def scheduled(said: Mapping[str, Stated[Any]], kinds: Sequence[K]) -> dict[K, Stated[Schedule]]:
    """The schedules that are in force, each in the zone, with the jitter and the blackouts that hold for all."""
    hours = (
        _said(said, "schedule.zone", "UTC"),
        _said(said, "schedule.jitter", timedelta()),
        _said(said, "schedule.blackouts", ()),
    )
    found = ((kind, said.get(f"schedule.{kind}")) for kind in kinds)
    return {
        kind: Stated(_within(each.value, *hours), each.origin)
        for kind, each in found
        if each is not None and each.value is not None
    }


@lru_cache(maxsize=4096)
def _within(schedule: Schedule, zone: str, jitter: timedelta, blackouts: tuple[Blackout, ...]) -> Schedule:
    return replace(schedule, zone=zone, jitter=jitter, blackouts=blackouts)


def _said(said: Mapping[str, Stated[Any]], key: str, otherwise: Any) -> Any:
    return said[key].value if key in said else otherwise
