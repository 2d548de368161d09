"""A runbook as a page."""

from __future__ import annotations

from collections.abc import Iterator

from covenant.prove.report.page import described, page, section
from covenant.prove.report.shown import marked, moment
from covenant.respond.runbook.runbook import Act, Procedure, Runbook, Stage
from covenant.respond.runbook.text import order, people


def runbook_html(runbook: Runbook) -> str:
    """The page, which can be printed and kept where the network does not reach."""
    made = moment(runbook.ground.made_at)
    header = (
        f'<p class="over">Covenant · runbook · {made}</p><h1>{marked(runbook.title)}</h1>'
        f'<p class="verdict">{marked(runbook.about)}</p>'
    )
    footer = (
        f"<p>Written from <code>{marked(runbook.ground.policy)}</code>, {made}. Write it anew whenever that changes, "
        "and keep a copy where the disaster does not reach it.</p>"
    )
    return page(f"Runbook: {runbook.title}", header, _parts(runbook), footer)


def _parts(runbook: Runbook) -> Iterator[str]:
    if runbook.own:
        items = "".join(f"<li>{marked(each)}</li>" for each in runbook.own)
        yield section("In the policy's own words", f"<ul>{items}</ul>")
    yield section("Who is called, and who is told", described(people(runbook)))
    yield section("What comes back in which order", described(order(runbook)))
    for procedure in runbook.procedures:
        yield _procedure(procedure)


def _procedure(procedure: Procedure) -> str:
    stages = "".join(f"<li>{_stage(stage)}</li>" for stage in procedure.stages)
    return section(procedure.title, f'<ol class="steps">{stages}</ol>')


def _stage(stage: Stage) -> str:
    acts = "".join(_act(act) for act in stage.acts)
    return (
        f"<h3>{marked(stage.name.capitalize())}</h3><p>{marked(stage.purpose)}</p>"
        f'<p class="quiet">In drills: {marked(str(stage.took))}</p><ul>{acts}</ul>'
    )


def _act(act: Act) -> str:
    command = f"<pre><code>{marked(act.command)}</code></pre>" if act.command else ""
    return f"<li>{marked(act.text)}{command}</li>"
