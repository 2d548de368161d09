"""``python -m bench.merge FILE…``: one report of several runs, so that the sets can be measured one at a time.

Figures of different runs do not belong side by side. So a set's work comes whole from one file, with everyone who took
turns in it: where two files have it, the later one named counts.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.datasets import SETS
from bench.errors import BenchError
from bench.meter import Reading
from bench.report import Report
from bench.results import Failure, Results, Sample
from bench.works import Work

RESULTS = Path(__file__).with_name("results")
TOLD = ("machine", "versions", "options")
"""What each run says of itself."""


def main(names: list[str]) -> int:
    """0 when every run ended well, 1 when one failed, 2 when the files do not belong together."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        runs = [json.loads(Path(name).read_text()) for name in names]
        report = merged(runs)
    except (BenchError, OSError, ValueError) as error:
        console.print(f"bench.merge: {error}", markup=False)
        return 2
    report.show(console)
    into = RESULTS / time.strftime("merged-%Y%m%d-%H%M%S.json")
    report.write(into, {"merged": names, **{word: [run[word] for run in runs] for word in TOLD}})
    console.print(f"All figures: {into}")
    return 1 if report.results.failures else 0


def merged(runs: Iterable[dict[str, Any]]) -> Report:
    """The report of several runs. Raises ``BenchError`` where they are none, or of different programs."""
    runs = list(runs)
    if not runs:
        raise BenchError("no file is named; give those of bench/results that belong together")
    if len({json.dumps([run["versions"], run["options"]["scale"]], sort_keys=True) for run in runs}) > 1:
        raise BenchError("the files are of different versions of the programs, or of different scales")
    samples: dict[tuple[str, str], list[Sample]] = {}
    failures: dict[tuple[str, str], list[Failure]] = {}
    for run in runs:
        for key in {(each["data"], each["work"]) for each in (*run["samples"], *run["failures"])}:
            samples[key] = [_sample(each) for each in run["samples"] if key == (each["data"], each["work"])]
            failures[key] = [_failure(each) for each in run["failures"] if key == (each["data"], each["work"])]
    results = Results(
        [one for some in samples.values() for one in some], [one for some in failures.values() for one in some]
    )
    measured = {data for data, _ in samples}
    works = {work for _, work in samples}
    return Report(
        results,
        [name for name in SETS if name in measured],
        [work for work in Work if work in works],
        list(dict.fromkeys(peer for run in runs for peer in run["versions"])),
    )


def _sample(told: dict[str, Any]) -> Sample:
    return Sample(**{**told, "work": Work(told["work"]), "reading": Reading(**told["reading"])})


def _failure(told: dict[str, Any]) -> Failure:
    return Failure(**{**told, "work": Work(told["work"])})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
