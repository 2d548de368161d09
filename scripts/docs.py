"""Writes every generated page of docs/, or with --check says what in the documentation is not as it should be.

scripts/docs.py            write docs/reference/
scripts/docs.py --check    end with 1 if a generated page is out of date, a link leads nowhere, or a cited test is none
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import gen_cli_reference

from covenant.settings.schema import schema

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SCHEMA = DOCS / "reference" / "covenant.schema.json"
CITING = (DOCS / "covenant.md", DOCS / "design.md")
"""Pages that may be linked to before they are written; one that is there must not stand here any more."""

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+/\w+\.py)`")


def generated() -> dict[Path, str]:
    """Every page that is written by a program, and what it should hold."""
    return {
        gen_cli_reference.PAGE: gen_cli_reference.page(),
        SCHEMA: json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
    }


def stale() -> Iterator[str]:
    """Generated pages that are not what would be written."""
    for page, text in generated().items():
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            yield f"{_named(page)} is out of date: run scripts/docs.py"


def broken_links() -> Iterator[str]:
    """Links to files or headings that are not there."""
    for page in [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md")), ROOT / "changes" / "README.md"]:
        for link in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
            path, _, heading = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if ":" in path:
                continue
            if not target.exists():
                yield f"{_named(page)}: the link to {link} leads nowhere"
            elif heading and heading not in _anchors(target):
                yield f"{_named(page)}: {_named(target)} has no heading #{heading}"


def missing_tests() -> Iterator[str]:
    """Tests that are cited as proof and are not there."""
    for page in CITING:
        for cited in sorted(set(_TEST.findall(page.read_text(encoding="utf-8")))):
            if not (ROOT / "tests" / cited).is_file():
                yield f"{_named(page)}: there is no test tests/{cited}"


def _anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(_CODE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def main() -> int:
    """Write the generated pages, or check everything; the exit code."""
    if "--check" not in sys.argv[1:]:
        for page, text in generated().items():
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text, encoding="utf-8")
        return 0
    problems = [*stale(), *broken_links(), *missing_tests()]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
