"""Drawings as values: a few shapes, whose colours have names. One drawing becomes SVG on a page and lines on paper.

Lengths are in points of the drawing's own space, whose origin is at the upper left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from covenant.kernel.answers import Result

Paint: TypeAlias = Literal[
    "ink", "quiet", "line", "ground", "passed", "failed", "unverified", "promise", "one", "two", "three", "four", "five"
]

PAINT_OF: dict[Result, Paint] = {
    Result.PASSED: "passed",
    Result.FAILED: "failed",
    Result.COULD_NOT_VERIFY: "unverified",
}

STEPS: tuple[Paint, ...] = ("one", "two", "three", "four", "five")
"""The colours of steps, one after another; a sixth step begins anew."""

PAINT_OF_STEP: dict[str, Paint] = {
    "assess": "five",
    "isolate": "four",
    "restore": "one",
    "validate": "two",
    "plant": "three",
}
"""Steps that every drill has are of one colour in all reports."""

LIGHT: dict[Paint, str] = {
    "ink": "#1b2733",
    "quiet": "#586574",
    "line": "#d5dce3",
    "ground": "#edf1f5",
    "passed": "#1a7f4e",
    "failed": "#c2263d",
    "unverified": "#9a6400",
    "promise": "#1b2733",
    "one": "#2f6fb4",
    "two": "#5b9bd5",
    "three": "#7a5ea8",
    "four": "#2a9d8f",
    "five": "#a3b1bf",
}
DARK: dict[Paint, str] = {
    "ink": "#e6ebf0",
    "quiet": "#9fadbb",
    "line": "#37434f",
    "ground": "#232d37",
    "passed": "#4cc38a",
    "failed": "#ff7085",
    "unverified": "#e0a93e",
    "promise": "#e6ebf0",
    "one": "#6aa9e9",
    "two": "#3f78b5",
    "three": "#b39ddb",
    "four": "#4fc1b3",
    "five": "#667687",
}


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; ``about`` says what it stands for to who points at it."""

    x: float
    y: float
    width: float
    height: float
    paint: Paint
    about: str = ""
    round: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    paint: Paint
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; ``y`` is where its letters stand."""

    x: float
    y: float
    text: str
    paint: Paint = "ink"
    size: float = 11.0
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A result at a point. Its form says it as well as its colour: a disc passed, a cross failed, a ring is open."""

    x: float
    y: float
    result: Result
    about: str = ""
    size: float = 4.0


Shape: TypeAlias = Box | Line | Words | Mark


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on a ground; ``title`` and ``description`` tell it to who cannot see it."""

    width: float
    height: float
    title: str
    description: str
    shapes: tuple[Shape, ...]
