"""A drill's report as a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import count

from covenant.kernel.answers import Answer, Result
from covenant.prove.record import DrillRecord, Planted, SourceDrill
from covenant.prove.report import plots, story
from covenant.prove.report.drawing import PAINT_OF, Drawing
from covenant.prove.report.page import Column, badge, described, figure, page, section, table
from covenant.prove.report.past import Past
from covenant.prove.report.shown import marked, moment
from covenant.prove.report.story import Signed
from covenant.prove.report.svg import svg

RECENT = 12
"""How many of the past drills stand in the table under the trend."""


class _Figures:
    """Numbers the drawings of one page, for their titles are named by number."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def of(self, drawing: Drawing, caption: str) -> str:
        """The drawing under its caption."""
        return figure(svg(drawing, next(self._numbers)), caption)


def report_html(
    record: DrillRecord,
    past: Iterable[Past],
    digest: str,
    signed: Signed | None = None,
    missed: Sequence[datetime] = (),
) -> str:
    """The report over a drill, and how it compares with past ones; ``digest`` is the SHA-256 of the record's text.

    ``missed`` are the moments before it at which a drill of its level was promised and none was held.
    """
    figures, drills = _Figures(), story.history(record, past)
    return page(
        f"{story.title(record)}, {record.result}",
        _header(record),
        (*_parts(record, figures), _trend(drills, missed, figures), _proof(record, digest, signed)),
        f"<p>Made by Covenant from the record of drill <code>{marked(record.id)}</code>. All times are UTC.</p>",
    )


def _header(record: DrillRecord) -> str:
    tiles = "".join(
        f'<li class="{PAINT_OF[each.result]}"><span>{marked(each.name)}</span><strong>{marked(each.value)}</strong>'
        f"<span>{marked(each.beside)}</span></li>"
        for each in story.numbers(record)
    )
    return (
        f'<p class="over">Covenant · drill report · {moment(record.began_at)}</p>'
        f'<h1>{marked(story.title(record))}</h1><p class="verdict">{badge(record.result)} '
        f'{marked(story.VERDICTS[record.result])}</p><ul class="tiles">{tiles}</ul>'
    )


def _parts(record: DrillRecord, figures: _Figures) -> Iterator[str]:
    matters = list(story.matters(record))
    if matters:
        items = "".join(f"<li>{badge(result)} {marked(text)}</li>" for result, text in matters)
        yield section("What is the matter", f'<ul class="matters">{items}</ul>')
    yield section("The drill", described(story.facts(record)) + _whole(record, figures))
    if record.sources:
        yield section("Sources", _overview(record.sources))
    scale = plots.scale_of(source.steps for source in record.sources)
    for source in record.sources:
        yield _source(source, scale, figures)


def _whole(record: DrillRecord, figures: _Figures) -> str:
    steps = plots.timeline(record.steps, plots.scale_of([record.steps]), "Steps of the whole drill")
    drawn = figures.of(steps, "Steps of the whole") if record.steps else ""
    asked = "<h3>What was asked of the whole</h3>" + _answers(record.answers) if record.answers else ""
    return drawn + asked


def _overview(sources: Sequence[SourceDrill]) -> str:
    columns = (
        Column("Source"),
        Column("Class"),
        Column("Region"),
        Column("As of"),
        Column("Back after", number=True),
        Column("Age", number=True),
        Column("Result"),
    )
    rows = (
        (
            marked(each.source),
            marked(each.data_class),
            marked(each.region or "–"),
            moment(each.moment) if each.moment else "–",
            "–" if each.rto.reached is None else plots.length(each.rto.reached),
            "–" if each.rpo.reached is None else plots.length(each.rpo.reached),
            badge(each.result),
        )
        for each in sources
    )
    return table("In the order in which they were rehearsed", columns, rows)


def _source(source: SourceDrill, scale: float, figures: _Figures) -> str:
    content = described(story.came_from(source))
    if source.why_not:
        content += f"<h3>Why it was not restored</h3><p>{marked(source.why_not)}</p>"
    if source.steps:
        drawn = plots.timeline(source.steps, scale, f"Steps of {source.source}")
        content += "<h3>How long each step took</h3>" + figures.of(drawn, "All sources on one scale")
    content += "<h3>Against the promises</h3>" + "".join(
        figures.of(plots.against(measured, name), f"{about}: {plots.told(measured)}")
        for measured, name, about in (
            (source.rto, "RTO", "Time until it was back (RTO)"),
            (source.rpo, "RPO", "Age of its data (RPO)"),
        )
    )
    content += "<h3>What it was asked</h3>" + _answers(source.answers)
    content += "<h3>Damage that was planted</h3>" + _planted(source.planted)
    return section(source.source, content, badge(source.result))


def _answers(answers: Sequence[Answer]) -> str:
    if not answers:
        return '<p class="unverified">Nothing was asked, so nothing is proved.</p>'
    columns = (Column("Question"), Column("Answer", keep=True), Column("Evidence"), Column("Took", number=True))
    rows = (
        (marked(each.question), badge(each.result), marked(each.detail), plots.brief(each.seconds)) for each in answers
    )
    return table("Every question that was put to it", columns, rows)


def _planted(planted: Sequence[Planted]) -> str:
    if not planted:
        return '<p class="unverified">None was planted, so nobody knows whether damage would have been noticed.</p>'
    columns = (Column("Kind", keep=True), Column("Where"), Column("Noticed by"), Column("Result", keep=True))
    rows = (
        (marked(each.kind), marked(each.where), marked(each.found_by or "nothing"), badge(each.result, story.CAUGHT))
        for each in planted
    )
    return table("In a copy that was thrown away; what lies in the vault was never touched", columns, rows)


def _trend(drills: Sequence[Past], missed: Sequence[datetime], figures: _Figures) -> str:
    drawn = plots.trend(story.points(drills, missed))
    caption = "Of the RTO, how much the slowest source took; each line is ten times the one below it. Disc: passed, "
    caption += "cross: failed, ring: could not verify, or missed."
    columns = (
        Column("Began", keep=True),
        Column("Drill"),
        Column("Took", number=True),
        Column("Sources"),
        Column("Result", keep=True),
    )
    rows = (
        (
            moment(each.at),
            marked(each.id or "–"),
            "–" if each.took is None else plots.length(each.took),
            marked(", ".join(each.sources[:4])),
            badge(each.result or Result.COULD_NOT_VERIFY, None if each.result else _MISSED),
        )
        for each in story.rows(drills, missed, RECENT)
    )
    recent = table(f"The last of {len(drills):,} drills of this level", columns, rows)
    told = f"<p>{marked(drawn.description)}</p>"
    return section("Trend", told + figures.of(drawn, caption) + recent)


_MISSED = {Result.COULD_NOT_VERIFY: "missed"}


def _proof(record: DrillRecord, digest: str, signed: Signed | None) -> str:
    told = described((("SHA-256 of the record", digest), *_vouched(signed)))
    words = (
        "The record lies beside this page as JSON. Its hash is the number above; the signature beside it is made over "
        "exactly those bytes. This page is written from the record and adds nothing to it."
        if signed
        else "This record is not signed: nobody vouches for it. Its hash is the number above."
    )
    return section("How to check this report", f"<p>{words}</p>{told}")


def _vouched(signed: Signed | None) -> tuple[tuple[str, str], ...]:
    if signed is None:
        return ()
    return (("Signed with the public key (Ed25519)", signed.key), ("Signature", signed.signature))
