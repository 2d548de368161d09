"""``covenant verify`` over a vault of three regions, and what ``status`` says of it afterwards."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from covenant.kernel.clock import SystemClock
from tests.cli.conftest import Studio
from tests.cli.running import Ran, here
from tests.cli.test_regions import Place, harmed, made
from tests.clocks import FrozenClock


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Three regions with one backup."""
    return made(tmp_path, acknowledge="2")


def an_hour_later(place: Place, *words: object) -> Ran:
    """Run a command when an hour has passed."""
    clock = FrozenClock(SystemClock().now() + timedelta(hours=1))
    variables = {"COVENANT_STATE_DIR": str(place.home / "state")}
    return here("-c", place.home / "covenant.toml", "--no-cache", *words, variables=variables, clock=clock)


def by_region(document: Any) -> dict[str, Any]:
    """What was said of each region."""
    return {region["region"]: region for region in document["regions"]}


def test_every_region_is_read_and_remembered(place: Place) -> None:
    """All objects of all regions are read; a second look has nothing that the promise asks for."""
    first = place.well("verify", "--json").document
    due = place.well("verify", "--due", "--json").document

    regions = by_region(first)
    assert {"home", "attic", "cloud"} == set(regions)
    for region in regions.values():
        assert region["objects"] == region["read_objects"] == region["verified"]["objects"] > 4
        assert region["bytes"] == region["read_bytes"] == region["verified"]["bytes"]
    assert "passed" == first["verdict"]
    assert all(region["verified"]["objects"] < region["objects"] for region in due["regions"])
    assert all(region["read_objects"] == region["objects"] for region in due["regions"])


def test_damage_is_named_noted_and_healed(place: Place) -> None:
    """A damaged copy in one region ends with 1 and is named; ``heal`` mends it without reading all; then it passes."""
    pack = place.packs("b")[0]
    whole = pack.read_bytes()
    harmed(pack)

    bad = place.run("verify", "--json")
    healed = place.well("region", "heal")
    good = an_hour_later(place, "verify", "--due", "--json").document

    name = str(pack.relative_to(place.home / "b"))
    assert (1, "failed") == (bad.code, bad.document["verdict"])
    assert [("copy-damaged", name)] == [(found["kind"], found["subject"]) for found in bad.document["findings"]]
    assert [0, 1, 0] == [region["damaged"] for region in bad.document["regions"]]
    assert "replaced 1" in healed.out
    assert whole == pack.read_bytes()
    assert [0, 0, 0] == [region["damaged"] for region in good["regions"]]


def test_a_region_that_is_away_could_not_be_verified(place: Place) -> None:
    """A region that does not answer is told as that, with exit code 1; what is known of it stays."""
    place.well("verify")
    (place.home / "b").rename(place.home / "gone")

    ran = place.run("verify", "--json")
    text = place.run("verify")

    regions = by_region(ran.document)
    assert (1, "could not verify") == (ran.code, ran.document["verdict"])
    assert (False, True) == (regions["attic"]["reached"], regions["home"]["reached"])
    assert regions["attic"]["left_out"]
    assert regions["attic"]["objects"] == regions["home"]["objects"]
    assert "region 'attic' could not be verified" in text.out


def test_what_a_region_lacks_is_not_verified(place: Place) -> None:
    """A region that lost an object cannot pass for whole because all that it still holds is."""
    place.packs("c")[0].unlink()

    ran = place.run("verify", "--json")

    assert (1, "could not verify") == (ran.code, ran.document["verdict"])
    assert [0, 0, 1] == [region["missing"] for region in ran.document["regions"]]


def test_one_region_and_a_sample(place: Place) -> None:
    """One region alone is read where one is named, and of a sample at least one object."""
    one = by_region(place.well("verify", "--region", "attic", "--json").document)
    few = by_region(place.well("verify", "--region", "home", "--sample", "0.001%", "--json").document)

    assert ["attic"] == list(one)
    assert 1 <= few["home"]["verified"]["objects"] < few["home"]["objects"]


@pytest.mark.parametrize(
    "words", [("--region", "moon"), ("--sample", "5"), ("--sample", "0%"), ("--all", "--due"), ("--sample", "a%")]
)
def test_what_cannot_be_meant_is_refused(place: Place, words: tuple[str, ...]) -> None:
    """An unknown region, a share that is none, and two choices at once are wrong usage."""
    assert 2 == place.run("verify", *words).code


def test_a_vault_without_a_covenant_toml_is_verified_too(studio: Studio) -> None:
    """One place, no policy, no catalog: everything is read, and damage is found and has no copy to mend it."""
    studio.backed_up()
    good = studio.here("verify", "--json")
    harmed(max((path for path in (studio.vault / "data").rglob("*") if path.is_file()), key=lambda p: p.stat().st_size))

    bad = studio.here("verify", "--json")

    assert (0, 1) == (good.code, bad.code), good.err
    assert ["default"] == list(by_region(good.document))
    assert 1 == by_region(bad.document)["default"]["damaged"]


def test_a_lost_memory_is_not_taken_for_proof(place: Place) -> None:
    """With the file of marks gone nothing counts as read, and what the catalog knows says since when."""
    before = by_region(place.well("verify", "--json").document)
    for marks in (place.home / "state" / "verified").glob("*.marks"):
        marks.unlink()

    after = by_region(place.run("verify", "--sample", "0.001%", "--json").document)

    for name, region in after.items():
        assert region["read_objects"] == region["verified"]["objects"] < region["objects"]
        assert before[name]["oldest"] == region["oldest"]
