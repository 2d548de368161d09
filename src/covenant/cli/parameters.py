"""What people write as an option's value: lengths of time, sizes, ``key=value``. Each is a ``type`` for an option."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from covenant.kernel.durations import Span

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def interval(text: str) -> timedelta:
    """A fixed length of time: ``10m``, ``1h30m``."""
    from covenant.kernel.durations import parse_interval

    try:
        return parse_interval(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def span(text: str) -> Span:
    """A stretch of the calendar: ``7d``, ``1y6m``."""
    from covenant.kernel.durations import parse_span

    try:
        return parse_span(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def moment(text: str) -> datetime:
    """A moment: ``2026-11-20``, ``2026-11-20 12:00``, ``…+01:00``; without a zone on the reader's own clock."""
    try:
        written = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"'{text}' is not a moment like '2026-11-20 12:00'") from error
    return written if written.tzinfo else written.astimezone()


def size(text: str) -> int:
    """A number of bytes: ``500M``, ``2GiB``."""
    found = re.fullmatch(r"([0-9]+)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if not found:
        raise click.BadParameter(f"'{text}' is not a size like '500M' or '2GiB'")
    return int(found[1]) * _UNITS[found[2]]


def pair(text: str) -> tuple[str, str]:
    """``key=value``. What stands there may be a secret, so a mistake is not quoted back."""
    key, mark, value = text.partition("=")
    if not (key and mark):
        raise click.BadParameter("write it as 'key=value'")
    return key, value


def share_or_size(text: str) -> float | int:
    """A share (``5%``, ``unlimited``) as a float between 0 and 1, or a size in bytes as an int."""
    if text == "unlimited":
        return 1.0
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%", text.strip())
    if found and float(found[1]) <= 100:
        return float(found[1]) / 100
    return size(text)
