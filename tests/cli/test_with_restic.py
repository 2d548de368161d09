"""Where restic is set up, Covenant works with what is there; and restic reads what Covenant wrote."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Studio
from tests.cli.running import Ran, apart, clean_environment


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """restic's own environment, for a repository and a password that are there."""
    (tmp_path / "restic-password").write_text("restic's")
    return {
        "RESTIC_REPOSITORY": str(tmp_path / "repository"),
        "RESTIC_PASSWORD_FILE": str(tmp_path / "restic-password"),
        "RESTIC_CACHE_DIR": str(tmp_path / "restic-cache"),
    }


def restic(home: Path, variables: dict[str, str], *words: str) -> str:
    """Run restic; what it said."""
    environment = clean_environment(home, **variables)
    return subprocess.run(["restic", *words], env=environment, check=True, capture_output=True, text=True).stdout


def test_its_environment_is_enough(studio: Studio, variables: dict[str, str]) -> None:
    """With nothing but restic's variables: list, check, restore and extend its repository, which it then checks."""
    restic(studio.home, variables, "init")
    restic(studio.home, variables, "backup", str(studio.photos))

    def covenant(*words: object) -> Ran:
        return apart(studio.home, *words, **variables)

    listed = covenant("snapshots", "--json")
    checked = covenant("check", "--read-data")
    restored = covenant("restore", "latest", "--target", studio.home / "out")
    kept = covenant("backup", "--path", studio.photos, "--json")

    assert [0, 0, 0, 0] == [each.code for each in (listed, checked, restored, kept)], (checked, restored, kept)
    assert listed.document["snapshots"][0]["id"] == kept.document["parent"]
    restic(studio.home, variables, "check", "--read-data")
    assert 2 == len(json.loads(restic(studio.home, variables, "snapshots", "--json")))


def test_it_restores_what_we_wrote(studio: Studio, variables: dict[str, str]) -> None:
    """Init and backup are ours; snapshots, check and restore are restic's."""
    for words in (("init",), ("backup", "--path", str(studio.photos), "--tag", "x")):
        ran = apart(studio.home, *words, **variables)
        assert 0 == ran.code, ran.err

    restic(studio.home, variables, "check", "--read-data")
    restic(studio.home, variables, "restore", "latest", "--tag", "x", "--target", str(studio.home / "out"))

    restored = studio.home / "out" / str(studio.photos).lstrip("/")
    assert ["cover.jpg", "shoot-1"] == sorted(os.listdir(restored))


def test_our_names_go_before_its(studio: Studio, variables: dict[str, str]) -> None:
    """COVENANT_VAULT and its password file are used where both are set."""
    ours = {"COVENANT_VAULT": str(studio.vault), "COVENANT_PASSWORD_FILE": str(studio.home / "password")}

    ran = apart(studio.home, "cat", "config", "--json", **variables, **ours)

    assert 0 == ran.code, ran.err
