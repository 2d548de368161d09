"""Text of others, made safe to show: what cannot be seen is written by its number, and nothing is obeyed.

A file may be called ``</td><script>``, hold a line break, bytes that are no UTF-8 (as surrogates), or the control that
turns the direction of writing around, so that ``gpj.exe`` reads as ``exe.jpg``.
"""

from __future__ import annotations

import html
from datetime import UTC, datetime
from unicodedata import category

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LONGEST = 500


def shown(text: str) -> str:
    """The text with everything that cannot be seen as ``\\u202e``, and its middle left out where it is very long."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"
    if text.isascii() and text.isprintable():
        return text
    return "".join(_seen(letter) for letter in text)


def marked(text: str) -> str:
    """The same, ready to stand in HTML, between tags or in quotes."""
    return html.escape(shown(text))


def printed(text: str) -> str:
    """The same for paper, whose letters are those of Western Europe; any other is written by its number."""
    return "".join(letter if _on_paper(letter) else _numbered(letter) for letter in shown(text))


def moment(at: datetime) -> str:
    """A moment as reports give it: ``2026-11-25 12:00:00 UTC``."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day(at: datetime) -> str:
    """A day as reports give it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d")


def _seen(letter: str) -> str:
    return _numbered(letter) if category(letter) in _INVISIBLE else letter


def _numbered(letter: str) -> str:
    number = ord(letter)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _on_paper(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
