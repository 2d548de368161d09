"""A ``covenant.toml`` that can be followed becomes plain values, with every default filled in."""

from datetime import timedelta
from pathlib import Path

import pytest

from covenant.kernel.durations import Span
from covenant.kernel.errors import ConfigError
from covenant.kernel.keep import Keep
from covenant.settings import defaults
from covenant.settings.file import load
from covenant.settings.secrets import SecretCommand, SecretEnv, SecretFile
from covenant.settings.values import Files, Limits, Objectives, Sqlite, Vault
from tests.settings.documents import FULL, MINIMAL, written


def test_a_vault_in_a_folder_is_relative_to_the_file(tmp_path: Path) -> None:
    """Neither the vault nor its password moves with the folder that a command is run in."""
    settings = load(written(tmp_path, FULL))

    expected = Vault(
        "default",
        str(tmp_path / "vault"),
        SecretFile(tmp_path / "vault.key"),
        chores=defaults.CHORES,
        verify_within=defaults.VERIFY_WITHIN,
    )
    assert expected == settings.vaults["default"]


def test_a_vault_in_a_bucket_keeps_its_address(tmp_path: Path) -> None:
    """An address that is no folder stays as written, and credentials stay references."""
    settings = load(written(tmp_path, FULL))

    expected = Vault(
        "offsite",
        "s3://studio-backups/covenant",
        SecretCommand(("pass", "show", "vault")),
        {
            "region": "auto",
            "endpoint": "https://s3.example.net",
            "secret_access_key": SecretEnv("OFFSITE_SECRET"),
        },
        chores=defaults.CHORES,
        verify_within=defaults.VERIFY_WITHIN,
    )
    assert expected == settings.vaults["offsite"]


def test_options_that_are_no_text_become_text(tmp_path: Path) -> None:
    """A store's options are text, however they are written."""
    settings = load(written(tmp_path, '[vault]\nurl = "s3://b"\noptions = { skip_signature = true, timeout = 30 }\n'))

    assert {"skip_signature": "true", "timeout": "30"} == settings.vaults["default"].options


def test_a_files_source_is_read_whole(tmp_path: Path) -> None:
    """Every key of a source of files arrives."""
    source = load(written(tmp_path, FULL)).sources["media"]

    expected = Files(
        paths=(tmp_path / "media", Path("/srv/raw")),
        exclude=("*.tmp", "cache/"),
        one_file_system=False,
        exclude_caches=True,
        exclude_if_present=(".nobackup",),
    )
    assert expected == source.system
    assert ("files", "offsite", ("studio",)) == (source.kind, source.vault, source.tags)


def test_a_database_source_is_read_whole(tmp_path: Path) -> None:
    """A SQLite source names its file, its class, and by default the default vault."""
    source = load(written(tmp_path, FULL)).sources["catalog"]

    assert Sqlite(tmp_path / "studio.db") == source.system
    assert ("sqlite", "default", ()) == (source.kind, source.vault, source.tags)


def test_a_class_gives_its_sources_their_objectives(tmp_path: Path) -> None:
    """What a class promises in part is completed by what the known class promises anyway."""
    source = load(written(tmp_path, FULL)).sources["catalog"]

    assert Objectives(rpo=timedelta(minutes=5), rto=timedelta(hours=1)) == source.objectives


def test_retention_is_laid_over_key_by_key(tmp_path: Path) -> None:
    """A source's rule replaces that of its class, and leaves the class's other rules in force."""
    settings = load(written(tmp_path, FULL))

    assert settings.sources["media"].retention == Keep(within=Span(years=1, months=6), daily=7, weekly=4, monthly=24)
    assert settings.sources["catalog"].retention == Keep(
        last=3, within=Span(days=7), daily=7, weekly=4, monthly=12, yearly=2, tags=(("legal",),)
    )


