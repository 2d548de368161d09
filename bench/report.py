"""The tables that people read, and the JSON that programs read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.goals import OURS, RESTIC, Verdict, verdicts
from bench.results import FLOOR, MEASURES, Results, Spread
from bench.works import Work

SHOWN = {"wall": "wall s", "cpu": "CPU s", "memory": "memory MiB", "stored": "stored MiB"}


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured, and what had been asked for."""

    results: Results
    sets: list[str]
    works: list[Work]
    peers: list[str]

    def show(self, console: Console) -> None:
        """One table for each set, one of the goals, and what failed."""
        for data in self.sets:
            console.print(_figures(self.results, data, self.peers))
        if OURS in self.peers:
            judged = self._verdicts()
            console.print(_goals(judged))
            console.print(f"{sum(each.met for each in judged)} of {len(judged)} goals met.")
        for failure in self.results.failures:
            said = f"FAILED: {failure.data}, {failure.work}, {failure.peer}: {failure.message}"
            console.print(said, markup=False, soft_wrap=True)

    def write(self, path: Path, about: dict[str, object]) -> None:
        """Everything as JSON: the machine, every run, the medians and the goals. Seconds and bytes."""
        whole = {
            **about,
            "samples": [asdict(each) for each in self.results.samples],
            "failures": [asdict(each) for each in self.results.failures],
            "medians": list(_medians(self.results, self.sets, [*self.peers, FLOOR])),
            "goals": [{**asdict(each), "met": each.met} for each in self._verdicts()],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(whole, indent=1) + "\n")

    def _verdicts(self) -> list[Verdict]:
        return list(verdicts(self.results, self.sets, self.works)) if OURS in self.peers else []


def _figures(results: Results, data: str, peers: list[str]) -> Table:
    table = Table(title=f"{data}: median (lowest-highest)", title_justify="left")
    table.add_column("work")
    table.add_column("who")
    for title in SHOWN.values():
        table.add_column(title, justify="right")
    if OURS in peers and RESTIC in peers:
        table.add_column("ours / restic: wall, CPU, memory, stored", justify="right")
    for work in Work:
        label: str = work
        for peer in [*peers, FLOOR]:
            if results.failed(data, work, peer):
                table.add_row(label, peer, "failed")
            elif results.spread(data, work, peer, "wall"):
                table.add_row(label, peer, *_cells(results, data, work, peer))
            else:
                continue
            label = ""
        table.add_section()
    return table


def _cells(results: Results, data: str, work: Work, peer: str) -> Iterator[str]:
    for measure in SHOWN:
        spread = results.spread(data, work, peer, measure)
        yield _cell(spread, measure) if spread else ""
    if peer == OURS:
        ratios = (results.ratio(data, work, measure, OURS, RESTIC) for measure in SHOWN)
        yield "  ".join("-" if ratio is None else f"{ratio:.2f}" for ratio in ratios)


def _cell(spread: Spread, measure: str) -> str:
    unit, form = (1, ".2f") if measure in ("wall", "cpu") else (1 << 20, ".0f")
    middle, low, high = (f"{value / unit:{form}}" for value in (spread.median, spread.low, spread.high))
    return middle if measure == "stored" and low == high else f"{middle} ({low}-{high})"


def _goals(judged: list[Verdict]) -> Table:
    table = Table(title="goals: our median in units of another's, at most", title_justify="left")
    for title in ("set", "work", "measure", "against", "reached", "goal", ""):
        table.add_column(title, justify="right" if title in ("reached", "goal") else "left")
    for each in judged:
        goal = each.goal
        reached = "-" if each.reached is None else f"{each.reached:.2f}"
        table.add_row(each.data, each.work, goal.measure, goal.against, reached, f"{goal.limit:.2f}", _mark(each))
    return table


def _mark(verdict: Verdict) -> str:
    if verdict.reached is None:
        return "[yellow]? no figure[/]"
    if verdict.met:
        return "[green]✓ met[/]"
    return f"[red]✗ missed by {verdict.reached / verdict.goal.limit - 1:.0%}[/]"


def _medians(results: Results, sets: list[str], peers: list[str]) -> Iterator[dict[str, object]]:
    for data in sets:
        for work in Work:
            for peer in peers:
                found = {measure: results.spread(data, work, peer, measure) for measure in MEASURES}
                if spreads := {measure: asdict(spread) for measure, spread in found.items() if spread}:
                    yield {"data": data, "work": work, "peer": peer, **spreads}
