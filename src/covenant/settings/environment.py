"""The process's environment, read once into a plain value.

Our own names come first. Where one of ours is absent restic's counts, so that who has a restic repository set up can
point Covenant at it by doing nothing:

    COVENANT_VAULT                  RESTIC_REPOSITORY, RESTIC_REPOSITORY_FILE
    COVENANT_PASSWORD_COMMAND       RESTIC_PASSWORD_COMMAND
    COVENANT_PASSWORD_FILE          RESTIC_PASSWORD_FILE
    COVENANT_PASSWORD               RESTIC_PASSWORD
    COVENANT_CACHE_DIR              RESTIC_CACHE_DIR
    COVENANT_CONFIG
    COVENANT_STATE_DIR              (where the catalog lies; else below XDG_STATE_HOME)
                                    RESTIC_COMPRESSION, RESTIC_PACK_SIZE (in MiB)

The three for the password are one question: where any of ours is set none of restic's counts. Among them the command
comes first, then the file, then the value. A variable that is set to nothing is not set.

The object stores' own variables (``AWS_…``, ``GOOGLE_…``, ``AZURE_…``) become options of a vault that lies there.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from covenant.kernel.errors import ConfigError
from covenant.settings.amounts import MIB, parse_compression, parse_pack_size
from covenant.settings.secrets import SecretCommand, SecretEnv, SecretFile, SecretRef

Read = TypeVar("Read")

_STORE_OPTIONS: dict[str, tuple[tuple[str, str, bool], ...]] = {
    # kind of store: (variable, option, whether its value is a secret); the first variable that is set wins.
    "s3": (
        ("AWS_ACCESS_KEY_ID", "access_key_id", False),
        ("AWS_SECRET_ACCESS_KEY", "secret_access_key", True),
        ("AWS_SESSION_TOKEN", "session_token", True),
        ("AWS_REGION", "region", False),
        ("AWS_DEFAULT_REGION", "region", False),
        ("AWS_ENDPOINT_URL_S3", "endpoint", False),
        ("AWS_ENDPOINT_URL", "endpoint", False),
    ),
    "gs": (("GOOGLE_APPLICATION_CREDENTIALS", "application_credentials", False),),
    "az": (
        ("AZURE_ACCOUNT_NAME", "account_name", False),
        ("AZURE_ACCOUNT_KEY", "account_key", True),
        ("AZURE_ACCOUNT_SAS", "sas_key", True),
    ),
}


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment says about us; ``None`` where it says nothing.

    ``variables`` is the whole of it, for secrets to be looked up in and programs to be run with; it is never shown.
    ``compression`` is zstd's level (0: none), ``pack_size`` is in bytes.
    """

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    vault: str | None = None
    password: SecretRef | None = None
    config: Path | None = None
    cache_dir: Path | None = None
    compression: int | None = None
    pack_size: int | None = None

    def store_options(self, kind: str) -> dict[str, str | SecretRef]:
        """Options for a store of a kind (``"s3"``, ``"gs"``, ``"az"``), with the secrets among them by reference."""
        options: dict[str, str | SecretRef] = {}
        for variable, option, secret in _STORE_OPTIONS.get(kind, ()):
            value = self.variables.get(variable)
            if value and option not in options:
                options[option] = SecretEnv(variable) if secret else value
        return options


def of_process() -> Environment:
    """What this process's environment says. Called once, at the edge. Raises ``ConfigError``."""
    return read(dict(os.environ))


def read(variables: Mapping[str, str]) -> Environment:
    """What these variables say. Raises ``ConfigError`` for a value that cannot be followed."""
    return Environment(
        variables=variables,
        vault=_vault(variables),
        password=_password(variables, "COVENANT") or _password(variables, "RESTIC"),
        config=_path(variables, "COVENANT_CONFIG"),
        cache_dir=_path(variables, "COVENANT_CACHE_DIR") or _path(variables, "RESTIC_CACHE_DIR"),
        compression=_parsed(variables, "RESTIC_COMPRESSION", parse_compression),
        pack_size=_parsed(variables, "RESTIC_PACK_SIZE", _mebibytes),
    )


def _vault(variables: Mapping[str, str]) -> str | None:
    address = variables.get("COVENANT_VAULT") or variables.get("RESTIC_REPOSITORY")
    file = _path(variables, "RESTIC_REPOSITORY_FILE")
    if address or file is None:
        return address or None
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the repository file '{file}' cannot be read", "RESTIC_REPOSITORY_FILE names it; mend or unset it."
        ) from error


def _password(variables: Mapping[str, str], whose: str) -> SecretRef | None:
    if command := variables.get(f"{whose}_PASSWORD_COMMAND"):
        return SecretCommand(_split(command, f"{whose}_PASSWORD_COMMAND"))
    if file := variables.get(f"{whose}_PASSWORD_FILE"):
        return SecretFile(Path(file))
    if variables.get(f"{whose}_PASSWORD"):
        return SecretEnv(f"{whose}_PASSWORD")
    return None


def _split(command: str, name: str) -> tuple[str, ...]:
    """A command's words, quoted as for a shell."""
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise ConfigError(f"{name} is no command: {str(error).lower()}", "Close every quote in it.") from error
    if not words:
        raise ConfigError(f"{name} is no command: it has no word in it", "Write a command, or unset it.")
    return words


def _path(variables: Mapping[str, str], name: str) -> Path | None:
    text = variables.get(name)
    return Path(text) if text else None


def _parsed(variables: Mapping[str, str], name: str, parse: Callable[[str], Read]) -> Read | None:
    text = variables.get(name)
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}", "Correct the variable, or unset it.") from error


def _mebibytes(text: str) -> int:
    """A pack's size in bytes from a bare count of MiB, as restic has it."""
    if not text.strip().isdecimal():
        raise ValueError(f"'{text}' is not a count of MiB")
    return parse_pack_size(str(int(text) * MIB))
