"""A kit on paper: the same words, its secret large enough to be typed, and codes that a camera reads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Preformatted

from covenant.prove.kit.kit import CODE, KitFile, block
from covenant.prove.kit.words import Section, made, sections, title
from covenant.prove.report import paper
from covenant.prove.report.paper import gap, together, words
from covenant.prove.report.shown import printed

_LARGE = ParagraphStyle("large code", paper.style("code"), fontSize=11, leading=16)
"""What is typed from paper in the worst of nights."""

_MOST = 2300
"""A code of more bytes than these could not be told apart by an ordinary camera."""
_SHORT = 200
"""Up to so many characters there is room to correct more of what was smeared."""
_QUIET = 4


def kit_pdf(file: KitFile) -> bytes:
    """The kit, as PDF."""
    running = f"{title(file)}. {made(file)}. Keep it secret."
    return paper.document(title(file), running, _parts(file))


def _parts(file: KitFile) -> Iterator[Flowable]:
    yield words(f"Covenant · {made(file)}", "over")
    yield words(title(file), "title")
    for section in sections(file):
        yield from _section(section, file)
    yield from _block(file)


def _section(section: Section, file: KitFile) -> Iterator[Flowable]:
    parts: list[Flowable] = [words(section.title, "head"), *map(words, section.lines)]
    secret = any(line.startswith(CODE) for line in section.typed)
    if section.typed:
        typed = "\n".join(map(printed, section.typed))
        parts += [gap(4), Preformatted(typed, _LARGE if secret else paper.style("code")), gap(4)]
    if secret:
        parts.append(_Code(f"{CODE} {file.code}", 28 * mm))
    yield together(*parts, *map(words, section.then))


def _block(file: KitFile) -> Iterator[Flowable]:
    text, head = block(file, indent=None), words("For the program", "head")
    if len(text.encode()) <= _MOST:
        about = words("The file of this kit, for a camera: what it reads, saved as text, is the kit.")
        yield together(head, about, _Code(text, 95 * mm))
        return
    yield head
    yield words("The kit's file is too large for a code on paper: keep the .txt beside it, or type the line 'Code:'.")


class _Code(Flowable):
    """A QR code, ``size`` points wide with its quiet zone of four modules. Each row is drawn by its dark stretches."""

    def __init__(self, text: str, size: float) -> None:
        super().__init__()
        self._modules = _modules(text)
        self.width = self.height = size

    def wrap(self, aW: float, aH: float) -> tuple[float, float]:
        """Its size, whatever room there is."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw it; the first row is at the top."""
        self.canv.setFillColorRGB(0, 0, 0)  # what a camera tells apart best, whatever colour came before
        side = self.width / (len(self._modules) + 2 * _QUIET)
        for number, row in enumerate(self._modules):
            high, column = self.height - (number + 1 + _QUIET) * side, 0
            for dark, stretch in groupby(row):
                length = len(list(stretch))
                if dark:
                    self.canv.rect((column + _QUIET) * side, high, length * side, side, stroke=0, fill=1)
                column += length


def _modules(text: str) -> list[list[bool]]:
    """The modules of a QR code, row by row; whether each is dark."""
    code: Any = QRCode(None, QRErrorCorrectLevel.M if len(text) < _SHORT else QRErrorCorrectLevel.L)
    code.addData(text)
    code.make()
    count = range(code.getModuleCount())
    return [[bool(code.isDark(row, column)) for column in count] for row in count]
