"""``covenant drill``: rehearsals, and what is said about them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from covenant.catalog.catalog import open_catalog
from covenant.catalog.records import Proof
from covenant.kernel.answers import Result
from covenant.kernel.clock import SystemClock
from covenant.prove.evidence.keeping import the_signer
from covenant.prove.evidence.signing import parse_public_key, signed_by
from covenant.prove.record import DrillRecord, Level
from covenant.prove.telling import from_json, to_json
from tests.cli.running import Ran, here
from tests.clocks import FrozenClock
from tests.prove.test_record import GOOD
from tests.vaults import PASSWORD, a_store, a_vault

TOML = """\
[vault]
url = "vault"
password = { file = "password" }

[catalog]
path = "catalog.db"
"""


@dataclass(slots=True)
class Place:
    """A covenant.toml, its catalog, and a clock that is moved."""

    home: Path
    clock: FrozenClock = field(default_factory=lambda: FrozenClock(SystemClock().now()))

    def run(self, *words: object) -> Ran:
        """Run a command at the clock's moment."""
        variables = {"COVENANT_STATE_DIR": str(self.home / "state")}
        return here("-c", self.home / "covenant.toml", "--no-cache", *words, variables=variables, clock=self.clock)

    def held(self, id: str, **more: object) -> DrillRecord:
        """Enter a drill that was held."""
        now = self.clock.now()
        record = DrillRecord(id=id, level=Level.MONTHLY, began_at=now, ended_at=now + timedelta(minutes=1))
        record = replace(record, **{"sources": (GOOD,), **more})  # type: ignore[arg-type]
        with open_catalog(self.home / "catalog.db") as catalog:
            detail = to_json(record)
            catalog.prove(Proof(subject=record.level, kind="drill", at=now, verdict=record.result, detail=detail))
        return record

    def only(self) -> DrillRecord:
        """The one drill that there is."""
        with open_catalog(self.home / "catalog.db") as catalog:
            (proof,) = catalog.proofs(kind="drill")
        return from_json(proof.detail)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """No drill was held yet."""
    (tmp_path / "covenant.toml").write_text(TOML)
    return Place(tmp_path)


def test_drills_are_listed_the_newest_first(place: Place) -> None:
    """Each with its level and what it came to; as JSON, the whole records."""
    place.held("aaaa1111")
    place.held("bbbb2222", level=Level.ANNUAL, why_not="no room")

    ran, document = place.run("drill", "list"), place.run("drill", "list", "--json").document

    assert ["bbbb2222", "aaaa1111"] == [line.split()[0] for line in ran.out.splitlines()[1:]]
    assert ["could not verify", "passed"] == [each["result"] for each in document["drills"]]
    assert ["aaaa1111"] == [
        each["drill"]["id"] for each in place.run("drill", "list", "--level", "monthly", "--json").document["drills"]
    ]


@pytest.mark.parametrize(
    ("spoilt", "code", "expected"),
    [
        (GOOD, 0, "passed"),
        (replace(GOOD, rto=replace(GOOD.rto, reached=timedelta(hours=2))), 1, "failed"),
        (replace(GOOD, why_not="the disk is full"), 3, "could not verify"),
    ],
)
def test_a_drill_is_shown_and_ends_with_what_it_came_to(place: Place, spoilt: object, code: int, expected: str) -> None:
    """Passed is 0, failed 1, could not verify 3; each source is told with its evidence."""
    place.held("cccc3333", sources=(spoilt,))

    ran, document = place.run("drill", "show", "cccc"), place.run("drill", "show", "latest", "--json")

    assert (code, code) == (ran.code, document.code)
    assert f"drill cccc3333: monthly, {expected}" in ran.out
    assert "integrity_check: ok" in ran.out
    assert re.search(r"bit-flipped +data/ab +caught +pack-damaged", ran.out)
    assert Result(expected) == document.document["result"]


def test_a_drill_that_is_not_there_is_named(place: Place) -> None:
    """Nothing is shown in the place of what was asked for, nor where two could be meant."""
    place.held("dd11")
    place.held("dd22")

    assert "no drill of that name: 'ee'" in place.run("drill", "show", "ee").err
    assert "2 drills of that name: 'dd'" in place.run("drill", "show", "dd").err


def test_a_report_is_written_with_the_record_and_its_sums(place: Place) -> None:
    """The page, the paper and the record lie beside one another, and the sums fit all of them."""
    place.held("3f9a2c11d4e84a0b")
    folder = place.home / "reports"

    ran = place.run("--json", "drill", "report", "3f9a", "-o", folder)

    assert 1 == ran.code
    assert ["not-signed"] == [finding["kind"] for finding in ran.document["findings"]]
    written = {Path(name).suffix: Path(name) for name in ran.document["files"]}
    assert {".json", ".html", ".pdf", ".sha256"} == set(written)
    assert written[".json"].read_text() == to_json(place.only())
    for line in written[".sha256"].read_text().splitlines():
        digest, name = line.split("  ")
        assert digest == sha256((folder / name).read_bytes()).hexdigest()
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in written.values())


def test_an_id_that_is_a_path_leads_nowhere(place: Place) -> None:
    """Whatever a drill is called, its report lies in the folder that was named."""
    place.held("../../../../tmp/x")

    ran = place.run("--json", "drill", "report", "latest", "-o", place.home / "reports", "--pdf")

    assert {place.home / "reports"} == {Path(name).parent for name in ran.document["files"]}
    assert [] == [name for name in ran.document["files"] if name.endswith(".html")]


def test_a_report_is_signed_with_the_key_of_the_evidence(place: Place) -> None:
    """The signature beside a report is that of the vault's own key over the record, and of nothing else."""
    store = a_store(place.home / "vault")
    vault = a_vault(store)
    (place.home / "password").write_text(PASSWORD)
    key = the_signer(vault, store, place.clock.now()).public
    place.held("3f9a2c11d4e84a0b")

    ran = place.run("--json", "drill", "report", "3f9a", "-o", place.home / "reports", "--html")

    assert 0 == ran.code, ran.err
    written = {Path(name).suffix: Path(name).read_bytes() for name in ran.document["files"]}
    assert key == ran.document["signed_by"] == parse_public_key(written[".pem"].decode())
    assert signed_by(key, written[".json"], written[".sig"])
    assert not signed_by(key, written[".json"] + b" ", written[".sig"])
    assert key.encode() in written[".html"]
