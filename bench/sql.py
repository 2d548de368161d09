"""The set ``sql``: 1 GiB of SQL text in one file, as a database's dump is. No two rows are alike."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO

from bench.entropy import Noise, dice, phrases

TOTAL = 1 << 30
NAME = "studio.sql"
BATCH = 10_000
"""Rows made at a time."""
COPY = 8 << 20
LONGEST = 300
"""Bytes of a row, at most."""
HEAD = b"""-- studio, complete dump
SET client_encoding = 'UTF8';
CREATE TABLE asset (id bigint PRIMARY KEY, token text, project int, taken timestamp, state text, title text, note text,
                    bytes int, price numeric);
"""
STATES = ("draft", "uploaded", "graded", "approved", "delivered", "archived", "paid", "refunded")

Edit = tuple[int, int, bytes]
"""(offset, bytes removed there, bytes put in their place)."""


def make(folder: Path, scale: float) -> None:
    """Write the whole set into the empty ``folder``."""
    left = int(TOTAL * scale) - len(HEAD)
    rows = Rows("sql")
    with (folder / NAME).open("wb") as file:
        file.write(HEAD)
        while left > 0:
            batch = rows.batch(BATCH)
            left -= file.write(batch if len(batch) <= left else batch[: batch.rfind(b"\n", 0, left) + 1])
            left = 0 if left < LONGEST else left


def change(folder: Path, turn: int, share: float) -> None:
    """Edit one row in about ``share`` of the file's mebibytes and insert rows of half that share in the middle.

    The dump is written anew and takes the old one's place, as the next day's dump does.
    """
    path = folder / NAME
    edits = sorted(_edits(path, turn, share))
    fresh = path.with_suffix(".new")
    with path.open("rb") as old, fresh.open("wb") as new:
        for at, removed, added in edits:
            _copy(old, new, at - old.tell())
            new.write(added)
            old.seek(removed, os.SEEK_CUR)
        _copy(old, new, path.stat().st_size - old.tell())
    fresh.replace(path)


def _edits(path: Path, turn: int, share: float) -> Iterator[Edit]:
    """Edits that do not overlap: one line each in places of 1 MiB, and one insertion in the middle."""
    size = path.stat().st_size
    rng = dice(f"sql/change/{turn}")
    rows = Rows(f"sql/change/{turn}")
    places = range(len(HEAD), size - (1 << 20), 1 << 20) or range(len(HEAD), size // 2, max(1, size // 2))
    middle = places[len(places) // 2]
    with path.open("rb") as file:
        for place in {*rng.sample(places, max(1, round(len(places) * share))), middle}:
            start, line = _line_after(file, place)
            inserted = rows.bytes(int(size * share / 2)) if place == middle else b""
            yield start, len(line), rows.batch(1) + inserted


def _line_after(file: BinaryIO, place: int) -> tuple[int, bytes]:
    """The first whole line after ``place``, and where it begins."""
    file.seek(place)
    file.readline()
    return file.tell(), file.readline()


def _copy(old: BinaryIO, new: BinaryIO, size: int) -> None:
    while size > 0:
        block = old.read(min(COPY, size))
        new.write(block)
        size -= len(block)


class Rows:
    """Rows of the table, one ``INSERT`` to a line: fields from stocks, and a number no other row has."""

    def __init__(self, label: str) -> None:
        self._noise = Noise(label)
        self._next = 1
        self._stocks = (*_stocks(), phrases("sql/titles", 1 << 13, 7) * 8, phrases("sql/notes", 1 << 13, 12) * 8)

    def batch(self, count: int) -> bytes:
        """``count`` rows. Every 16-bit number of the noise picks one field's value."""
        tokens = self._noise.take(count * 5).hex()
        picks = memoryview(self._noise.take(count * 8)).cast("H")
        heads, tails, titles, notes = self._stocks
        first, self._next = self._next, self._next + count
        return "".join(
            [
                f"INSERT INTO asset VALUES ({first + at},'{tokens[at * 10 : at * 10 + 10]}',"
                f"{heads[head]},'{titles[title]}','{notes[note]}',{tails[tail]}\n"
                for at, (head, tail, title, note) in enumerate(zip(*(picks[n::4] for n in range(4)), strict=True))
            ]
        ).encode()

    def bytes(self, size: int) -> bytes:
        """Whole rows of at least ``size`` bytes together."""
        made = [b""]
        while size > 0:
            made.append(self.batch(BATCH if size > 200 * BATCH else 100))
            size -= len(made[-1])
        return b"".join(made)


@cache
def _stocks() -> tuple[list[str], list[str]]:
    """What stands in a row before its texts, and what stands behind them."""
    rng = dice("sql/stocks")
    heads = [
        f"{rng.randrange(5000)},'2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d} "
        f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:00','{rng.choice(STATES)}'"
        for _ in range(1 << 16)
    ]
    tails = [f"{rng.randrange(1 << 22)},{rng.randrange(50_000) / 100:.2f});" for _ in range(1 << 16)]
    return heads, tails
