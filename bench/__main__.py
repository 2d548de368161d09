"""``python -m bench``: measure, print the tables, write the JSON."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from bench import machine, peers, place
from bench.course import Course
from bench.datasets import SETS
from bench.errors import BenchError
from bench.report import Report
from bench.results import Results
from bench.works import Work

PEERS = ["covenant", "restic", "borg"]
RESULTS = Path(__file__).with_name("results")


def main() -> int:
    """0 when every run ended well, 1 when one failed, 2 when nothing could begin. Goals missed are told, not failed."""
    told = _parser().parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        chosen = peers.choose(told.peers, os.environ, told.covenant)
        about = {
            "machine": machine.describe(told.dir),
            "versions": {peer.name: peers.version(peer) for peer in chosen},
            "options": {"scale": told.scale, "runs": told.runs, "sets": told.sets, "work": told.work},
        }
        console.print(about["machine"], about["versions"])
        results = _measure(told, chosen, console)
    except BenchError as error:
        console.print(f"bench: {error}", markup=False)
        return 2
    except KeyboardInterrupt:
        console.print("bench: interrupted; no figures")
        return 130
    report = Report(results, told.sets, [Work(word) for word in told.work], told.peers)
    report.show(console)
    report.write(told.json, about)
    console.print(f"All figures: {told.json}")
    return 1 if results.failures else 0


def _measure(told: argparse.Namespace, chosen: list[peers.Peer], console: Console) -> Results:
    """Every set in turn. An interrupted run removes its data and has no result."""
    results = Results([], [])
    begun = time.monotonic()

    def say(line: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - begun), 60)
        console.print(f"{minutes:3}:{seconds:02} {line}", markup=False, highlight=False, soft_wrap=True)

    guess = sum(SETS[name].estimate(told.scale, len(chosen)) for name in told.sets) * told.runs / 60
    say(f"all of this takes about {guess:.0f} minutes on two cores, less with less --work")
    with place.scratch(told.dir) as folder:
        for name in told.sets:
            works = [Work(word) for word in told.work]
            Course(SETS[name], chosen, works, told.runs, told.scale, folder, os.environ, results, say).go()
    return results


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Covenant beside restic and borg.")
    parser.add_argument("--sets", type=_list_of(list(SETS)), default=list(SETS), help=", ".join(SETS))
    parser.add_argument("--work", type=_list_of(list(Work)), default=list(Work), help=", ".join(Work))
    parser.add_argument("--peers", type=_list_of(PEERS), default=PEERS, help=", ".join(PEERS))
    parser.add_argument("--runs", type=int, default=5, help="repetitions (%(default)s)")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="size of the data; 0.02 for a quick look (%(default)s)"
    )
    parser.add_argument("--dir", type=Path, default=place.usual(), help="where the data lie (%(default)s)")
    parser.add_argument("--json", type=Path, default=RESULTS / time.strftime("%Y%m%d-%H%M%S.json"), help="the figures")
    parser.add_argument("--covenant", default=peers.default_covenant(), help="our command (%(default)s)")
    return parser


def _list_of(known: list[str]) -> Callable[[str], list[str]]:
    """An option's type: names from ``known``, with commas between them."""

    def split(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"no '{unknown[0]}'; there are {', '.join(known)}")
        return names

    return split


if __name__ == "__main__":
    sys.exit(main())
