"""How Go writes names and times, because restic's trees are what Go's libraries make of them.

A tree's id is the hash of its text, so the text must be the one that restic would write. A name passes
``strconv.Quote`` (which makes any bytes printable) and then JSON's own escaping; a time is RFC 3339 with up to nine
decimals and no closing zeros.
"""

from __future__ import annotations

import json
import re
from calendar import timegm
from functools import lru_cache
from time import gmtime, strftime

from covenant.kernel.errors import DamageError

_PLAIN = re.compile(r"[A-Za-z0-9 !#$%'()*+,\-./:;=?@\[\]^_`{|}~]*")
_SHORT = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_ESCAPE = re.compile(  # \u has four digits, \U eight: case matters
    r"""\\(?:([abfnrtv\\'"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))"""
)
_UNSHORT = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)")
_NANO = 1_000_000_000


def json_text(text: str) -> str:
    """``text`` as a JSON string with Go's escapes, in quotes; what is not valid UTF-8 becomes U+FFFD."""
    if _PLAIN.fullmatch(text):
        return f'"{text}"'
    return json.dumps(valid_text(text), ensure_ascii=False).translate(_HTML)


def valid_text(text: str) -> str:
    """``text`` with U+FFFD for what is not valid UTF-8, as Go's JSON has it."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def quoted_name(name: str) -> str:
    """A file name (undecodable bytes as surrogates) as the JSON string that restic writes, in quotes."""
    if _PLAIN.fullmatch(name):
        return f'"{name}"'
    return json_text("".join([_quote(char) for char in name]))


def _quote(char: str) -> str:
    code = ord(char)
    if code in _SHORT:
        return _SHORT[code]
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if char.isprintable():
        return char
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def unquoted_name(quoted: str) -> str:
    """The file name behind ``strconv.Quote``'s text; bytes that are not UTF-8 come back as surrogates."""
    if "\\" not in quoted:
        return quoted
    out, at = bytearray(), 0
    for match in _ESCAPE.finditer(quoted):
        out += quoted[at : match.start()].encode("utf-8", "surrogateescape")
        out += _unescaped(match)
        at = match.end()
    out += quoted[at:].encode("utf-8", "surrogateescape")
    return out.decode("utf-8", "surrogateescape")


def _unescaped(match: re.Match[str]) -> bytes:
    short, byte, small, large, octal = match.groups()
    if short:
        return bytes([_UNSHORT[short]])
    if byte or octal:
        return bytes([int(byte, 16) if byte else int(octal, 8) & 0xFF])
    code = int(small or large, 16)
    if code > 0x10FFFF:
        raise DamageError("file name has an escape beyond Unicode")
    return chr(code).encode("utf-8", "surrogatepass")


_EARLIEST = timegm((1, 1, 1, 0, 0, 0))
_LATEST = timegm((9999, 12, 31, 23, 59, 59))


@lru_cache(maxsize=4096)
def _second_text(seconds: int) -> str:
    text = strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds))
    return text.rjust(19, "0")  # strftime does not pad the years before 1000


def time_text(nanoseconds: int) -> str:
    """An instant, in nanoseconds since 1970, as RFC 3339 in UTC; clamped to the years 1 to 9999."""
    seconds, fraction = divmod(nanoseconds, _NANO)
    if not _EARLIEST <= seconds <= _LATEST:
        seconds, fraction = (_EARLIEST if seconds < 0 else _LATEST), 0
    if not fraction:
        return _second_text(seconds) + "Z"
    digits = f"{fraction:09d}"
    if digits[-1] == "0":
        digits = digits.rstrip("0")
    return f"{_second_text(seconds)}.{digits}Z"


@lru_cache(maxsize=4096)
def _seconds(text: str, zone: str) -> int:
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    seconds = timegm((year, month, day, int(text[11:13]), int(text[14:16]), int(text[17:19])))
    if zone == "Z":
        return seconds
    shift = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
    return seconds - shift if zone[0] == "+" else seconds + shift


def time_nanoseconds(text: str) -> int:
    """The instant that RFC 3339 ``text`` names, in nanoseconds since 1970. Raises ``DamageError``."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise DamageError(f"time {text!r} is not RFC 3339")
    second, fraction, zone = match.groups()
    try:
        return _seconds(second, zone) * _NANO + (int(fraction.ljust(9, "0")) if fraction else 0)
    except ValueError as error:
        raise DamageError(f"time {text!r} does not exist") from error
