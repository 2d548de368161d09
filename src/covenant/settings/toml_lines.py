"""On which line of a TOML document each value stands.

The standard library's reader tells what a document says and not where. So this walks over the document a second time
and notes, for every key, table and element of an array, the line on which it begins. It reads only documents that the
standard library has accepted, and so need not check anything; it looks at names and brackets, and skips values.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Mapping
from typing import TypeAlias

Where: TypeAlias = tuple[str | int, ...]
"""The keys and indexes that lead to a value: ``("sources", "media", "paths", 0)``."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\'', re.DOTALL)
_PLAIN = re.compile(r"[^,\]}\n#]*")


def lines_of(document: str) -> Mapping[Where, int]:
    """The line, counted from 1, of every value in a valid TOML document."""
    walk = _Walk(document)
    walk.document()
    return walk.lines


class _Walk:
    """One walk over a document; ``at`` is the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Where, int] = {}
        self._ends = [found.start() for found in re.finditer("\n", text)]
        self._counts: dict[Where, int] = {}
        """How many tables each array of tables has so far."""

    def document(self) -> None:
        table: Where = ()
        self._take(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._take(_BLANK)

    def _header(self) -> Where:
        start, brackets = self.at, 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        written = self._key()
        self._take(_SPACE)
        self.at += brackets
        if brackets == 2:
            table = self._into_arrays(written[:-1]) + written[-1:]
            index = self._counts[table] = self._counts.get(table, -1) + 1
            self._note(table, start)
            table += (index,)
        else:
            table = self._into_arrays(written)
        self._note(table, start)
        return table

    def _into_arrays(self, written: Where) -> Where:
        """A header's path, with the index of the newest table wherever it leads through an array of tables."""
        path: Where = ()
        for part in written:
            path += (part,)
            if path in self._counts:
                path += (self._counts[path],)
        return path

    def _pair(self, table: Where) -> None:
        start = self.at
        path = table + self._key()
        self._take(_SPACE)
        self.at += 1  # the equals sign
        self._take(_SPACE)
        self._note(path, start)
        self._value(path)

    def _key(self) -> Where:
        parts = []
        while True:
            self._take(_SPACE)
            if self.text[self.at] in "\"'":
                parts.append(tomllib.loads("key = " + self._take(_STRING))["key"])
            else:
                parts.append(self._take(_BARE_KEY))
            self._take(_SPACE)
            if self.text[self.at] != ".":
                return tuple(parts)
            self.at += 1

    def _value(self, path: Where) -> None:
        match self.text[self.at]:
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case '"' | "'":
                self._take(_STRING)
            case _:
                self._take(_PLAIN)

    def _array(self, path: Where) -> None:
        index = 0
        while not self._closed_by("]"):
            element = (*path, index)
            self._note(element, self.at)
            self._value(element)
            index += 1

    def _inline_table(self, path: Where) -> None:
        while not self._closed_by("}"):
            self._pair(path)

    def _closed_by(self, bracket: str) -> bool:
        """Step over the opening bracket or a comma to what comes next; whether that closes the whole."""
        self._take(_BLANK)
        if self.text[self.at] in "[{," and self.text[self.at] != bracket:
            self.at += 1
            self._take(_BLANK)
        if self.text[self.at] == bracket:
            self.at += 1
            return True
        return False

    def _note(self, path: Where, at: int) -> None:
        line = bisect_left(self._ends, at) + 1
        for depth in range(1, len(path) + 1):
            self.lines.setdefault(path[:depth], line)

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        assert found is not None, "the document was valid TOML"
        self.at = found.end()
        return found[0]
