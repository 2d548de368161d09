"""What a drill came to, as a page and on paper."""

from __future__ import annotations

import re
import zlib
from base64 import a85decode
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from covenant.kernel.answers import Result
from covenant.prove.record import DrillRecord
from covenant.prove.report import plots, story
from covenant.prove.report.drawing import Box, Mark
from covenant.prove.report.html import report_html
from covenant.prove.report.past import Past, past_of, read_past
from covenant.prove.report.pdf import report_pdf
from covenant.prove.report.shown import printed, shown
from covenant.prove.report.story import Signed
from covenant.prove.telling import from_json, to_json
from tests.prove.report.drills import BEGAN, HOSTILE, MONTHLY, SIMULATION, hostile, long_row

DIGEST = "cd" * 32
SIGNED = Signed("a1" * 32, "b2" * 64)
ALONE = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """A page as a reader of HTML sees it: its elements, whether each was closed, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ALONE:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop(), f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(record: DrillRecord, signed: Signed | None = SIGNED) -> Page:
    """The page of a drill without a past."""
    return Page(report_html(record, [], DIGEST, signed))


def before(number: int) -> list[Past]:
    """So many drills before ``MONTHLY``."""
    return [past_of(drill) for drill in long_row(number)]


def words_of(pdf: bytes) -> str:
    """Everything that a PDF of ours writes."""
    return " ".join(text for stream in _streams(pdf) for text in re.findall(r"\(((?:\\.|[^\\)])*)\) Tj", stream))


def _streams(pdf: bytes) -> Iterator[str]:
    for found in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        yield zlib.decompress(a85decode(found.strip().removesuffix(b"~>"))).decode("latin-1")


def test_a_page_tells_everything_that_a_drill_came_to() -> None:
    """Source, region, moment, steps, promises, answers, planted damage, trend and hash all stand on it."""
    text = page_of(MONTHLY).text

    for told in (
        "bookings",
        "attic",
        "2026-11-02 08:56:00 UTC",
        "restore: 21.4 s",
        "42.0 s of 1 h (1.2%): kept",
        "4 min of 15 min (27%): kept",
        "PRAGMA integrity_check: ok",
        "pack-damaged ✓ caught",
        "1 drill: 1 passed",
        DIGEST,
        SIGNED.signature,
    ):
        assert told in text


def test_paper_tells_the_same() -> None:
    """Nothing of weight stands on the page alone."""
    text = words_of(report_pdf(MONTHLY, [], DIGEST, SIGNED))

    for told in ("attic", "restore: 21.4 s", "pack-damaged", "42.0 s of 1 h", DIGEST):
        assert told in text.replace("\\(", "(").replace("\\)", ")")


def test_what_is_the_matter_stands_first_and_is_complete() -> None:
    """Of a drill that did not pass every cause is named, what failed before what could not be verified."""
    matters = list(story.matters(SIMULATION))

    assert [Result.FAILED, Result.FAILED, Result.COULD_NOT_VERIFY, Result.COULD_NOT_VERIFY] == [r for r, _ in matters]
    assert "bookings: RTO 1 h 12 min of 1 h (120%): missed" in [text for _, text in matters]
    assert all(shown(text) in page_of(SIMULATION).text for _, text in matters)


def test_a_drill_that_passed_has_nothing_the_matter() -> None:
    """No heading frightens the reader of a drill that passed."""
    assert [] == list(story.matters(MONTHLY))
    assert "What is the matter" not in page_of(MONTHLY).text


@pytest.mark.parametrize("record", [MONTHLY, SIMULATION, hostile()], ids=["good", "bad", "hostile"])
def test_a_page_needs_nothing_and_loads_nothing(record: DrillRecord) -> None:
    """No script, no style, font, picture or address from outside; and the browser is told to forbid them."""
    page = page_of(record)

    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "a"} & {tag for tag, _ in page.elements}
    assert not [name for _, given in page.elements for name in given if name in ("src", "href", "action", "style")]
    assert not [name for _, given in page.elements for name in given if name.startswith("on")]
    assert "default-src 'none'" in str([given.get("content") for given in page.of("meta")])


@pytest.mark.parametrize("record", [MONTHLY, SIMULATION, hostile()], ids=["good", "bad", "hostile"])
def test_a_page_can_be_read_without_seeing_it(record: DrillRecord) -> None:
    """Language, landmarks, captions, heads of columns, and a title and description of each drawing are there."""
    page = page_of(record)

    assert ["en"] == [given["lang"] for given in page.of("html")]
    assert 1 == len(page.of("main")) == len(page.of("h1"))
    assert len(page.of("table")) == len(page.of("caption"))
    assert {"col"} == {given["scope"] for given in page.of("th")}
    assert {"img"} == {given["role"] for given in page.of("svg")}
    ids = [given["id"] for _, given in page.elements if "id" in given]
    assert len(ids) == len(set(ids)) == 2 * len(page.of("svg"))


def test_a_hostile_name_is_only_text() -> None:
    """Markup, controls, turned writing and bytes that are no UTF-8 are shown and never obeyed, on page and paper."""
    page = report_html(hostile(), [], DIGEST)
    paper = words_of(report_pdf(hostile(), [], DIGEST))

    assert shown(HOSTILE) in Page(page).text
    assert not {"\u202e", "\x1b", "\udcff"} & set(page)
    assert page.encode()
    assert "<script>alert" in paper


def test_a_name_that_is_endless_is_cut_in_its_middle() -> None:
    """A megabyte of a name neither fills the page nor hides its beginning or end."""
    cut = shown("a" * 1_000_000 + ".raw")

    assert cut.startswith("aaa")
    assert cut.endswith(".raw")
    assert len(cut) < 600


def test_letters_that_paper_lacks_are_written_by_their_number() -> None:
    """Nothing is dropped, and nothing is replaced by a sign that could stand for anything."""
    assert "caf\xe9 \\u4e2d" == printed("caf\xe9 中")


def test_the_same_drill_gives_the_same_bytes() -> None:
    """A report can be made again from its record, and compared."""
    assert report_html(MONTHLY, [], DIGEST) == report_html(MONTHLY, [], DIGEST)
    assert report_pdf(MONTHLY, [], DIGEST) == report_pdf(MONTHLY, [], DIGEST)


def test_an_unsigned_report_says_so() -> None:
    """Nobody takes a report for vouched that nobody vouches for."""
    assert "nobody vouches for it" in page_of(MONTHLY, None).text


def test_no_failure_is_drawn_away_among_ten_thousand_drills() -> None:
    """A trend over 10,000 drills is small, and each stretch with a failure shows a cross at its worst."""
    drills = story.history(MONTHLY, before(10_000))

    drawn = plots.trend(story.points(drills, ()))

    marks = [shape for shape in drawn.shapes if isinstance(shape, Mark)]
    assert "10,001 drills: 9,801 passed, 200 failed" in drawn.description
    assert len(marks) <= 120
    assert all(mark.result is Result.FAILED for mark in marks[:-1])


def test_drills_of_another_level_and_later_ones_are_no_part_of_a_trend() -> None:
    """A report that is made again later tells the same story."""
    earlier = long_row(3)

    told = story.history(earlier[1], map(past_of, [*earlier, MONTHLY, SIMULATION]))

    assert [past_of(drill) for drill in earlier[:2]] == told


def test_what_was_not_measured_is_never_drawn_as_kept() -> None:
    """A measure that is missing has no bar, and says that it is."""
    drawn = plots.against(SIMULATION.sources[1].rto, "RTO")

    assert "not measured" in drawn.description
    assert 1 == sum(isinstance(shape, Box) for shape in drawn.shapes)


def test_a_missed_drill_stands_in_the_trend_as_one() -> None:
    """What was promised and never held is counted, drawn and listed, and is no drill that was held."""
    missed = [BEGAN - timedelta(days=40), BEGAN - timedelta(days=10)]

    page = Page(report_html(MONTHLY, before(3), DIGEST, SIGNED, missed)).text
    paper = words_of(report_pdf(MONTHLY, before(3), DIGEST, SIGNED, missed))

    assert "4 drills: 4 passed" in page
    assert "2 promised drills MISSED." in page
    assert "2026-09-23 09:00:00 UTC – – ? missed" in page
    assert "2026-09-23" in paper
    assert 2 == paper.count("missed")


@pytest.mark.parametrize("record", [MONTHLY, SIMULATION, hostile()], ids=["good", "bad", "hostile"])
def test_a_past_drill_is_read_as_it_was_judged(record: DrillRecord) -> None:
    """What the trend takes from a record's text is what the record says."""
    text = to_json(record)

    assert past_of(from_json(text)) == read_past(text)
