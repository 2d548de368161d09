"""A drawing as SVG that stands in a page: its colours are the page's, so that it follows light and dark."""

from __future__ import annotations

from covenant.kernel.answers import Result
from covenant.prove.report.drawing import PAINT_OF, Box, Drawing, Line, Mark, Shape, Words
from covenant.prove.report.shown import marked


def svg(drawing: Drawing, number: int) -> str:
    """The drawing; ``number`` tells it from the others on the page."""
    name = f"drawing-{number}"
    return (
        f'<svg viewBox="0 0 {drawing.width:g} {drawing.height:g}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{marked(drawing.title)}</title><desc id="{name}-d">{marked(drawing.description)}</desc>'
        + "".join(_shape(shape) for shape in drawing.shapes)
        + "</svg>"
    )


def _shape(shape: Shape) -> str:
    match shape:
        case Box():
            rounded = f' rx="{shape.round:g}"' if shape.round else ""
            place = f'x="{shape.x:.2f}" y="{shape.y:.2f}" width="{shape.width:.2f}" height="{shape.height:.2f}"'
            return f'<rect class="f-{shape.paint}" {place}{rounded}>{_about(shape.about)}</rect>'
        case Line():
            dashed = ' stroke-dasharray="4 3"' if shape.dashed else ""
            points = " ".join(f"{x:.2f},{y:.2f}" for x, y in shape.points)
            return f'<polyline class="s-{shape.paint}" points="{points}" stroke-width="{shape.width:g}"{dashed}/>'
        case Words():
            bold = ' font-weight="600"' if shape.bold else ""
            where = f'x="{shape.x:.2f}" y="{shape.y:.2f}" text-anchor="{shape.anchor}" font-size="{shape.size:g}"'
            return f'<text class="f-{shape.paint}" {where}{bold}>{marked(shape.text)}</text>'
        case Mark():
            return _mark(shape)


def _mark(mark: Mark) -> str:
    paint, x, y, size = PAINT_OF[mark.result], mark.x, mark.y, mark.size
    if mark.result is Result.FAILED:
        cross = f"M{x - size:.2f},{y - size:.2f}l{2 * size:g},{2 * size:g}m0,{-2 * size:g}l{-2 * size:g},{2 * size:g}"
        return f'<path class="s-{paint}" d="{cross}" stroke-width="2.2">{_about(mark.about)}</path>'
    kind = f'class="f-{paint}"' if mark.result is Result.PASSED else f'class="s-{paint} ring" stroke-width="1.8"'
    return f'<circle {kind} cx="{x:.2f}" cy="{y:.2f}" r="{size:g}">{_about(mark.about)}</circle>'


def _about(text: str) -> str:
    return f"<title>{marked(text)}</title>" if text else ""
