"""What was promised can be asked for, explained and checked; what this version cannot keep is said plainly."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.running import ROOT, here
from tests.clocks import FrozenClock

CONFIG = """\
[vault]
url = "vault"
password = { file = "vault.key" }

[classes.gold]
rpo = "1h"
rto = "4h"
window = "7d"
retention = { keep_within = "14d" }
schedule = { full = "0 2 * * Sun", incremental = "every 30m" }

[sources.media]
kind = "files"
path = "media"
class = "gold"
schedule = { log = "never" }

[sources.orders]
kind = "d1"
account = "0123456789abcdef"
database = "orders"
class = "critical"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A covenant.toml with a source that can be kept, and one that cannot."""
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "wedding.raw").write_text("irreplaceable")
    (tmp_path / "vault.key").write_text("open sesame")
    (tmp_path / "vault.key").chmod(0o600)
    path = tmp_path / "covenant.toml"
    path.write_text(CONFIG)
    return path


def test_the_table_shows_every_source(config: Path) -> None:
    """Each source has a row with its numbers, and one that cannot be kept says so."""
    ran = here("-c", config, "policy", "show")

    assert 0 == ran.code
    _, media, orders, *_ = ran.out.splitlines()
    assert ["media", "files", "gold", "-", "1h", "4h", "1w", "1"] == media.split()[:8]
    assert "d1 (not covered)" in orders


def test_one_source_is_shown_as_json(config: Path) -> None:
    """A program is told each value with its origin."""
    shown = here("-c", config, "policy", "show", "media", "--json").document["sources"]

    assert ["media"] == list(shown)
    assert {"value": "1h", "origin": "covenant.toml:6 (class gold)"} == shown["media"]["rpo"]


def test_what_holds_for_a_vault_is_shown_with_its_origin(config: Path) -> None:
    """In which time everything is read back is a promise like others: shown, explained, and with the line that says so
    where one does."""
    default = here("-c", config, "policy", "explain", "media", "--json").document["values"]
    config.write_text(config.read_text().replace("[vault]", '[vault]\nverify_within = "2w"'))

    said = here("-c", config, "policy", "show", "media", "--json").document["vaults"]
    table = here("-c", config, "policy", "show").out

    values = {each["key"]: each for each in default}
    assert ("30d", "default") == (values["vault.verify_within"]["value"], values["vault.verify_within"]["origin"])
    assert {"value": "2w", "origin": "covenant.toml:2"} == said["default"]["vault.verify_within"]
    assert "Read back in" in table
    assert " 2w " in table


def test_an_explanation_names_lines_and_the_next_moments(config: Path) -> None:
    """Each value names its line and what it was laid over; what is due next is told."""
    clock = FrozenClock(datetime(2026, 11, 25, 12, 10, tzinfo=UTC))

    explained = here("-c", config, "policy", "explain", "media", "--json", clock=clock).document

    values = {each["key"]: each for each in explained["values"]}
    assert "covenant.toml:10 (class gold)" == values["schedule.incremental"]["origin"]
    assert [{"value": "0 3 * * *", "origin": "default (everything)"}] == values["schedule.incremental"]["over"]
    assert {"full": "2026-11-29T02:00:00+00:00", "incremental": "2026-11-25T12:30:00+00:00"} == explained["next"]


def test_an_explanation_is_for_people_too(config: Path) -> None:
    """The same in words, and that a source is not covered."""
    ran = here("-c", config, "policy", "explain", "orders")

    assert 0 == ran.code
    assert "default (class critical)" in ran.out
    assert "next log: " in ran.out
    assert "not covered: this version cannot keep a source of kind 'd1'" in ran.out


def test_a_source_that_is_not_there_is_told(config: Path) -> None:
    """A wrong name is a wrong usage, and the right ones are listed."""
    ran = here("-c", config, "policy", "explain", "medai")

    assert 2 == ran.code
    assert "there is no source 'medai'" in ran.err
    assert "media, orders" in ran.err


def test_a_sound_policy_passes_and_says_what_is_not_covered(config: Path) -> None:
    """Nothing contradicts itself: the exit code is 0, and what is not covered is listed all the same."""
    ran = here("-c", config, "policy", "check")

    assert 0 == ran.code
    assert "not covered: source 'orders': this version cannot keep a source of kind 'd1'" in ran.out
    assert "2 sources, 0 contradictions, 1 not covered" in ran.out


def test_a_contradiction_is_told_with_lines_and_a_mend(config: Path) -> None:
    """The exit code is 1, and the reason, the lines and the mend are told."""
    config.write_text(CONFIG.replace("every 30m", "every 2h"))

    ran = here("-c", config, "policy", "check")

    assert 1 == ran.code
    assert "source 'media': at most 1h may be lost" in ran.out
    assert "from covenant.toml:6 (class gold); covenant.toml:10 (class gold)" in ran.out
    assert "MEND: sources.media: schedule.incremental = 'every 30m'" in ran.out


def test_a_contradiction_is_told_to_programs(config: Path) -> None:
    """The same as JSON, with the mend as a table, a key and a value."""
    config.write_text(CONFIG.replace("14d", "3d"))

    ran = here("-c", config, "policy", "check", "--json")

    (found,) = ran.document["contradictions"]
    assert 1 == ran.code
    assert "retention-window" == found["rule"]
    assert {"subject": "sources.media", "key": "retention.keep_within", "value": "7d"} == found["mend"]


@pytest.mark.parametrize("platform", ["studiovault", "music-platform"])
def test_a_platform_keeps_its_own_promises(platform: str) -> None:
    """The policies of both platforms pass, and say that much of them is not covered yet."""
    ran = here("-c", ROOT / "examples" / f"{platform}.toml", "policy", "check", "--json")

    assert (0, []) == (ran.code, ran.document["contradictions"])
    assert ran.document["not_covered"]


def test_a_backup_refuses_what_it_cannot_keep_and_keeps_the_rest(config: Path) -> None:
    """A source of a kind that is not covered is named and fails; the others are kept."""
    assert 0 == here("-c", config, "init").code

    ran = here("-c", config, "backup")

    assert 23 == ran.code
    assert "source 'orders' is not kept: this version does not cover the kind 'd1'" in ran.err
    assert "of media, full" in ran.out
    kept = here("-c", config, "snapshots", "--json")
    assert "media" in kept.out
    assert "orders" not in kept.out
