"""Several runs of the benchmark as one report."""

from __future__ import annotations

from typing import Any

import pytest

from bench.errors import BenchError
from bench.merge import merged
from bench.works import Work


def a_run(data: str, wall: float, version: str = "1") -> dict[str, Any]:
    """What one run wrote: a first backup of one set."""
    reading = {"wall": wall, "cpu": 1.0, "memory": 1, "largest": 1}
    sample = {"data": data, "work": "first", "peer": "covenant", "run": 1, "reading": reading, "stored": 1}
    return {
        "machine": "m",
        "versions": {"covenant": version},
        "options": {"scale": 1.0},
        "samples": [sample],
        "failures": [],
    }


def test_sets_that_were_measured_apart_stand_in_one_report() -> None:
    """Every set of every file is there, in the usual order."""
    report = merged([a_run("sql", 2.0), a_run("media", 1.0)])

    assert ["media", "sql"] == report.sets
    assert [2.0, 1.0] == [sample.reading.wall for sample in report.results.samples]


def test_a_set_that_was_measured_again_counts_once() -> None:
    """The later file replaces the earlier one; runs of different hours are not mixed."""
    spread = merged([a_run("sql", 2.0), a_run("sql", 3.0)]).results.spread("sql", Work.FIRST, "covenant", "wall")

    assert spread is not None
    assert (3.0, 1) == (spread.median, spread.count)


def test_different_versions_are_not_reported_together() -> None:
    """Figures of two versions in one table would compare what nobody measured."""
    with pytest.raises(BenchError):
        merged([a_run("sql", 2.0), a_run("media", 1.0, version="2")])
