"""The shape that every file of the house keeps: it says what it is for, it is small, and its name means something."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 400
EMPTY_WORDS = {"manager", "handler", "helper", "util", "common", "base", "misc", "core", "constants", "stuff"}
WORDS_OF_THE_FIELD = {"BaseBackup"}
"""Names that the protected systems' own manuals use."""


def modules(*folders: str) -> list[Path]:
    """Every Python file below these folders of the project, in order."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def named(path: Path) -> str:
    """How a test's title names a file."""
    return str(path.relative_to(ROOT))


def words(name: str) -> set[str]:
    """The words in a name, however it joins them, in the singular."""
    split = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    return {word.lower() for word in split} | {word.lower().removesuffix("s") for word in split}


def empty_names(path: Path) -> list[str]:
    """The file's own name and those of its classes, where they hold a word that says nothing."""
    classes = [node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
    return [
        name
        for name in [path.stem, path.parent.name, *classes]
        if words(name) & EMPTY_WORDS and name not in WORDS_OF_THE_FIELD
    ]


def imported(path: Path) -> set[str]:
    """The full name of everything that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", modules("src", "tests"), ids=named)
def test_a_module_says_what_it_is_for(path: Path) -> None:
    """Every module begins with a docstring."""
    assert ast.get_docstring(ast.parse(path.read_text())), "a first line is missing that says what the module is for"


@pytest.mark.parametrize("path", modules("src"), ids=named)
def test_a_file_stays_small(path: Path) -> None:
    """A file that outgrows this hides a seam that is missing."""
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", modules("src"), ids=named)
def test_a_name_means_something(path: Path) -> None:
    """No file, folder or class is called by a word that would fit any other as well."""
    assert [] == empty_names(path)


@pytest.mark.parametrize("name", ["StoreManager", "string_utils", "core", "BaseStore", "HTTPHandler", "helpers"])
def test_an_empty_word_is_seen_however_it_is_joined(name: str) -> None:
    """The look for empty words knows both ways of joining words, and the plural."""
    assert words(name) & EMPTY_WORDS


@pytest.mark.parametrize("name", ["database", "Score", "baseline", "Recorder", "corecursion"])
def test_a_word_inside_a_word_is_not_an_empty_word(name: str) -> None:
    """Only whole words count."""
    assert not words(name) & EMPTY_WORDS


@pytest.mark.parametrize("path", modules("src", "tests"), ids=named)
def test_nothing_is_mocked(path: Path) -> None:
    """A fake passes the contract suite of the real thing; a mock passes whatever it is told to."""
    assert not {name for name in imported(path) if name.startswith(("unittest.mock", "mock.", "pytest_mock"))}


@pytest.mark.parametrize("path", modules("tests"), ids=named)
def test_a_test_says_what_it_proves(path: Path) -> None:
    """Every test has a docstring: the sentence that is false when the test fails."""
    tree = ast.parse(path.read_text())
    tests = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]

    silent = [test.name for test in tests if not ast.get_docstring(test)]

    assert [] == silent
