"""The lines of a document are those of the values that the standard library reads from it."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from covenant.settings.toml_lines import Where, lines_of
from tests.settings.documents import FULL

ODD = '''\
# a comment with [brackets] and = signs
title = "a # no comment \\" ] }"   # a comment
"quoted key" = 'it''s' # nothing
a.b . "c" = 1979-05-27 07:32:00
many = """
[not.a.table]
key = 1 \\"""
"""
literal = \'\'\'
x = [\'\'\'
list = [ # a comment, with ] in it
  1, [2, 3],
  { x = 1, y = { z = [ "]" ] } },
  """multi
line""",
]
empty = []
none = {}

[table . "with dots.in"]
key = true

[[array]]
name = "first"
[array.inner]
deep = 1
[[array]]
name = "second"
[[array.inner_array]]
k = 1
'''.replace("'it''s'", "'it is'")


def places(value: Any, at: Where = ()) -> Iterator[Where]:
    """Where everything stands in what the standard library read."""
    if at:
        yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*at, index))


@pytest.mark.parametrize("document", [FULL, ODD, "", "# only a comment", "a = 1"])
def test_every_value_has_a_line_and_nothing_else_has(document: str) -> None:
    """The walk finds the same keys and elements as the standard library."""
    assert set(places(tomllib.loads(document))) == set(lines_of(document))


def test_the_lines_are_right() -> None:
    """Values after multi-line text and lists still have the line that they stand on."""
    lines = lines_of(ODD)

    assert 2 == lines["title",]
    assert 4 == lines["a", "b", "c"]
    assert 5 == lines["many",]
    assert 9 == lines["literal",]
    assert 12 == lines["list", 1, 1]
    assert 13 == lines["list", 2, "y", "z", 0]
    assert 14 == lines["list", 3]
    assert 17 == lines["empty",]
    assert 21 == lines["table", "with dots.in", "key"]
    assert 28 == lines["array", 1, "name"]


values = st.recursive(
    st.integers() | st.booleans() | st.text(st.characters(codec="ascii", categories=["L", "P", "Z"])).map(repr),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z-]{1,4}", fullmatch=True), inner),
    max_leaves=8,
)


def toml(value: Any, newline: str) -> str:
    """A value as TOML, with arrays over several lines."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(inner, '')}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return f"[{newline}" + f", {newline}".join(toml(inner, newline) for inner in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"'''{value[1:-1].replace(chr(39), '')}'''" if isinstance(value, str) else str(value)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,4}", fullmatch=True), values, max_size=4))
def test_any_document_is_walked_whole(document: dict[str, Any]) -> None:
    """Whatever is nested in whatever, the walk finds what the standard library finds."""
    text = "\n".join(f"{key} = {toml(value, chr(10))}" for key, value in document.items()) + "\n"

    assert set(places(tomllib.loads(text))) == set(lines_of(text))
