"""Writing a runbook: which procedures a scenario asks for, and their five steps with this policy's own words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from covenant.prove.record import Scenario
from covenant.respond.runbook import acts
from covenant.respond.runbook.ground import Ground, Spread
from covenant.respond.runbook.runbook import Act, Procedure, Runbook, Stage

Doing = Callable[[Ground, Scenario], Iterator[Act]]

_DATABASE: tuple[tuple[str, str, Doing], ...] = (
    ("assess", "determine the extent of loss or corruption", acts.assess),
    ("isolate", "prevent further damage or loss", acts.isolate),
    ("restore", "restore from the most recent valid backup", acts.restore),
    ("validate", "consistency and completeness", acts.validate),
    ("resume", "bring it back online, with monitoring", acts.resume),
)
_SYSTEM: tuple[tuple[str, str, Doing], ...] = (
    ("respond", "activate the response team", acts.respond),
    ("rebuild", "reconstruct the infrastructure", acts.rebuild),
    ("deploy", "deploy the application from version control", acts.deploy),
    ("restore", "restore the data from the vault", acts.bring_back),
    ("validate", "test the whole before it is opened", acts.try_out),
)
_TITLES = {
    Scenario.DATA_CENTRE_OUTAGE: ("Data-centre outage", "The primary hosting provider has failed."),
    Scenario.DATABASE_CORRUPTION: ("Database corruption", "The integrity of a database is compromised."),
    Scenario.SECURITY_BREACH: ("Security breach", "Somebody has had access, or data, that they may not have."),
    Scenario.HUMAN_ERROR: ("Human error", "Something was deleted or misconfigured by accident."),
}
_ASKED = {
    Scenario.DATA_CENTRE_OUTAGE: ("system",),
    Scenario.DATABASE_CORRUPTION: ("database",),
    Scenario.SECURITY_BREACH: ("database", "system"),
    Scenario.HUMAN_ERROR: ("database",),
}


def runbook(scenario: Scenario, ground: Ground) -> Runbook:
    """What to do in a scenario, on this ground."""
    title, about = _TITLES[scenario]
    return Runbook(
        scenario=scenario,
        title=title,
        about=ground.about.get(scenario) or about,
        own=ground.own.get(scenario, ()),
        procedures=tuple(_procedure(name, scenario, ground) for name in _ASKED[scenario]),
        ground=ground,
    )


def _procedure(name: str, scenario: Scenario, ground: Ground) -> Procedure:
    steps = _DATABASE if name == "database" else _SYSTEM
    own = ground.procedures.get(name, ())
    said = own if len(own) == len(steps) else tuple(purpose for _, purpose, _ in steps)
    return Procedure(
        f"{name.capitalize()} recovery",
        tuple(
            Stage(word, purpose, tuple(doing(ground, scenario)), ground.rehearsed.get(word, Spread()))
            for (word, _, doing), purpose in zip(steps, said, strict=True)
        ),
    )
