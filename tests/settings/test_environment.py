"""The environment is read once: our names first, restic's where ours are absent."""

import subprocess
import sys
from pathlib import Path

import pytest

from covenant.kernel.errors import ConfigError
from covenant.settings import environment
from covenant.settings.environment import Environment, read
from covenant.settings.secrets import SecretCommand, SecretEnv, SecretFile, SecretRef


def test_an_empty_environment_says_nothing() -> None:
    """Where nothing is set everything is absent."""
    assert Environment() == read({})


def test_our_names_are_read() -> None:
    """Every name of ours arrives where it belongs."""
    variables = {
        "COVENANT_VAULT": "/srv/vault",
        "COVENANT_PASSWORD_FILE": "/srv/key",
        "COVENANT_CONFIG": "/etc/covenant.toml",
        "COVENANT_CACHE_DIR": "/var/cache/covenant",
    }

    expected = Environment(
        variables,
        vault="/srv/vault",
        password=SecretFile(Path("/srv/key")),
        config=Path("/etc/covenant.toml"),
        cache_dir=Path("/var/cache/covenant"),
    )
    assert expected == read(variables)


def test_restics_names_are_read() -> None:
    """Who has restic set up has Covenant set up."""
    variables = {
        "RESTIC_REPOSITORY": "s3:https://host/bucket",
        "RESTIC_PASSWORD_COMMAND": "pass show 'my vault'",
        "RESTIC_CACHE_DIR": "/var/cache/restic",
        "RESTIC_COMPRESSION": "off",
        "RESTIC_PACK_SIZE": "64",
    }

    expected = Environment(
        variables,
        vault="s3:https://host/bucket",
        password=SecretCommand(("pass", "show", "my vault")),
        cache_dir=Path("/var/cache/restic"),
        compression=0,
        pack_size=64 << 20,
    )
    assert expected == read(variables)


def test_our_names_come_before_restics() -> None:
    """Where both are set ours counts, for each question by itself."""
    variables = {
        "COVENANT_VAULT": "ours",
        "RESTIC_REPOSITORY": "theirs",
        "RESTIC_CACHE_DIR": "their-cache",
        "COVENANT_PASSWORD": "ours",
        "RESTIC_PASSWORD_FILE": "theirs",
        "RESTIC_PASSWORD_COMMAND": "theirs",
    }

    told = read(variables)

    assert ("ours", SecretEnv("COVENANT_PASSWORD"), Path("their-cache")) == (told.vault, told.password, told.cache_dir)


@pytest.mark.parametrize("whose", ["COVENANT", "RESTIC"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("COMMAND", "FILE", ""), SecretCommand(("command",))),
        (("FILE", ""), SecretFile(Path("file"))),
    ],
)
def test_the_password_command_comes_before_the_file_and_the_value(
    whose: str, given: tuple[str, ...], expected: SecretRef
) -> None:
    """Among several ways to give the password the order is fixed."""
    variables = {f"{whose}_PASSWORD{'_' * bool(way)}{way}": way.lower() or "value" for way in given}

    assert expected == read(variables).password


def test_a_password_in_the_environment_stays_there() -> None:
    """What is kept is the variable's name; neither value shows in what can be printed."""
    told = read({"RESTIC_PASSWORD": "hunter2"})

    assert SecretEnv("RESTIC_PASSWORD") == told.password
    assert "hunter2" not in repr(told)


def test_the_repository_can_stand_in_a_file(tmp_path: Path) -> None:
    """``RESTIC_REPOSITORY_FILE`` names a file whose text is the address."""
    file = tmp_path / "repo"
    file.write_text(" /srv/vault\n")

    assert "/srv/vault" == read({"RESTIC_REPOSITORY_FILE": str(file)}).vault


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"RESTIC_REPOSITORY_FILE": "/nowhere/repo"}, "repository file '/nowhere/repo' cannot be read"),
        ({"RESTIC_COMPRESSION": "best"}, "RESTIC_COMPRESSION: 'best' is neither"),
        ({"RESTIC_PACK_SIZE": "1"}, "RESTIC_PACK_SIZE: .* is not between"),
        ({"RESTIC_PACK_SIZE": "16MiB"}, "RESTIC_PACK_SIZE: '16MiB' is not a count of MiB"),
        ({"COVENANT_PASSWORD_COMMAND": "pass 'show"}, "COVENANT_PASSWORD_COMMAND is no command: no closing quotation"),
        ({"COVENANT_PASSWORD_COMMAND": "  "}, "COVENANT_PASSWORD_COMMAND is no command: it has no word"),
    ],
)
def test_a_variable_that_cannot_be_followed_is_told(variables: dict[str, str], message: str) -> None:
    """The error names the variable."""
    with pytest.raises(ConfigError, match=message) as refused:
        read(variables)

    assert refused.value.hint


def test_a_variable_set_to_nothing_is_not_set() -> None:
    """An empty value lets the next name count."""
    told = read(
        {"COVENANT_VAULT": "", "RESTIC_REPOSITORY": "theirs", "COVENANT_PASSWORD_FILE": "", "COVENANT_CONFIG": ""}
    )

    assert ("theirs", None, None) == (told.vault, told.password, told.config)


def test_a_stores_credentials_become_options() -> None:
    """Secrets are referred to; what is none is taken as it is, and the more particular name counts."""
    told = read(
        {
            "AWS_ACCESS_KEY_ID": "AKIA",
            "AWS_SECRET_ACCESS_KEY": "hunter2",
            "AWS_REGION": "auto",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": "https://s3.example.net",
        }
    )

    expected = {
        "access_key_id": "AKIA",
        "secret_access_key": SecretEnv("AWS_SECRET_ACCESS_KEY"),
        "region": "auto",
        "endpoint": "https://s3.example.net",
    }
    assert expected == told.store_options("s3")


def test_a_store_has_the_options_of_its_kind_only() -> None:
    """Credentials of one provider are not handed to another, and a folder takes none."""
    told = read({"AWS_REGION": "auto", "AZURE_ACCOUNT_NAME": "studio", "GOOGLE_APPLICATION_CREDENTIALS": "/key.json"})

    assert {"account_name": "studio"} == told.store_options("az")
    assert {"application_credentials": "/key.json"} == told.store_options("gs")
    assert {} == told.store_options("folder")


def test_the_process_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the edge the variables are those of the process, and later changes do not reach what was read."""
    monkeypatch.setenv("COVENANT_VAULT", "/srv/vault")
    told = environment.of_process()
    monkeypatch.setenv("COVENANT_VAULT", "/elsewhere")

    assert "/srv/vault" == told.vault
    assert "/srv/vault" == told.variables["COVENANT_VAULT"]


@pytest.mark.parametrize("module", ["environment", "locate", "values"])
def test_starting_up_does_not_wait_for_validation(module: str) -> None:
    """What every command loads does not load the library that only a ``covenant.toml`` needs."""
    code = f"import sys, covenant.settings.{module}; print({{'pydantic', 'rich', 'obstore'}} & set(sys.modules))"

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert "set()" == printed.strip()
