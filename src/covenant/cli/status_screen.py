"""The one screen that says how things stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from covenant.catalog.records import Advance, Run
from covenant.cli import formats
from covenant.cli.output import Output, clean
from covenant.kernel.clock import Clock
from covenant.kernel.durations import format_interval
from covenant.kernel.findings import Finding
from covenant.kernel.standing import (
    DrillStanding,
    RegionStanding,
    SourceStanding,
    Standing,
    VaultStanding,
    Verdict,
)

if TYPE_CHECKING:
    from rich.console import RenderableType

STYLES = {Verdict.KEPT: "green", Verdict.AT_RISK: "yellow", Verdict.BROKEN: "bold red"}
_COLUMNS = (
    "Source",
    "Class",
    "Verdict",
    "RPO",
    "Reached",
    "RTO",
    "Forecast",
    "Last backup",
    "Proof",
    "Copies",
    "Next due",
)
_VAULT_COLUMNS = ("Vault", "Region", "Verdict", "Copies", "Lag", "Objects", "Counted", "Read back")
_DRILL_COLUMNS = ("Drills", "What", "Verdict", "Last held", "Came to", "Missed", "Next due")


@dataclass(frozen=True, slots=True)
class Screen:
    """What is shown."""

    standing: Standing
    oddities: tuple[Finding, ...] = ()
    running: tuple[tuple[Run, Advance | None], ...] = ()


def show(output: Output, screen: Screen) -> None:
    """Show it once: coloured on a terminal, aligned text in a pipe."""
    if output.json:
        return
    if output.out.isatty():
        from rich.console import Console

        Console(file=output.out, highlight=False).print(drawn(screen))
        return
    output.table(_COLUMNS, (cells(each, screen.standing.at) for each in screen.standing.sources))
    output.table(
        _VAULT_COLUMNS, (row for each in screen.standing.vaults for row in vault_cells(each, screen.standing.at))
    )
    if screen.standing.drills:
        output.table(_DRILL_COLUMNS, (drill_cells(each, screen.standing.at) for each in screen.standing.drills))
    for line in remarks(screen):
        output.result(clean(line))


def watch(look: Callable[[], Screen], clock: Clock, seconds: float) -> None:
    """Show it again and again, until interrupted."""
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(highlight=False), screen=False, auto_refresh=False) as live:
        try:
            while True:
                live.update(drawn(look()), refresh=True)
                clock.sleep(seconds)
        except KeyboardInterrupt:
            return


# -- in words ---------------------------------------------------------------------------------------------------------


def cells(source: SourceStanding, now: datetime) -> tuple[str, ...]:
    """One source as a row."""
    return (
        source.source,
        source.data_class,
        str(source.verdict),
        format_interval(source.rpo),
        _known(source.rpo_reached, formats.age),
        format_interval(source.rto),
        _known(source.rto_at_most, lambda most: f"up to {formats.seconds(most.total_seconds())}"),
        _known(source.last_backup, formats.local),
        source.last_proof_verdict or "none yet",
        f"{_known(source.copies_reached, str)} of {source.copies}",
        _due(source.next_due, now),
    )


def vault_cells(vault: VaultStanding, now: datetime) -> Iterator[tuple[str, ...]]:
    """The regions of a vault as rows."""
    for region in vault.regions:
        counted = region.counted_at
        yield (
            vault.vault,
            region.region,
            str(vault.verdict),
            "not known" if counted is None else "whole" if region.whole else "not whole",
            "" if counted is None else _known(region.lag, formats.age),
            "" if counted is None else formats.number(region.objects),
            "" if counted is None else f"{formats.age(now - counted)} ago",
            read_back(region, vault.verify_within, now),
        )


def read_back(region: RegionStanding, within: timedelta | None, now: datetime) -> str:
    """How much of a region is proved, and how long that waits which waits longest, of the time that was promised."""
    if region.proved is None:
        return "never" if within else ""
    said = [f"{int(100 * region.proved)} %"]
    if region.proved_since is not None:
        age = now - region.proved_since
        said = ["overdue"] if within and age > within else said
        said.append(f"oldest {formats.age(age)}" + (f" of {format_interval(within)}" if within else ""))
    if region.archived:
        said.append(f"{region.archived:,} archived")
    return ", ".join(said)


def drill_cells(drill: DrillStanding, now: datetime) -> tuple[str, ...]:
    """The drills of one level as a row."""
    return (
        drill.level,
        drill.what,
        str(drill.verdict),
        "never" if drill.last_held is None else formats.local(drill.last_held),
        drill.last_result or "none yet",
        formats.number(len(drill.missed)),
        _due(drill.next_due, now),
    )


def remarks(screen: Screen) -> Iterator[str]:
    """Why, where it is not plainly kept; what is odd; what is at work; and what it comes to."""
    named = [
        *((each.source, each.because) for each in screen.standing.sources),
        *((each.vault, each.because) for each in screen.standing.vaults),
        *((f"{each.level} drills", each.because) for each in screen.standing.drills),
    ]
    for name, because in named:
        yield from (f"{name}: {why.verdict}: {why}" for why in because)
    for source in screen.standing.sources:
        if source.log_until is not None:
            ago = formats.age(screen.standing.at - source.log_until)
            yield f"{source.source}: change log kept until {formats.local(source.log_until)}, {ago} ago"
    yield from (f"{finding.subject}: odd: {finding.message}" for finding in screen.oddities)
    yield from (at_work(run, advance) for run, advance in screen.running)
    yield f"in all: {screen.standing.verdict}"


def at_work(run: Run, advance: Advance | None) -> str:
    """A run under way, in one line."""
    said = f"run {run.id}: {run.kind} of {run.subject} is at work"
    if advance is None:
        return said
    share = f", {min(99, 100 * advance.bytes // advance.expected_bytes)} %" if advance.expected_bytes else ""
    return f"{said}, {formats.counted(advance.files, 'file')}, {formats.size(advance.bytes)}{share}"


def _known(value: Any, spell: Callable[[Any], str]) -> str:
    return "?" if value is None else spell(value)


def _due(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    return "now" if moment <= now else f"in {formats.age(moment - now + timedelta(milliseconds=500))}"


# -- in colour --------------------------------------------------------------------------------------------------------


def drawn(screen: Screen) -> RenderableType:
    """The same for a terminal, red where a promise is broken."""
    from rich.console import Group
    from rich.text import Text

    now = screen.standing.at
    verdict = screen.standing.verdict
    return Group(
        _table(_COLUMNS, [(cells(each, now), each.verdict) for each in screen.standing.sources]),
        Text(),
        _table(
            _VAULT_COLUMNS, [(row, each.verdict) for each in screen.standing.vaults for row in vault_cells(each, now)]
        ),
        *_drawn_drills(screen),
        Text(),
        *(Text(clean(line)) for line in list(remarks(screen))[:-1]),
        Text(f"in all: {verdict}", style=STYLES.get(verdict, "")),
    )


def _drawn_drills(screen: Screen) -> list[RenderableType]:
    from rich.text import Text

    rows = [(drill_cells(each, screen.standing.at), each.verdict) for each in screen.standing.drills]
    return [Text(), _table(_DRILL_COLUMNS, rows)] if rows else []


def _table(columns: tuple[str, ...], rows: list[tuple[tuple[str, ...], Verdict]]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(name, overflow="fold")
    for row, verdict in rows:
        table.add_row(*(Text(clean(cell)) for cell in row), style=STYLES.get(verdict, ""))
    return table
