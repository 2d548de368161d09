"""The page of a report: one file that needs no other, asks no network, and can be read by people and by programs.

A policy in it forbids the browser to load anything or to run anything, whatever a name in it may hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import NamedTuple

from covenant.kernel.answers import Result
from covenant.prove.report.drawing import DARK, LIGHT, PAINT_OF, Paint
from covenant.prove.report.shown import marked

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_SIGNS = {Result.PASSED: "✓", Result.FAILED: "✗", Result.COULD_NOT_VERIFY: "?"}


def _root(colours: Mapping[Paint, str]) -> str:
    return ":root { " + " ".join(f"--{paint}: {colour};" for paint, colour in colours.items()) + " }"


_PAINTS = f"{_root(LIGHT)}\n@media screen and (prefers-color-scheme: dark) {{ {_root(DARK)} }}\n"
"""What is printed is light, whatever the screen is."""


class Column(NamedTuple):
    """A column of a table: its heading, whether it holds numbers, and whether its words stay on one line."""

    name: str
    number: bool = False
    keep: bool = False


def page(title: str, header: str, body: Iterable[str], footer: str) -> str:
    """A whole page; everything but the title is HTML already."""
    style = _PAINTS + resources.files("covenant.prove.report").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{marked(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f"<header>\n{header}\n</header>\n<main>\n" + "\n".join(body) + f"\n</main>\n<footer>\n{footer}\n</footer>\n"
        "</body>\n</html>\n"
    )


def badge(result: Result, words: Mapping[Result, str] | None = None) -> str:
    """A result as a small sign, told by its word (or another for it) and its form as well as by its colour."""
    return f'<span class="badge {PAINT_OF[result]}">{_SIGNS[result]} {(words or {}).get(result, result)}</span>'


def described(facts: Iterable[tuple[str, str]]) -> str:
    """Names and values side by side."""
    return "<dl>" + "".join(f"<div><dt>{marked(k)}</dt><dd>{marked(v)}</dd></div>" for k, v in facts) + "</dl>"


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are HTML already."""
    heads = "".join(f'<th scope="col"{_kind(column)}>{marked(column.name)}</th>' for column in columns)
    lines = "".join(
        "<tr>" + "".join(f"<td{_kind(column)}>{cell}</td>" for column, cell in zip(columns, row, strict=True)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><caption>{marked(caption)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _kind(column: Column) -> str:
    return ' class="number"' if column.number else ' class="keep"' if column.keep else ""


def section(title: str, content: str, beside: str = "") -> str:
    """A part of the page under a heading; ``beside`` stands at its right."""
    return f'<section><div class="head"><h2>{marked(title)}</h2>{beside}</div>{content}</section>'


def figure(drawing: str, caption: str) -> str:
    """A drawing under the words that say what it shows."""
    return f"<figure><figcaption>{marked(caption)}</figcaption>{drawing}</figure>"
