"""A runbook as plain text, for a terminal or a printer that has nothing better."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from covenant.prove.report.shown import moment, shown
from covenant.respond.runbook.runbook import Procedure, Runbook

_WIDTH = 100


def lines(runbook: Runbook) -> Iterator[str]:
    """The runbook, line by line."""
    yield f"{runbook.title}: {shown(runbook.about)}"
    yield f"Written {moment(runbook.ground.made_at)} from {shown(runbook.ground.policy)}."
    for own in runbook.own:
        yield f"  {shown(own)}"
    yield from _people(runbook)
    for procedure in runbook.procedures:
        yield from _procedure(procedure)


def people(runbook: Runbook) -> list[tuple[str, str]]:
    """Who is called and told, by what they are."""
    ground = runbook.ground
    contacts = ", then ".join(ground.contacts) or "nobody is named in [readiness] contacts"
    said = [("Call, in this order", contacts)]
    said += [("Vendors", ", ".join(ground.vendors))] if ground.vendors else []
    said += [("Told by itself", "; ".join(ground.channels) or "nobody: there is no channel in [alerts]")]
    audiences = "; ".join(f"{each.who} ({each.how}{f', by {each.by}' if each.by else ''})" for each in ground.audiences)
    return [*said, ("Tell", audiences)] if audiences else said


def order(runbook: Runbook) -> list[tuple[str, str]]:
    """What comes back in which order: services, and sources, by rank."""
    said = [(f"{rank} services", ", ".join(services)) for rank, services in runbook.ground.services.items()]
    ranks = dict.fromkeys(source.rank for source in runbook.ground.sources)
    for rank in ranks:
        names = [source.name for source in runbook.ground.sources if source.rank == rank]
        said.append((f"{rank} sources", ", ".join(names)))
    return said


def _people(runbook: Runbook) -> Iterator[str]:
    yield ""
    for name, value in (*people(runbook), *order(runbook)):
        yield from wrap(f"{name}: {shown(value)}", _WIDTH, subsequent_indent="    ")


def _procedure(procedure: Procedure) -> Iterator[str]:
    yield ""
    yield procedure.title
    for number, stage in enumerate(procedure.stages, 1):
        yield ""
        yield f"{number}. {stage.name.capitalize()}"
        yield f"   {shown(stage.purpose)}"
        yield f"   In drills: {stage.took}"
        for act in stage.acts:
            yield from wrap(f"- {shown(act.text)}", _WIDTH, initial_indent="   ", subsequent_indent="     ")
            if act.command:
                yield f"       $ {shown(act.command)}"
