"""A kit as a text file: for people, and at its end for programs."""

from __future__ import annotations

import textwrap

from covenant.prove.kit.kit import KitFile, block
from covenant.prove.kit.words import made, sections, title

_WIDTH = 100


def kit_text(file: KitFile) -> str:
    """The whole file."""
    heading = title(file).upper()
    lines = [heading, "=" * len(heading), made(file), ""]
    for section in sections(file):
        lines += [section.title, "-" * len(section.title)]
        lines += [folded for line in section.lines for folded in textwrap.wrap(line, _WIDTH) or [""]]
        if section.typed:
            lines += ["", *(f"    {line}" for line in section.typed), ""]
        lines += [folded for line in section.then for folded in textwrap.wrap(line, _WIDTH)]
        lines += [] if lines[-1] == "" else [""]
    lines += ["For the program", "---------------", "Leave these lines as they are.", ""]
    return "\n".join(lines) + "\n" + block(file)
