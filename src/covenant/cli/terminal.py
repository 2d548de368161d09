"""What is drawn on a terminal. Only those who sit at one load it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text


def draw_table(stream: IO[str], columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> None:
    """A table as wide as the terminal allows; long cells are folded, never cut off."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(file=stream, highlight=False).print(table)