def test_a_rule_is_switched_off_by_zero(tmp_path: Path) -> None:
    """Counts and spans of nothing switch the class's rule off; -1 keeps all."""
    text = MINIMAL + 'retention = { keep_daily = 0, keep_within = "0d", keep_weekly = -1 }\n'

    source = load(written(tmp_path, text)).sources["media"]

    assert Keep(weekly=-1) == source.retention


def test_without_any_rule_nothing_is_let_go(tmp_path: Path) -> None:
    """A new class without retention, and one whose every rule is off, keep everything."""
    settings = load(written(tmp_path, FULL))
    off = 'retention = { keep_daily = 0, keep_within = "0d", keep_weekly = 0 }\n'

    assert settings.classes["archive"].retention is None
    assert load(written(tmp_path, MINIMAL + off)).sources["media"].retention is None


def test_several_tags_in_one_rule_are_asked_for_together(tmp_path: Path) -> None:
    """A comma within one tag of ``keep_tags`` asks for both, as in restic."""
    source = load(written(tmp_path, MINIMAL + 'retention = { keep_tags = ["legal,final", "gold"] }\n')).sources["media"]

    assert source.retention is not None
    assert (("legal", "final"), ("gold",)) == source.retention.tags


def test_limits_are_read(tmp_path: Path) -> None:
    """Sizes become bytes and words become levels."""
    assert Limits(upload_threads=8, pack_size=32 << 20, compression=19) == load(written(tmp_path, FULL)).limits


def test_the_least_that_can_be_said_is_enough(tmp_path: Path) -> None:
    """Without a vault in the file, the environment or the command line is to name it."""
    settings = load(written(tmp_path, MINIMAL))

    assert {} == settings.vaults
    assert defaults.CLASSES == settings.classes
    assert Limits() == settings.limits
    assert Files((tmp_path / "media",)) == settings.sources["media"].system


@pytest.mark.parametrize(
    ("name", "rpo", "rto"),
    [
        ("critical", timedelta(minutes=15), timedelta(hours=1)),
        ("important", timedelta(hours=1), timedelta(hours=4)),
        ("operational", timedelta(hours=24), timedelta(hours=24)),
    ],
)
def test_the_known_classes_promise_what_was_specified(name: str, rpo: timedelta, rto: timedelta) -> None:
    """M12 and M13: the objectives by class; S3: every class keeps seven days in full."""
    known = defaults.CLASSES[name]

    assert Objectives(rpo, rto) == known.objectives
    assert known.retention is not None
    assert Span(days=7) == known.retention.within


def test_a_password_that_others_can_read_is_a_finding(tmp_path: Path) -> None:
    """The file can be followed, but a person should know."""
    key = tmp_path / "vault.key"
    key.write_text("secret")
    key.chmod(0o640)

    findings = load(written(tmp_path, FULL)).findings

    assert [("secret-exposed", str(key))] == [(finding.kind, finding.subject) for finding in findings]
    assert f"chmod 600 {key}" in findings[0].hint


def test_a_password_of_ones_own_is_no_finding(tmp_path: Path) -> None:
    """Nothing is said about a file that only its owner can read."""
    key = tmp_path / "vault.key"
    key.write_text("secret")
    key.chmod(0o600)

    assert () == load(written(tmp_path, FULL)).findings


def test_a_vault_inside_what_it_keeps_is_a_finding(tmp_path: Path) -> None:
    """A vault that would keep itself is told."""
    text = '[vault]\nurl = "media/vault"\n' + MINIMAL

    findings = load(written(tmp_path, text)).findings

    assert ["vault-in-source"] == [finding.kind for finding in findings]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(ConfigError, match=r"covenant\.toml' cannot be read: no such file"):
        load(tmp_path / "covenant.toml")


def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    """The error says where the file stops being TOML."""
    with pytest.raises(ConfigError, match=r"is not TOML: .*line 2"):
        load(written(tmp_path, "[vault]\nurl = ./vault\n"))


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are an error of ours."""
    path = tmp_path / "covenant.toml"
    path.write_bytes(b"\xff\xfe[")

    with pytest.raises(ConfigError, match="not UTF-8"):
        load(path)
