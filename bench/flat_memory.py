"""Whether memory stays flat as data grows: the peak at half, once and twice the media set.

``python -m bench.flat_memory [--scale 0.1] [--peers covenant,restic]``
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import datasets, disk, peers, place
from bench.errors import BenchError
from bench.lane import Lane
from bench.peers import Peer
from bench.works import Work

STEPS = (0.5, 1.0, 2.0)
WORKS = (Work.FIRST, Work.UNCHANGED, Work.CHECK, Work.RESTORE)
FLAT = 1.25
"""Memory at the last step is flat if it is at most this many times that at the first."""

Peaks = dict[tuple[str, Work], list[int]]


def main() -> int:
    """0 when every figure was had, 1 when a run failed."""
    told = _parser().parse_args()
    console = Console()
    try:
        chosen = peers.choose(told.peers.split(","), os.environ, told.covenant)
        with place.scratch(told.dir) as folder:
            peaks = _measure(chosen, folder, told.scale, console)
    except BenchError as error:
        console.print(f"bench: {error}", markup=False)
        return 1
    console.print(_table(peaks, told.scale))
    return 0


def _measure(chosen: list[Peer], folder: Path, scale: float, console: Console) -> Peaks:
    """Bytes for each peer and work, one for each step."""
    peaks: Peaks = {}
    for step in STEPS:
        disk.require(folder, round(3 * datasets.SETS["media"].total * scale * step))
        console.print(f"media x {scale * step:g}: {', '.join(peer.name for peer in chosen)}")
        datasets.make(datasets.SETS["media"], folder / "source", scale * step)
        for peer in chosen:
            for work, peak in _peaks(Lane(peer, folder / peer.name, folder / "source")):
                peaks.setdefault((peer.name, work), []).append(peak)
    return peaks


def _peaks(lane: Lane) -> Iterator[tuple[Work, int]]:
    lane.open()
    for work in WORKS:
        yield work, lane.work(work).memory
    lane.close()


def _table(peaks: Peaks, scale: float) -> Table:
    table = Table(title="media: peak memory, MiB", title_justify="left")
    for title in ("who", "work", *(f"x {scale * step:g}" for step in STEPS), "growth", ""):
        table.add_column(title, justify="left" if title in ("who", "work", "") else "right")
    for (peer, work), values in peaks.items():
        growth = values[-1] / values[0]
        mark = "flat" if growth <= FLAT else "grows"
        table.add_row(peer, work, *(f"{value / (1 << 20):.0f}" for value in values), f"{growth:.2f}", mark)
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.flat_memory", description="Peak memory as data grow.")
    parser.add_argument("--peers", default="covenant,restic")
    parser.add_argument("--scale", type=float, default=1.0, help="of the middle step (%(default)s)")
    parser.add_argument("--dir", type=Path, default=place.usual(), help="where the data lie (%(default)s)")
    parser.add_argument("--covenant", default=peers.default_covenant(), help="our command (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
