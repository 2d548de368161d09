"""A drill's report as a document for paper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from reportlab.platypus import Flowable

from covenant.kernel.answers import Answer, Result
from covenant.prove.record import DrillRecord, Planted, SourceDrill
from covenant.prove.report import paper, plots, story
from covenant.prove.report.html import RECENT
from covenant.prove.report.paper import drawn, facts, gap, table, together, verdict, words
from covenant.prove.report.past import Past
from covenant.prove.report.shown import moment
from covenant.prove.report.story import Signed


def report_pdf(
    record: DrillRecord,
    past: Iterable[Past],
    digest: str,
    signed: Signed | None = None,
    missed: Sequence[datetime] = (),
) -> bytes:
    """The report over a drill, and how it compares with past ones; see ``report_html``."""
    title = f"{story.title(record)}, {record.result}"
    running = f"Covenant, drill {record.id[:16]}, {moment(record.began_at)}. Record SHA-256 {digest[:16]}…"
    parts = (
        *_header(record),
        *_whole(record),
        *_sources(record),
        *_trend(story.history(record, past), missed),
        *_proof(digest, signed),
    )
    return paper.document(title, running, parts)


def _header(record: DrillRecord) -> Iterator[Flowable]:
    yield words(f"Covenant · drill report · {moment(record.began_at)}", "over")
    yield words(story.title(record), "title")
    yield verdict(record.result, f"– {story.VERDICTS[record.result]}")
    yield gap(6)
    yield paper.tiles([(each.name, each.value, each.beside, each.result) for each in story.numbers(record)])
    matters = list(story.matters(record))
    if matters:
        yield words("What is the matter", "head")
        yield from (verdict(result, text) for result, text in matters)


def _whole(record: DrillRecord) -> Iterator[Flowable]:
    yield words("The drill", "head")
    yield facts(story.facts(record))
    if record.steps:
        steps = plots.timeline(record.steps, plots.scale_of([record.steps]), "Steps of the whole drill")
        yield together(words("STEPS OF THE WHOLE", "small head"), drawn(steps))
    if record.answers:
        yield words("WHAT WAS ASKED OF THE WHOLE", "small head")
        yield _answers(record.answers)


def _sources(record: DrillRecord) -> Iterator[Flowable]:
    scale = plots.scale_of(source.steps for source in record.sources)
    for source in record.sources:
        yield together(words(source.source, "head"), verdict(source.result), facts(story.came_from(source), columns=4))
        yield from _source(source, scale)


def _source(source: SourceDrill, scale: float) -> Iterator[Flowable]:
    if source.why_not:
        yield words(f"It was not restored: {source.why_not}")
    if source.steps:
        steps = plots.timeline(source.steps, scale, f"Steps of {source.source}")
        yield together(words("HOW LONG EACH STEP TOOK, ALL SOURCES ON ONE SCALE", "small head"), drawn(steps))
    yield words("AGAINST THE PROMISES", "small head")
    for measured, about in ((source.rto, "Time until it was back (RTO)"), (source.rpo, "Age of its data (RPO)")):
        yield together(words(f"{about}: {plots.told(measured)}", "label"), drawn(plots.against(measured, about)))
    yield words("WHAT IT WAS ASKED", "small head")
    yield _answers(source.answers) if source.answers else words("Nothing was asked, so nothing is proved.")
    yield words("DAMAGE THAT WAS PLANTED", "small head")
    none = "None was planted, so nobody knows whether damage would have been noticed."
    yield _planted(source.planted) if source.planted else words(none)


def _answers(answers: Sequence[Answer]) -> Flowable:
    rows = ((each.question, each.result, each.detail, plots.brief(each.seconds)) for each in answers)
    return table(("Question", "Answer", "Evidence", "Took"), rows, (5, 2, 5, 1.3))


def _planted(planted: Sequence[Planted]) -> Flowable:
    rows = ((each.kind, each.where, each.found_by or "nothing", (each.result, story.CAUGHT)) for each in planted)
    return table(("Kind", "Where", "Noticed by", "Result"), rows, (2, 4, 5, 1.4))


def _trend(drills: Sequence[Past], missed: Sequence[datetime]) -> Iterator[Flowable]:
    plot = plots.trend(story.points(drills, missed))
    how = "Of the RTO, how much the slowest source took; each line is ten times the one below it."
    yield together(words("Trend", "head"), words(plot.description), words(how, "label"), gap(), drawn(plot))
    rows = (
        (
            moment(each.at),
            each.id or "–",
            "–" if each.took is None else plots.length(each.took),
            each.result or (Result.COULD_NOT_VERIFY, _MISSED),
        )
        for each in story.rows(drills, missed, RECENT)
    )
    yield table(("Began", "Drill", "Took", "Result"), rows, (3, 2, 2, 3))


_MISSED = {Result.COULD_NOT_VERIFY: "missed"}


def _proof(digest: str, signed: Signed | None) -> Iterator[Flowable]:
    said = (
        "The record lies beside this document as JSON; its hash is below, and the signature is made over those bytes."
    )
    yield words("How to check this report", "head")
    yield words(said if signed else "This record is not signed: nobody vouches for it. Its hash is below.")
    yield words(f"SHA-256 of the record: {digest}", "code")
    if signed is not None:
        yield words(f"Public key (Ed25519): {signed.key}", "code")
        yield words(f"Signature: {signed.signature}", "code")
