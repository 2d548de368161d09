"""Documents for paper: pages with a heading and a number, paragraphs, tables and drawings, as PDF.

The letters are those that every reader of PDF has, so that nothing need be fetched or embedded; whatever they lack is
written by its number (``shown.printed``). The same content gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from io import BytesIO
from xml.sax.saxutils import escape

from reportlab.graphics import shapes as on_paper
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)
from reportlab.platypus.tables import TableStyle

from covenant.kernel.answers import Result
from covenant.prove.report.drawing import LIGHT, PAINT_OF, Box, Drawing, Line, Mark, Paint, Shape, Words
from covenant.prove.report.shown import printed

_MARGIN = 18 * mm
WIDTH = A4[0] - 2 * _MARGIN
_LETTERS, _BOLD, _FIXED = "Helvetica", "Helvetica-Bold", "Courier"

_ROOM = {"head": 90, "small head": 60}
"""How much room a heading must have below it on its page."""

Cell = str | Result | tuple[Result, Mapping[Result, str]]


@cache
def style(name: str) -> ParagraphStyle:
    """How a kind of text looks."""
    looks: dict[str, tuple[float, float, Paint, bool, float, float]] = {
        "over": (8.5, 11.0, "quiet", False, 0.0, 2.0),
        "title": (20.0, 24.0, "ink", True, 0.0, 6.0),
        "head": (13.0, 16.0, "ink", True, 14.0, 5.0),
        "small head": (8.0, 10.0, "quiet", True, 8.0, 3.0),
        "body": (9.5, 13.0, "ink", False, 0.0, 3.0),
        "cell": (8.5, 11.0, "ink", False, 0.0, 0.0),
        "label": (7.5, 10.0, "quiet", False, 0.0, 2.0),
        "number": (13.0, 16.0, "ink", True, 0.0, 0.0),
        "code": (8.5, 11.5, "ink", False, 3.0, 7.0),
    }
    size, leading, paint, bold, above, below = looks[name]
    font = _FIXED if name == "code" else _BOLD if bold else _LETTERS
    made = ParagraphStyle(name, fontName=font, fontSize=size, leading=leading, textColor=colour(paint))
    made.spaceBefore, made.spaceAfter, made.splitLongWords = above, below, True
    if name == "code":
        made.leftIndent, made.backColor, made.borderPadding = 4, colour("ground"), 3
    return made


def colour(paint: Paint) -> Color:
    """The colour of a name, as on a light page."""
    return HexColor(LIGHT[paint])


def words(text: str, kind: str = "body") -> Paragraph:
    """A paragraph; whatever stands in the text is only text."""
    return Paragraph(escape(printed(text)), style(kind))


def verdict(result: Result, text: str = "", kind: str = "body") -> Paragraph:
    """A result by its word and colour, and what is said of it."""
    said = f'<font name="{_BOLD}" color="{LIGHT[PAINT_OF[result]]}">{result}</font>'
    return Paragraph(f"{said} {escape(printed(text))}".strip(), style(kind))


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], widths: Sequence[float]) -> Table:
    """A table whose columns have these shares of the width; its heads stand on every page."""
    cells: list[list[Flowable]] = [[words(head, "label") for head in heads]]
    cells += [[_cell(cell) for cell in row] for row in rows]
    total = sum(widths)
    lined = [("LINEBELOW", (0, number), (-1, number), 0.4, colour("line")) for number in range(len(cells))]
    return _laid(cells, [WIDTH * width / total for width in widths], [*lined, ("TOPPADDING", (0, 0), (-1, -1), 3)])


def facts(said: Sequence[tuple[str, str]], columns: int = 3) -> Table:
    """Names and values, side by side."""
    cells: list[list[Flowable] | str] = [[words(name, "label"), words(value, "cell")] for name, value in said]
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    full = [[*row, *[""] * (columns - len(row))] for row in rows]
    return _laid(full, [WIDTH / columns] * columns, [])


def tiles(said: Sequence[tuple[str, str, str, Result]]) -> Table:
    """Numbers at the top, each under the colour of what it came to."""
    row = [[words(name, "label"), words(value, "number"), words(beside, "label")] for name, value, beside, _ in said]
    lines = [
        ("LINEABOVE", (place, 0), (place, 0), 3, colour(PAINT_OF[result])) for place, (*_, result) in enumerate(said)
    ]
    ground = [("BACKGROUND", (0, 0), (-1, -1), colour("ground")), ("LEFTPADDING", (0, 0), (-1, -1), 6)]
    return _laid([row], [WIDTH / len(said)] * len(said), [*lines, *ground])


def _laid(cells: Sequence[Sequence[object]], widths: Sequence[float], more: Sequence[object]) -> Table:
    plain = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 6),
    ]
    made = Table(cells, colWidths=list(widths), hAlign="LEFT", repeatRows=1 if len(cells) > 1 else 0)  # type: ignore[arg-type]
    made.setStyle(TableStyle([*plain, *more]))  # type: ignore[list-item]
    return made


def _cell(cell: Cell) -> Paragraph:
    if isinstance(cell, tuple):
        result, said = cell
        return Paragraph(f'<font color="{LIGHT[PAINT_OF[result]]}">{escape(said[result])}</font>', style("cell"))
    return verdict(cell, kind="cell") if isinstance(cell, Result) else words(cell, "cell")


def together(*parts: Flowable) -> KeepTogether:
    """Parts that stand on one page, where they can."""
    return KeepTogether(list(parts))


def gap(height: float = 4) -> Spacer:
    """Some room."""
    return Spacer(0, height)


def document(title: str, running: str, parts: Iterable[Flowable]) -> bytes:
    """The PDF; ``running`` stands at the foot of every page."""
    into = BytesIO()
    made = BaseDocTemplate(into, pagesize=A4, title=printed(title), author="Covenant", lang="en", invariant=1)
    frame = Frame(_MARGIN, _MARGIN, WIDTH, A4[1] - 2 * _MARGIN, 0, 0, 0, 0)

    def foot(canvas: Canvas, _: object) -> None:
        canvas.setFont(_LETTERS, 7.5)
        canvas.setFillColor(colour("quiet"))
        canvas.drawString(_MARGIN, _MARGIN - 8 * mm, printed(running))
        canvas.drawRightString(A4[0] - _MARGIN, _MARGIN - 8 * mm, str(canvas.getPageNumber()))

    made.addPageTemplates([PageTemplate("page", [frame], onPage=foot)])
    made.build(list(_with_room(parts)))
    return into.getvalue()


def _with_room(parts: Iterable[Flowable]) -> Iterator[Flowable]:
    """No heading stands alone at the foot of a page."""
    for part in parts:
        if isinstance(part, Paragraph) and part.style.name in _ROOM:
            yield CondPageBreak(_ROOM[part.style.name])
        yield part


# -- drawings ---------------------------------------------------------------------------------------------------------


def drawn(drawing: Drawing) -> on_paper.Drawing:
    """A drawing as wide as the page."""
    share = WIDTH / drawing.width
    made = on_paper.Drawing(WIDTH, drawing.height * share)
    group = on_paper.Group(transform=(share, 0, 0, -share, 0, drawing.height * share))
    for shape in drawing.shapes:
        for part in _parts(shape):
            group.add(part)
    made.add(group)
    return made


def _parts(shape: Shape) -> list[on_paper.Shape]:
    match shape:
        case Box(x, y, width, height, paint, _, rounded):
            box = on_paper.Rect(x, y, width, height, rounded, rounded)
            box.fillColor, box.strokeColor = colour(paint), None
            return [box]
        case Line(points, paint, width, dashed):
            flat = [number for point in points for number in point]
            line = on_paper.PolyLine(flat, strokeColor=colour(paint), strokeWidth=width)
            if dashed:
                line.strokeDashArray = [4, 3]
            return [line]
        case Words():
            return [_words(shape)]
        case Mark(x, y, result, _, size):
            return _mark(x, y, size, result, PAINT_OF[result])


def _words(shape: Words) -> on_paper.Shape:
    """Text is turned back upright: the drawing's space is upside down."""
    font = _BOLD if shape.bold else _LETTERS
    text = on_paper.String(0, 0, printed(shape.text), fontName=font, fontSize=shape.size, fillColor=colour(shape.paint))
    text.textAnchor = shape.anchor
    return on_paper.Group(text, transform=(1, 0, 0, -1, shape.x, shape.y))


def _mark(x: float, y: float, size: float, result: Result, paint: Paint) -> list[on_paper.Shape]:
    if result is Result.FAILED:
        ends = ((x - size, y - size, x + size, y + size), (x - size, y + size, x + size, y - size))
        return [on_paper.Line(*end, strokeColor=colour(paint), strokeWidth=2.2) for end in ends]
    filled = colour(paint) if result is Result.PASSED else HexColor("#ffffff")
    return [on_paper.Circle(x, y, size, fillColor=filled, strokeColor=colour(paint), strokeWidth=1.6)]
