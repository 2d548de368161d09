"""Which vault and which password are meant, by everything that can say so."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from covenant.cli.output import Output
from covenant.cli.session import Said, Session
from covenant.kernel.errors import UsageError
from covenant.settings import environment
from covenant.settings.secrets import SecretCommand, SecretFile

CONFIG = """
[vaults.near]
url = "/srv/near"
password = { file = "/keys/near" }

[vaults.far]
url = "s3://bucket/far"
options = { region = "eu" }
"""


def session(*, said: Said | None = None, **variables: str) -> Session:
    """A session in which this much was said, in this environment."""
    made = Session(Output(out=io.StringIO(), err=io.StringIO()))
    made.said = said or Said()
    made.environment = environment.read({"HOME": "/home/ann", **variables})
    return made


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A covenant.toml with two vaults."""
    path = tmp_path / "covenant.toml"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory without any covenant.toml above it that is ours."""
    monkeypatch.chdir(tmp_path)


def test_the_option_goes_before_the_environment(nowhere: None) -> None:
    """``--vault`` is what is meant, whatever COVENANT_VAULT says."""
    meant = session(said=Said(vault="/srv/said"), COVENANT_VAULT="/srv/set").place()

    assert "/srv/said" == meant.url


def test_a_vault_of_covenant_toml_is_named(config: Path) -> None:
    """``--vault far`` is that vault, with its options, and those of the command line over them."""
    meant = session(said=Said(vault="far", config=config, options={"region": "us", "x": "y"})).place()

    assert ("s3://bucket/far", {"region": "us", "x": "y"}) == (meant.url, meant.options)


def test_several_vaults_must_be_told_apart(config: Path) -> None:
    """Without a name the choice is the user's, and the names are shown."""
    with pytest.raises(UsageError, match="near, far"):
        session(said=Said(config=config)).place()


def test_a_named_config_goes_before_the_environment(config: Path) -> None:
    """``-c`` was said now; the environment was set some time."""
    config.write_text(CONFIG.partition("[vaults.far]")[0])

    meant = session(said=Said(config=config), COVENANT_VAULT="/srv/set").place()

    assert ("/srv/near", SecretFile(Path("/keys/near"))) == (meant.url, meant.password)


def test_the_environment_goes_before_a_config_that_was_found(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A covenant.toml that happens to lie above is asked last."""
    monkeypatch.chdir(config.parent)

    assert "/srv/set" == session(COVENANT_VAULT="/srv/set").place().url


def test_without_any_vault_the_ways_to_name_one_are_told(nowhere: None) -> None:
    """The hint names the option, the variable and the file."""
    with pytest.raises(UsageError) as refused:
        session().place()

    assert all(way in refused.value.hint for way in ("--vault", "COVENANT_VAULT", "covenant.toml"))


def test_the_password_of_the_command_line_goes_before_all(config: Path) -> None:
    """Then that of the vault in covenant.toml, then the environment's."""
    password = {"COVENANT_PASSWORD_FILE": "/keys/set"}

    said = session(said=Said(vault="near", config=config, password_command="pass 'my vault'"), **password).place()
    written = session(said=Said(vault="near", config=config), **password).place()
    neither = session(said=Said(vault="far", config=config), **password).place()

    assert SecretCommand(("pass", "my vault")) == said.password
    assert SecretFile(Path("/keys/near")) == written.password
    assert SecretFile(Path("/keys/set")) == neither.password


def test_a_password_is_said_once() -> None:
    """A file and a command at once are a mistake, not a choice of ours."""
    with pytest.raises(UsageError, match="both"):
        session(said=Said(vault="/v", password_file=Path("f"), password_command="c")).place()


def test_the_second_vault_of_a_copy_has_a_password_of_its_own(config: Path) -> None:
    """What was said of the first vault does not concern it."""
    made = session(said=Said(vault="near", config=config, password_file=Path("/keys/first"), options={"a": "b"}))

    other = made.other_place("far", {}, Path("/keys/second"), None)

    assert ("s3://bucket/far", {"region": "eu"}, SecretFile(Path("/keys/second"))) == (
        other.url,
        other.options,
        other.password,
    )


def test_an_object_store_takes_its_credentials_from_the_environment(nowhere: None) -> None:
    """The provider's own variables become options, the secret one by reference."""
    meant = session(
        said=Said(vault="s3:s3.example.com/bucket"), AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="hush"
    ).place()

    assert "id" == meant.options["access_key_id"]
    assert "hush" not in repr(meant) + str(meant.options)


@pytest.mark.parametrize(
    ("said", "variables", "expected"),
    [
        (Said(), {}, "/nonexistent-home/.cache/covenant"),
        (Said(), {"XDG_CACHE_HOME": "/c"}, "/c/covenant"),
        (Said(), {"XDG_CACHE_HOME": "/c", "COVENANT_CACHE_DIR": "/d"}, "/d"),
        (Said(cache_dir=Path("/e")), {"COVENANT_CACHE_DIR": "/d"}, "/e"),
        (Said(cache_dir=Path("/e"), no_cache=True), {}, None),
    ],
)
def test_where_indexes_are_cached(
    said: Said, variables: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command line says, else the environment, else the user's cache folder; or nowhere."""
    monkeypatch.setenv("HOME", "/nonexistent-home")

    assert (None if expected is None else Path(expected)) == session(said=said, **variables).cache
