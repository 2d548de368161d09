"""Amounts as people write them: sizes of packs, and how hard to compress.

Text that is no amount raises ``ValueError``, whose message says what is wrong with it.
"""

from __future__ import annotations

import re

MIB = 1 << 20
SMALLEST_PACK, LARGEST_PACK = 4 * MIB, 128 * MIB
"""restic's own bounds for the size of a pack."""

STRONGEST = 22
_LEVELS = {"off": 0, "auto": None, "max": 19}
_UNITS = {"k": 1 << 10, "m": MIB, "g": 1 << 30, "t": 1 << 40}


def parse_pack_size(text: str) -> int:
    """A pack's size in bytes from ``"16MiB"``, ``"16M"`` or a count of bytes."""
    found = re.fullmatch(r"([0-9]{1,12})\s*(?:([kmg])(?:i?b)?)?", text.strip().lower())
    if not found:
        raise ValueError(f"'{text}' is not a size like '16MiB'")
    size = int(found[1]) * _UNITS.get(found[2], 1)
    if not SMALLEST_PACK <= size <= LARGEST_PACK:
        raise ValueError(f"'{text}' is not between {SMALLEST_PACK // MIB}MiB and {LARGEST_PACK // MIB}MiB")
    return size


def parse_size(text: str) -> int:
    """Bytes from ``"20GiB"``."""
    found = re.fullmatch(r"([0-9]{1,15})\s*(?:([kmgt])(?:i?b)?)?", text.strip().lower())
    if not found or not int(found[1]):
        raise ValueError(f"'{text}' is not a size like '20GiB'")
    return int(found[1]) * _UNITS.get(found[2], 1)


def parse_share(text: str) -> float:
    """A share between 0 and 1 from ``"5%"``."""
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%", text.strip())
    if not found or float(found[1]) > 100:
        raise ValueError(f"'{text}' is not a share like '5%'")
    return float(found[1]) / 100


def parse_bandwidth(text: str) -> int:
    """Bytes per second from ``"20MiB/s"``."""
    found = re.fullmatch(r"([0-9]{1,12})\s*(?:([kmg])i?)?b?/s", text.strip().lower())
    if not found or not int(found[1]):
        raise ValueError(f"'{text}' is not a bandwidth like '20MiB/s'")
    return int(found[1]) * _UNITS.get(found[2], 1)


def parse_compression(text: str) -> int | None:
    """zstd's level from ``"1"`` … ``"22"``, ``"max"`` or ``"off"`` (0); ``"auto"`` is ``None``: the vault's choice."""
    word = text.strip().lower()
    if word in _LEVELS:
        return _LEVELS[word]
    if not re.fullmatch(r"[0-9]{1,2}", word) or not 0 <= int(word) <= STRONGEST:
        raise ValueError(f"'{text}' is neither off, auto, max nor a level from 1 to {STRONGEST}")
    return int(word)
