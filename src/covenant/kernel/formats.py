"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import timedelta

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(count: int | float) -> str:
    """Bytes: ``0 B``, ``532 B``, ``1.5 GiB``."""
    value, unit = float(count), 0
    while value >= 1023.95 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def number(count: int) -> str:
    """A count, with its thousands apart: ``100,000``."""
    return f"{count:,}"


def counted(count: int, thing: str, things: str = "") -> str:
    """A count and what is counted: ``1 file``, ``2,000 files``."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def seconds(length: float) -> str:
    """How long something took: ``0.4 s``, ``1 min 05 s``, ``2 h 03 min``."""
    if length < 60:
        return f"{length:.1f} s"
    minutes, rest = divmod(round(length), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def age(length: timedelta) -> str:
    """How old something is, in its two largest units: ``3 d 4 h``, ``12 min``, ``8 s``."""
    left = max(0, round(length.total_seconds()))
    parts = []
    for unit, of in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, of)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
