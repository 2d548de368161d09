"""What is shipped beside the program fits the program: rules, dashboard, unit and container file."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from covenant.adapters.metrics.prometheus import render
from tests.adapters.metrics.standings import a_scene
from tests.cli.running import here

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "covenant.service"
RULES = yaml.safe_load((DEPLOY / "prometheus" / "covenant.rules.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana" / "covenant.json").read_text())
NAME = re.compile(r"\bcovenant_\w+")
TARGETS = {"job", "instance"}


@cache
def exposed() -> dict[str, set[str]]:
    """The labels of every metric that is really shown."""
    return {
        sample.name: set(sample.labels)
        for family in text_string_to_metric_families(render(a_scene()))
        for sample in family.samples
    }


def queries() -> Iterator[tuple[str, str]]:
    """Every query that is shipped, and where."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield f"${variable['name']}", variable["definition"]


def wrongs(query: str) -> Iterator[str]:
    """What in a query cannot be right."""
    for left, right in ("()", "{}", "[]"):
        if query.count(left) != query.count(right):
            yield f"unbalanced {left}{right}"
    for name, matchers in re.findall(r"\b(covenant_\w+)(?:\{([^}]*)\})?", query):
        if name not in exposed():
            yield f"there is no metric {name}"
        for label in re.findall(r"(\w+)\s*(?:=~|!=|=)", matchers):
            if label not in exposed().get(name, set()):
                yield f"{name} has no label {label}"


@pytest.mark.parametrize(("where", "query"), list(queries()), ids=lambda value: str(value)[:40])
def test_a_query_asks_for_what_is_shown(where: str, query: str) -> None:
    """Every metric and every label that a rule or a panel asks for is one that we show."""
    assert NAME.search(query)
    assert [] == list(wrongs(query))


@pytest.mark.parametrize(
    "query", ["covenant_nothing > 1", 'covenant_copies{region="a"}', "sum(covenant_copies", "covenant_copies[5m"]
)
def test_a_wrong_query_is_noticed(query: str) -> None:
    """The look at queries sees names and labels that are not shown, and brackets left open."""
    assert list(wrongs(query))


def commands(text: str) -> set[str]:
    """The commands of ours that a text tells its reader to run."""
    return set(re.findall(r"'covenant ((?:[a-z]+)(?: [a-z]+)?)", text))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_says_what_to_do(rule: dict[str, Any]) -> None:
    """Every rule has a severity, says what is the matter, and names the command to run."""
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"]
    assert commands(rule["annotations"]["action"])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_names_labels_that_it_has(rule: dict[str, Any]) -> None:
    """A label in the words of an alert is one that the query's metrics bear."""
    labels = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
    has = set.intersection(*(exposed()[name] for name in NAME.findall(rule["expr"])))

    assert labels <= has | TARGETS


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    """It has what Grafana asks of a dashboard; panels have ids of their own, fit the grid and do not overlap."""
    panels = DASHBOARD["panels"]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert {"title", "uid", "schemaVersion", "panels", "templating", "time"} <= DASHBOARD.keys()
    assert len(panels) == len({panel["id"] for panel in panels})
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert all(panel["targets"] and panel["title"] and panel["description"] for panel in panels)
    assert {"stat", "timeseries", "table"} == {panel["type"] for panel in panels}


def test_the_dashboards_variables_are_all_there() -> None:
    """Every variable in a query is declared."""
    declared = {variable["name"] for variable in DASHBOARD["templating"]["list"]}

    assert (
        set(re.findall(r"\$\{?(\w+)\}?", json.dumps([panel["targets"] for panel in DASHBOARD["panels"]]))) <= declared
    )


def test_systemd_reads_the_unit_without_a_word(tmp_path: Path) -> None:
    """systemd knows every option of the unit, and has nothing to say against it."""
    program = tmp_path / "covenant"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "covenant.service"
    unit.write_text(UNIT.read_text().replace("/usr/local/bin/covenant", str(program)))

    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    "option",
    [
        "User=covenant",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "StateDirectory=covenant",
        "CapabilityBoundingSet=CAP_DAC_READ_SEARCH",
        "Restart=always",
        "UMask=0077",
    ],
)
def test_the_unit_gives_little_away(option: str) -> None:
    """The daemon runs as a user of its own that may read everything, and write nothing but its own folders."""
    assert option in UNIT.read_text().splitlines()


def test_the_unit_claims_no_watchdog() -> None:
    """systemd must not wait for a sign of life that the daemon does not give."""
    assert "WatchdogSec" not in UNIT.read_text()
    assert "Type=notify" not in UNIT.read_text()


def test_the_unit_starts_a_command_that_there_is() -> None:
    """What the unit runs is a command line that the program understands."""
    [line] = [line for line in UNIT.read_text().splitlines() if line.startswith("ExecStart=")]
    words = line.partition("=")[2].split()

    assert "run" == words[-1]
    assert 0 == here(words[-1], "--help").code


@pytest.mark.parametrize("words", sorted({words for rule in RULES for words in commands(json.dumps(rule))}))
def test_a_rule_names_commands_that_there_are(words: str) -> None:
    """Whoever is told by a rule to run something can run it."""
    assert 0 == here(*words.split(), "--help").code


CONTAINERFILE = (ROOT / "Containerfile").read_text()


def test_what_the_container_file_copies_is_there() -> None:
    """Every path that is copied from the checkout exists, and the ignore file lets it through."""
    lines = re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINERFILE, re.MULTILINE)
    copied = {path for line in lines for path in line.split()}
    let_through = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}

    assert copied
    assert all((ROOT / path).exists() for path in copied)
    assert copied == let_through


def test_the_container_runs_as_nobody_special_and_holds_no_secret() -> None:
    """The last user is not root, everything but what is built from is ignored, and no variable looks like a secret."""
    users = re.findall(r"^USER (\S+)$", CONTAINERFILE, re.MULTILINE)

    assert ["970:970"] == users
    assert "*" in (ROOT / ".containerignore").read_text().splitlines()
    assert not re.search(r"(ENV|ARG).*(PASSWORD|SECRET|TOKEN|KEY)", CONTAINERFILE)
    assert not re.search(r"--(extra-)?index-url|https?://", CONTAINERFILE)
