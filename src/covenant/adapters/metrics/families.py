"""Metric families, gathered sample by sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Metric


class Families:
    """Samples by family, in the order in which families first appear."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}

    def gauge(
        self, name: str, about: str, labels: Mapping[str, str], value: float | timedelta | datetime | None
    ) -> None:
        """Add a sample of something that goes up and down. ``None`` is not known, and is no sample."""
        self._add(name, about, "gauge", name, labels, value)

    def counter(self, name: str, about: str, labels: Mapping[str, str], value: float) -> None:
        """Add a sample of something that only grows; ``name`` ends in ``_total``."""
        self._add(name.removesuffix("_total"), about, "counter", name, labels, value)

    def all(self) -> Iterable[Metric]:
        """Every family that has been named, also one without samples."""
        return self._families.values()

    def _add(
        self,
        family: str,
        about: str,
        kind: str,
        sample: str,
        labels: Mapping[str, str],
        value: float | timedelta | datetime | None,
    ) -> None:
        from prometheus_client import Metric

        if family not in self._families:
            self._families[family] = Metric(family, about, kind)
        if value is not None:
            self._families[family].add_sample(sample, dict(labels), _number(value))


def _number(value: float | timedelta | datetime) -> float:
    """Seconds, whatever they are written as."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.timestamp()
    return float(value)
