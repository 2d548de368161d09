"""``covenant runbook show``: what to do, in this policy's own names, with commands that can be typed."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from covenant.catalog.catalog import open_catalog
from covenant.catalog.records import Kept, Proof
from covenant.cli.commands.runbook import SCENARIOS
from covenant.cli.main import covenant
from covenant.prove.record import DrillRecord, Measured, Scenario, Step
from covenant.prove.telling import to_json
from tests.cli.running import ROOT, Ran, here
from tests.prove.report.drills import BOOKINGS, MONTHLY

TOML = """\
[vault]
password = { file = "/root/key" }
[vault.regions.studio]
url = "/srv/vault"
[vault.regions.cloud]
url = "s3://backups/covenant"
options = { access_key_id = "AKIA", secret_access_key = { env = "CLOUD_SECRET" } }

[vaults.second]
url = "/srv/second vault"
password = { file = "/root/key" }

[sources.bookings]
kind = "sqlite"
path = "/srv/studio/bookings.db"
class = "critical"

[sources.films]
kind = "files"
path = "/srv/studio/my films"
class = "important"
vault = "second"

[sources.media]
kind = "bucket"
url = "s3://media"
class = "important"

[sources.accounts]
kind = "postgres"
url = { env = "ACCOUNTS_URL" }
class = "critical"

[restoration]
critical = ["the booking page", "bookings"]
optional = ["the gallery", "films"]

[readiness]
contacts = ["Ada, +44 1", "Grace, +1 2"]
vendors = ["the hosting company"]

[communication.clients]
who = "clients"
how = "by mail"
owner = "the studio's manager"

[alerts.channels.pager]
url = { env = "PAGER" }
severity = "critical"
after = "30m"

