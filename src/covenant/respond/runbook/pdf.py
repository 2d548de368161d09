"""A runbook for paper."""

from __future__ import annotations

from collections.abc import Iterator

from reportlab.platypus import Flowable

from covenant.prove.report import paper
from covenant.prove.report.paper import facts, words
from covenant.prove.report.shown import moment
from covenant.respond.runbook.runbook import Procedure, Runbook
from covenant.respond.runbook.text import order, people


def runbook_pdf(runbook: Runbook) -> bytes:
    """The document."""
    made = moment(runbook.ground.made_at)
    running = f"Covenant runbook, {runbook.title}, written {made} from {runbook.ground.policy}"
    return paper.document(f"Runbook: {runbook.title}", running, _parts(runbook))


def _parts(runbook: Runbook) -> Iterator[Flowable]:
    yield words(f"Covenant · runbook · {moment(runbook.ground.made_at)}", "over")
    yield words(runbook.title, "title")
    yield words(runbook.about)
    yield from (words(f"– {each}") for each in runbook.own)
    yield words("Who is called, and who is told", "head")
    yield facts(people(runbook), columns=2)
    yield words("What comes back in which order", "head")
    yield facts(order(runbook), columns=2)
    for procedure in runbook.procedures:
        yield words(procedure.title, "head")
        yield from _stages(procedure)


def _stages(procedure: Procedure) -> Iterator[Flowable]:
    for number, stage in enumerate(procedure.stages, 1):
        yield words(f"{number}. {stage.name.capitalize()}", "head")
        yield words(stage.purpose)
        yield words(f"In drills: {stage.took}", "label")
        for act in stage.acts:
            parts = [words(f"•  {act.text}")]
            yield paper.together(*parts, words(act.command, "code")) if act.command else parts[0]
