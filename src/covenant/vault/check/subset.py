"""Which packs a check reads whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from covenant.kernel.errors import UsageError

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d+)([KMGT]?)", re.I)


class Subset(Protocol):
    """A choice of packs."""

    def choose(self, packs: Sequence[tuple[bytes, int]], rng: Random) -> list[int]:
        """The indexes of the chosen ones among ``packs``: (id, size in bytes) each."""
        ...


@dataclass(frozen=True, slots=True)
class All:
    """Every pack."""

    def choose(self, packs: Sequence[tuple[bytes, int]], rng: Random) -> list[int]:
        return list(range(len(packs)))


@dataclass(frozen=True, slots=True)
class Part:
    """The ``n``-th of ``t`` parts, by the first byte of the pack's id: after all parts, every pack was read."""

    n: int
    t: int

    def choose(self, packs: Sequence[tuple[bytes, int]], rng: Random) -> list[int]:
        return [at for at, (pack_id, _) in enumerate(packs) if pack_id[0] % self.t == self.n - 1]


@dataclass(frozen=True, slots=True)
class Percent:
    """A random share of the packs, and at least one."""

    percent: float

    def choose(self, packs: Sequence[tuple[bytes, int]], rng: Random) -> list[int]:
        wanted = min(len(packs), max(1, round(len(packs) * self.percent / 100)))
        return sorted(rng.sample(range(len(packs)), wanted))


@dataclass(frozen=True, slots=True)
class Amount:
    """Random packs of about so many bytes together, and at least one."""

    size: int

    def choose(self, packs: Sequence[tuple[bytes, int]], rng: Random) -> list[int]:
        chosen, left = list[int](), self.size
        for at in rng.sample(range(len(packs)), len(packs)):
            if chosen and left < packs[at][1]:
                continue
            chosen.append(at)
            left -= packs[at][1]
        return sorted(chosen)


ALL = All()


def parse_subset(text: str) -> Subset:
    """``n/t``, ``x%`` or a size like ``5G``. Raises ``UsageError``."""
    number, slash, total = text.partition("/")
    if slash and number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total) <= 256:
        return Part(int(number), int(total))
    if text.endswith("%") and re.fullmatch(r"\d+(\.\d+)?", text[:-1]) and 0 < float(text[:-1]) <= 100:
        return Percent(float(text[:-1]))
    size = _SIZE.fullmatch(text)
    if size and int(size[1]) > 0:
        return Amount(int(size[1]) * _UNITS[size[2].upper()])
    raise UsageError(
        f"'{text}' is no subset of the data",
        "Say a part like '1/7' (t up to 256), a random share like '2.5%', or an amount like '5G'.",
    )
