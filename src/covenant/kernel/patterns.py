"""Patterns as gitignore has them, for someone who walks a tree from the top and enters no excluded directory.

The last pattern that matches an entry decides: exclude it, or with ``!`` take it back. What lies below an excluded
directory is never looked at, so nothing in it can be taken back. (git-scm.com/docs/gitignore, "PATTERN FORMAT")
One thing is ours: ``?`` and ``[…]`` stand for a character, and not, as with git, for a byte of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "digit": "0-9",
    "lower": "a-z",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_NAMED_CLASS = re.compile(r"\[:(\w+):\]")


class Patterns:
    """Decides over paths below one directory: relative, without a slash in front, directories with one behind."""

    def __init__(self, lines: Iterable[str]) -> None:
        parsed = [pattern for line in lines if (pattern := _parsed(line)) is not None]
        runs = [(negated, [regex for _, regex in run]) for negated, run in groupby(parsed, lambda pattern: pattern[0])]
        self._runs = [(not negated, re.compile("|".join(run), re.DOTALL)) for negated, run in reversed(runs)]

    def exclude(self, path: str) -> bool:
        """Whether the last pattern that matches this entry itself excludes it."""
        return self.decide(path) is True

    def decide(self, path: str) -> bool | None:
        """What the last pattern that matches this entry itself says, or ``None`` where none does."""
        return next((excluded for excluded, regex in self._runs if regex.fullmatch(path)), None)

    def reach(self, path: str) -> bool:
        """Whether the patterns name this entry or, unless taken back further down, a directory above it."""
        named = False
        for end in [at for at, char in enumerate(path[:-1], 1) if char == "/"] + [len(path)]:
            said = self.decide(path[:end])
            named = named if said is None else said
        return named


def _parsed(line: str) -> tuple[bool, str] | None:
    """Whether a line takes back, and the regular expression of what it matches; ``None`` for one that says nothing."""
    text = _without_trailing_spaces(line.rstrip("\r\n"))
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    text = text[1:] if negated else text
    folder_only = text.endswith("/")
    text = text[:-1] if folder_only else text
    anchored = "/" in text
    text = text.removeprefix("/")
    if not text:
        return None
    return negated, ("" if anchored else "(?:.*/)?") + _translated(text) + ("/" if folder_only else "/?")


def _without_trailing_spaces(text: str) -> str:
    stripped = text.rstrip(" ")
    escapes = len(stripped) - len(stripped.rstrip("\\"))
    return stripped + " " if escapes % 2 and stripped != text else stripped


def _translated(text: str) -> str:
    """A pattern without its outer slashes as a regular expression."""
    out, at = "", 0
    while at < len(text):
        if text.startswith("**/", at) and (at == 0 or text[at - 1] == "/"):
            out, at = out + "(?:.*/)?", at + 3
        elif text[at:] == "**" and (at == 0 or text[at - 1] == "/"):
            return out + "[^/].*"
        elif text[at] == "[" and (end := _class_end(text, at)):
            out, at = out + _class(text[at + 1 : end]), end + 1
        else:
            one, at = _one(text, at)
            out += one
    return out


def _one(text: str, at: int) -> tuple[str, int]:
    """A single character, or a wildcard for some: its regular expression, and where the next begins."""
    if text[at] == "*":
        first = at == 0 or text[at - 1] == "/"  # a name is never empty
        while text.startswith("*", at):
            at += 1
        return "(?=[^/])[^/]*" if first else "[^/]*", at
    if text[at] == "?":
        return "[^/]", at + 1
    if text[at] == "\\":
        return (re.escape(text[at + 1]), at + 2) if at + 1 < len(text) else ("(?!)", at + 1)
    if text[at] == "[":  # never closed: it matches nothing
        return "(?!)", at + 1
    return re.escape(text[at]), at + 1


def _class_end(text: str, begin: int) -> int:
    """Where a character class that begins here ends, or 0. A bracket that stands first in it is a member."""
    at = begin + 2 if text.startswith(("!", "^"), begin + 1) else begin + 1
    first = at
    while at < len(text):
        if text[at] == "]" and at > first:
            return at
        named = _NAMED_CLASS.match(text, at)
        at = named.end() if named else at + (2 if text[at] == "\\" else 1)
    return 0


def _class(inside: str) -> str:
    """A character class from what stands between its brackets. It never matches a slash."""
    negated = inside.startswith(("!", "^"))
    out, at = "", 1 if negated else 0
    while at < len(inside):
        named = _NAMED_CLASS.match(inside, at)
        if named:
            out, at = out + _CLASSES.get(named[1], ""), named.end()
            continue
        low, at = _member(inside, at)
        if inside.startswith("-", at) and at + 1 < len(inside):
            high, at = _member(inside, at + 1)
            out += f"{re.escape(low)}-{re.escape(high)}" if low <= high else ""
        else:
            out += re.escape(low)
    if not out:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{out}]"


def _member(inside: str, at: int) -> tuple[str, int]:
    """One character of a class, and where the next begins."""
    if inside[at] == "\\" and at + 1 < len(inside):
        return inside[at + 1], at + 2
    return inside[at], at + 1
