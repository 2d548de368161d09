"""The effective settings can be shown: every value with its origin, no secret."""

import json
from pathlib import Path

from covenant.settings.file import load
from covenant.settings.show import show
from tests.settings.documents import FULL, MINIMAL, written


def test_each_value_tells_where_it_comes_from(tmp_path: Path) -> None:
    """The origin is a line of the file, the class that supplied the value, or a default."""
    shown = show(load(written(tmp_path, FULL)))

    media = shown["sources"]["media"]
    assert {"value": "important", "origin": "covenant.toml:22"} == media["class"]
    assert {"value": "1h", "origin": "default (class important)"} == media["rpo"]
    assert {"value": False, "origin": "default"} == media["one_file_system"]
    assert {"value": 24, "origin": "covenant.toml:28 (source media)"} == media["retention"]["keep_monthly"]
    assert {"value": 4, "origin": "default (class important)"} == media["retention"]["keep_weekly"]
    assert {"value": "1y6m", "origin": "covenant.toml:28 (source media)"} == media["retention"]["keep_within"]


def test_a_class_tells_what_it_changed(tmp_path: Path) -> None:
    """What the file says about a known class is told apart from what the class is anyway."""
    critical = show(load(written(tmp_path, FULL)))["classes"]["critical"]

    assert {"value": "5m", "origin": "covenant.toml:12 (class critical)"} == critical["rpo"]
    assert {"value": "1h", "origin": "default (class critical)"} == critical["rto"]
    assert {"value": ["legal"], "origin": "covenant.toml:13 (class critical)"} == critical["retention"]["keep_tags"]
    assert {"value": 2, "origin": "default (class critical)"} == critical["retention"]["keep_yearly"]


def test_secrets_are_shown_as_references(tmp_path: Path) -> None:
    """A password's place is shown, never the password."""
    (tmp_path / "vault.key").write_text("hunter2")

    shown = show(load(written(tmp_path, FULL)))

    vaults = shown["vaults"]
    assert {"value": {"file": str(tmp_path / "vault.key")}, "origin": "covenant.toml:4"} == vaults["default"][
        "password"
    ]
    assert {"command": ["pass", "show", "vault"]} == vaults["offsite"]["password"]["value"]
    assert {
        "value": {"env": "OFFSITE_SECRET"},
        "origin": "covenant.toml:9",
    } == vaults["offsite"]["options"]["secret_access_key"]
    assert "hunter2" not in json.dumps(shown)


def test_a_single_path_keeps_its_line(tmp_path: Path) -> None:
    """``path`` is the short form of ``paths``, and is shown where it was written."""
    shown = show(load(written(tmp_path, MINIMAL)))

    assert {"value": [str(tmp_path / "media")], "origin": "covenant.toml:3"} == shown["sources"]["media"]["paths"]


def test_what_is_shown_can_be_sent(tmp_path: Path) -> None:
    """Everything shown is JSON."""
    shown = show(load(written(tmp_path, FULL)))

    assert shown == json.loads(json.dumps(shown))
