"""A reference says where a secret is, and only ``resolve`` says the secret."""

import sys
from pathlib import Path

import pytest

from covenant.kernel.errors import ConfigError
from covenant.settings.secrets import SecretCommand, SecretEnv, SecretFile, SecretRef, exposure


def printing(code: str) -> SecretCommand:
    """A command that runs a line of Python."""
    return SecretCommand((sys.executable, "-c", code))


def test_a_file_is_read_without_the_white_space_around_it(tmp_path: Path) -> None:
    """A final newline, and an editor's byte order mark, are no part of a password; inner spaces are."""
    path = tmp_path / "key"
    path.write_bytes(b"\xef\xbb\xbf  correct horse \r\n")

    assert "correct horse" == SecretFile(path).resolve({})


def test_a_variable_is_taken_as_it_is() -> None:
    """What stands in the environment is not trimmed."""
    assert " p w " == SecretEnv("PW").resolve({"PW": " p w "})


def test_a_command_is_run_without_a_shell() -> None:
    """Its output is the secret, and its arguments reach it as they are."""
    command = SecretCommand((sys.executable, "-c", "import sys; print(sys.argv[1])", "$HOME; a 'b'"))

    assert "$HOME; a 'b'" == command.resolve({})


def test_a_command_has_the_environment_that_is_given() -> None:
    """A program sees the variables that it was resolved with."""
    assert "there" == printing("import os; print(os.environ['WHERE'])").resolve({"WHERE": "there"})


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        (SecretFile(Path("/nowhere/key")), "cannot be read: no such file"),
        (SecretFile(Path("/dev/null")), "is empty or not set"),
        (SecretEnv("NOT_SET"), "environment variable NOT_SET is empty or not set"),
        (SecretCommand(("/nowhere/pass",)), "cannot be run for a secret: no such file"),
        (printing("raise SystemExit(3)"), "ended with code 3"),
        (printing("pass"), "is empty or not set"),
        (printing(r"import sys; sys.stdout.buffer.write(b'\xff')"), "not UTF-8"),
    ],
    ids=str,
)
def test_a_secret_that_cannot_be_had_is_told(secret: SecretRef, message: str) -> None:
    """Every way to fail is an error of ours with a hint."""
    with pytest.raises(ConfigError, match=message) as refused:
        secret.resolve({})

    assert refused.value.hint


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are refused, and not shown."""
    path = tmp_path / "key"
    path.write_bytes(b"secret\xff")

    with pytest.raises(ConfigError, match="not UTF-8"):
        SecretFile(path).resolve({})


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        (SecretFile(Path("/a/key")), "file /a/key"),
        (SecretEnv("PW"), "environment variable PW"),
        (SecretCommand(("pass", "show", "a b")), "command pass show 'a b'"),
    ],
)
def test_a_reference_can_be_shown(secret: SecretRef, shown: str) -> None:
    """A reference is written as where the secret is."""
    assert shown == str(secret)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_can_read_is_exposed(tmp_path: Path, mode: int) -> None:
    """Readable for the group or for everyone is a finding."""
    path = tmp_path / "key"
    path.touch()
    path.chmod(mode)

    finding = exposure(SecretFile(path))

    assert finding is not None
    assert ("secret-exposed", str(path)) == (finding.kind, finding.subject)


def test_what_is_no_readable_file_is_not_exposed(tmp_path: Path) -> None:
    """A private file, a missing one and other references give no finding."""
    path = tmp_path / "key"
    path.touch(mode=0o600)

    secrets: list[SecretRef | None] = [SecretFile(path), SecretFile(tmp_path / "missing"), SecretEnv("PW"), None]

    assert [None] * 4 == [exposure(secret) for secret in secrets]
