"""``covenant objectives``: what restores leave behind is what the next one is forecast from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import here
from tests.cli.test_regions import Place, made


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A vault with photos, which were promised back within four hours, and of which the daemon knows."""
    place = made(tmp_path)
    place.well("run", "--once")
    return place


def of_photos(place: Place) -> Any:
    """What is said of the photos."""
    return place.well("objectives", "photos", "--json").document["sources"][0]


def test_a_restore_is_remembered_and_forecast_from(place: Place) -> None:
    """Unknown before any restore; after one it is kept, with what was measured and how far the forecast may be out."""
    before = of_photos(place)
    place.well("restore", "photos", "--target", place.home / "out")

    after = of_photos(place)
    shown = place.well("objectives")

    assert ("unknown", None, None) == (before["rto"]["verdict"], before["rto"]["forecast"], before["rto"]["measured"])
    assert ("kept", 1) == (after["rto"]["verdict"], after["rto"]["measurements"])
    assert after["rto"]["forecast"]["low"] < after["rto"]["forecast"]["likely"] < after["rto"]["forecast"]["high"]
    assert after["rto"]["measured"] > 0
    assert "important" in shown.out


def test_what_is_no_measure_is_not_remembered(place: Place) -> None:
    """A dry run takes no time; a part is measured, and is not held against the promise for the whole."""
    place.well("restore", "photos", "--target", place.home / "dry", "--dry-run")
    dry = of_photos(place)["rto"]
    (place.home / "photos" / "two.raw").write_bytes(b"two" * 5000)
    place.well("backup")
    place.well("restore", "photos", str(place.home / "photos" / "two.raw"), "--target", place.home / "part")

    part = of_photos(place)["rto"]

    assert 0 == dry["measurements"]
    assert (1, None) == (part["measurements"], part["measured"])


def test_an_objective_that_is_broken_ends_with_1(place: Place) -> None:
    """Where what was measured says that the promise cannot be kept, it is said, and the exit code is 1."""
    place.well("restore", "photos", "--target", place.home / "out")
    toml = place.home / "covenant.toml"
    toml.write_text(toml.read_text().replace('class = "important"', 'class = "important"\nrto = "0s"'))

    ran = place.run("objectives")

    assert 1 == ran.code
    assert "photos: broken: a restore of today's data would take" in ran.out


def test_an_unknown_source_is_refused(tmp_path: Path) -> None:
    """A name that no source has is wrong usage, with the names that there are."""
    (tmp_path / "covenant.toml").write_text('[vault]\nurl = "v"\n[sources.photos]\nkind = "files"\npath = "p"\n')

    ran = here("-c", tmp_path / "covenant.toml", "objectives", "films")

    assert 2 == ran.code
    assert "photos" in ran.err
