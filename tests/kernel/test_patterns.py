"""Patterns, decided by us and by the program git over the same files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from covenant.kernel.patterns import Patterns

NAMES = ["a", "ab", "b.c", "x y", "[", "a]", "-", "!b", "#", "\\", "AB", "*", "a\nb"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder under git's eyes, three levels deep, with every name on every level."""
    assert shutil.which("git"), "the program git is missing: apt-get install git"
    root = tmp_path_factory.mktemp("checkout")
    git(root, "init", "-q")
    for first in NAMES:
        (root / first).mkdir()
        for second in NAMES[:9]:
            (root / first / second).mkdir()
            for third in NAMES[:7]:
                (root / first / second / third).touch()
        (root / first / "file").touch()
    return root


def git(root: Path, *words: str) -> str:
    """What git prints, whoever's settings are about."""
    quiet = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    done = subprocess.run(["git", *words], cwd=root, env=os.environ | quiet, capture_output=True, check=True)
    return os.fsdecode(done.stdout)


def walked(root: Path, patterns: Patterns) -> set[str]:
    """The files that a walk from the top takes."""
    found, waiting = set[str](), [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(root / folder) as entries:
            for entry in entries:
                path = folder + entry.name + ("/" if entry.is_dir() else "")
                if path == ".git/" or patterns.exclude(path):
                    continue
                if entry.is_dir():
                    waiting.append(path)
                else:
                    found.add(path)
    return found


PLAIN = ["a", "b", "c", ".", "-", "/", "/", " ", "!", "#", "x y", "[", "]", "AB", "\\"]
WILD = ["*", "**", "?", "**/", "/**", "\\*", "\\[", "\\!", "\\#", "\\ "]
CLASSES = ["[ab]", "[!a]", "[^b-z]", "[]a]", "[[:alpha:]]", "[a\\]]", "[a/]", "[-a]"]

pieces = st.sampled_from(PLAIN + WILD + CLASSES)
ODD_STARS = re.compile(r"[^/]\*\*|\*\*[^/]")
"""Two stars that do not fill a component: one star, says git's manual; its program does something else at times."""

line = st.builds("".join, st.lists(pieces, min_size=1, max_size=5)).filter(lambda text: not ODD_STARS.search(text))
lines = st.lists(line, min_size=1, max_size=4)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(lines=lines)
@example(lines=["*", "!*/", "!b.c"])
@example(lines=["a/**", "!a/a", "!a/a/b.c"])
@example(lines=["a/*", "!/a/ab"])
@example(lines=["x y ", "\\#", "\\!b"])
@example(lines=["**/a/**/ab", "a/**/a"])
@example(lines=["a**b", "[[:digit:]]", "b[.]c"])
@example(lines=["a\\"])
@example(lines=["a", "!/**"])
@example(lines=["aa", "a//"])
def test_git_decides_the_same(checkout: Path, lines: list[str]) -> None:
    """Every file of a folder is left out by both or by neither."""
    (checkout / ".git" / "info" / "exclude").write_text("\n".join(lines) + "\n")

    listed = git(
        checkout, "ls-files", "-z", "--others", "--exclude-per-directory=.none", "--exclude-from=.git/info/exclude"
    )

    assert _names(listed.split("\0")) == walked(checkout, Patterns(lines))


def test_a_wildcard_is_a_character() -> None:
    """Not a byte: people count letters."""
    assert Patterns(["?"]).exclude("é")
    assert Patterns(["[!a]"]).exclude("☃")
    assert Patterns(["[à-ü]x"]).exclude("éx")


def test_no_pattern_excludes_nothing() -> None:
    """Comments, blank lines and lone slashes say nothing."""
    nothing = Patterns(["", "# all", "   ", "/", "!", "//"])

    assert not nothing.exclude("a")
    assert not nothing.exclude("a/")


def _names(listed: Iterable[str]) -> set[str]:
    return {name for name in listed if name}