[procedures.database]
steps = ["look", "stop", "put back", "compare", "open"]
"""
FILLED = {"MOMENT": "2026-11-20 12:00", "PATH": "/srv/studio/my films/first.raw", "SHARE": "share-1.txt"}


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """A policy with two vaults, two regions, three kinds of sources and people."""
    path = tmp_path / "covenant.toml"
    path.write_text(TOML + f'[catalog]\npath = "{tmp_path}/catalog.db"\n')
    return path


def shown(toml: Path, scenario: str, *words: object) -> Ran:
    """The runbook of a scenario."""
    variables = {"COVENANT_STATE_DIR": str(toml.parent / "state")}
    ran = here("-c", toml, *words, "runbook", "show", scenario, variables=variables)
    assert 0 == ran.code, ran.err
    return ran


def commands(document: Any) -> list[str]:
    """Every command of ours in a runbook."""
    acts = [act for procedure in document["procedures"] for stage in procedure["stages"] for act in stage["acts"]]
    return [act["command"] for act in acts if act["command"].startswith("covenant")]


def parse(command: click.Command, words: list[str], above: click.Context | None = None) -> click.Context:
    """Have click take a command line as it would, without carrying it out."""
    context = command.make_context(command.name, list(words), parent=above)
    if isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        _, below, words = command.resolve_command(context, rest)
        assert below is not None
        return parse(below, words, context)
    return context


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("policy", ["own", "music-platform", "studiovault"])
def test_every_command_of_a_runbook_can_be_typed(toml: Path, scenario: str, policy: str) -> None:
    """Each is taken by the program as it stands, once the words in capitals are filled in."""
    path = toml if policy == "own" else toml.with_name("copied.toml")
    if policy != "own":
        path.write_text((ROOT / "examples" / f"{policy}.toml").read_text())

    found = commands(shown(path, scenario, "--json").document)

    assert len(found) >= 3
    for command in found:
        words = [FILLED.get(word, word) for word in shlex.split(command)]
        assert parse(covenant, words[1:]).command.name


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_runbook_names_what_is_here(toml: Path, scenario: str) -> None:
    """Its own sources, people in the order of escalation, who is told, and services by rank; never a secret."""
    text = " ".join(shown(toml, scenario).out.split())

    for named in (
        "bookings",
        "films",
        "Ada, +44 1, then Grace, +1 2",
        "the hosting company",
        "clients (by mail, by the studio's manager)",
        "pager: critical and worse, after 30m",
        "critical services: the booking page, bookings",
        "optional sources: films",
    ):
        assert named in text
    assert "AKIA" not in text


def test_the_five_steps_are_those_of_the_specification(tmp_path: Path) -> None:
    """Assess, isolate, restore, validate, resume; respond, rebuild, deploy, restore, validate."""
    toml = tmp_path / "covenant.toml"  # beside which its catalog is kept
    toml.write_text((ROOT / "examples" / "music-platform.toml").read_text())

    document = shown(toml, "security-breach", "--json").document

    database, system = ([stage["name"] for stage in each["stages"]] for each in document["procedures"])
    assert ["assess", "isolate", "restore", "validate", "resume"] == database
    assert ["respond", "rebuild", "deploy", "restore", "validate"] == system
    assert "unauthorized access or data compromise" == document["about"]


def test_the_policys_own_words_name_the_steps(toml: Path) -> None:
    """Where [procedures] has five steps, they say what each is for."""
    document = shown(toml, "human-error", "--json").document

    assert ["look", "stop", "put back", "compare", "open"] == [
        stage["purpose"] for stage in document["procedures"][0]["stages"]
    ]


def test_a_breach_is_restored_from_before_it_and_never_in_place(toml: Path) -> None:
    """What the intruder may have changed is not brought back, nor put over anything."""
    found = commands(shown(toml, "security-breach", "--json").document)

    restores = [command for command in found if " restore " in command or " recover " in command]
    assert 4 == len(restores)
    assert all(" MOMENT " in f"{command} " and "--in-place" not in command for command in restores)


def test_a_log_is_replayed_to_its_end_unless_the_mistake_is_in_it(toml: Path) -> None:
    """A corrupted server comes back as late as can be, one that somebody ruined to the moment before."""
    corrupted = shown(toml, "database-corruption").out
    ruined = shown(toml, "human-error").out

    assert "restore accounts --latest --target" in corrupted
    assert "restore accounts --to MOMENT --target" in ruined


def test_what_this_version_does_not_keep_is_never_promised(toml: Path) -> None:
    """A source of a kind that is not covered has no command, and is said to come back by other means."""
    ran = shown(toml, "database-corruption")

    assert "restore media" not in ran.out
    assert "'media' (bucket)" in " ".join(ran.out.split())


def held(toml: Path, *drills: DrillRecord) -> None:
    """Enter drills that were held."""
    with open_catalog(toml.parent / "catalog.db") as catalog:
        for drill in drills:
            detail = to_json(drill)
            proof = Proof(subject=drill.level, kind="drill", at=drill.began_at, verdict=drill.result, detail=detail)
            catalog.prove(proof)


def test_what_was_never_rehearsed_is_said_to_be_so(toml: Path) -> None:
    """No time is made up for a step that nobody has tried."""
    document = shown(toml, "data-centre-outage", "--json").document

    assert {0} == {stage["took"]["times"] for each in document["procedures"] for stage in each["stages"]}
    assert 5 <= shown(toml, "data-centre-outage").out.count("never rehearsed")


def test_expected_times_are_those_of_the_drills_with_their_spread(toml: Path) -> None:
    """A step that was rehearsed says how long it took, from the shortest to the longest, and when last."""
    later = replace(
        MONTHLY,
        id="b",
        began_at=datetime(2026, 11, 20, tzinfo=UTC),
        sources=(
            replace(BOOKINGS, steps=(Step("restore", 61.4),), rto=Measured(timedelta(hours=1), timedelta(0, 90))),
        ),
    )
    held(toml, replace(MONTHLY, sources=(BOOKINGS,)), later)

    text = " ".join(shown(toml, "database-corruption").out.split())

    assert "In drills: 41.4 s (21.4 s to 1 min 01 s in 2 drills, last on 2026-11-20)" in text
    assert "In drills: 1 min 06 s (42.0 s to 1 min 30 s in 2 drills, last on 2026-11-20)" in text


def test_a_runbook_is_written_as_a_page_and_on_paper(toml: Path, tmp_path: Path) -> None:
    """Both hold every command, and the page asks no network."""
    for name in ("runbook.html", "runbook.pdf"):
        here("-c", toml, "runbook", "show", "human-error", "-o", tmp_path / name)

    page = (tmp_path / "runbook.html").read_text()
    assert all(command.split()[-1] in page for command in commands(shown(toml, "human-error", "--json").document))
    assert "default-src 'none'" in page
    assert (tmp_path / "runbook.pdf").read_bytes().startswith(b"%PDF-")


def test_a_runbook_is_there_when_the_catalog_is_not(toml: Path) -> None:
    """In a disaster the record of drills may be gone: the steps are shown all the same, and that is said."""
    (toml.parent / "catalog.db").write_bytes(b"no database at all" * 100)

    ran = shown(toml, "data-centre-outage")

    assert "covenant recover --bare" in ran.out
    assert "catalog-not-read" in ran.err


def test_all_four_scenarios_have_a_runbook() -> None:
    """The command knows every scenario that a drill can act out."""
    assert [*Scenario] == [*SCENARIOS]


def test_a_runbook_says_how_long_todays_data_would_take(toml: Path) -> None:
    """What restores and drills took, carried over to the newest backup, stands beside what drills took."""
    held(toml, replace(MONTHLY, sources=(replace(BOOKINGS, bytes=1_000_000),)))
    with open_catalog(toml.parent / "catalog.db") as catalog:
        newest = Kept(
            id="ab" * 32, vault="default", source="bookings", kind="full", time=MONTHLY.began_at, bytes=2_000_000
        )
        catalog.take_up("default", [newest], now=MONTHLY.ended_at)

    text = " ".join(shown(toml, "database-corruption").out.split())

    assert "Today's data would take about 1 min 13 s (" in text
    assert ", from 1 restore)." in text
