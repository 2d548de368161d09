"""Secrets by reference: what is written down is where a secret is, never the secret.

A reference can be shown, logged and compared. Only ``resolve`` gives the secret, at the moment when it is needed, and
nothing here keeps it.
"""

from __future__ import annotations

import shlex
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from covenant.kernel.errors import ConfigError
from covenant.kernel.findings import Finding


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A secret that is the content of a file, without the white space around it."""

    path: Path

    def resolve(self, environ: Mapping[str, str]) -> str:
        """The secret. Raises ``ConfigError`` where the file cannot be read or is empty."""
        try:
            text = self.path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise ConfigError(
                f"the secret in '{self.path}' cannot be read: {(error.strerror or str(error)).lower()}",
                "Make the file, readable by you alone, with the secret in it.",
            ) from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"the secret in '{self.path}' is not UTF-8 text", "Write it as UTF-8.") from error
        return _not_empty(text.strip(), str(self))

    def __str__(self) -> str:
        return f"file {self.path}"


@dataclass(frozen=True, slots=True)
class SecretEnv:
    """A secret that is the value of an environment variable."""

    name: str

    def resolve(self, environ: Mapping[str, str]) -> str:
        """The secret. Raises ``ConfigError`` where the variable is not set or is empty."""
        return _not_empty(environ.get(self.name, ""), str(self))

    def __str__(self) -> str:
        return f"environment variable {self.name}"


@dataclass(frozen=True, slots=True)
class SecretCommand:
    """A secret that a program prints, without the white space around it. No shell is involved."""

    argv: tuple[str, ...]

    def resolve(self, environ: Mapping[str, str]) -> str:
        """The secret. Raises ``ConfigError`` where the program fails or prints nothing."""
        import subprocess  # Only here: few need it, and everyone waits for it at the start.

        try:
            done = subprocess.run(self.argv, env=dict(environ), stdout=subprocess.PIPE, check=True)
            text = done.stdout.decode()
        except OSError as error:
            raise ConfigError(
                f"'{self.argv[0]}' cannot be run for a secret: {(error.strerror or str(error)).lower()}",
                "Install the program, or write its full path.",
            ) from error
        except subprocess.CalledProcessError as error:
            raise ConfigError(
                f"'{self.argv[0]}' ended with code {error.returncode} when asked for a secret",
                f"Run it yourself to see why: {shlex.join(self.argv)}",
            ) from error
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"'{self.argv[0]}' printed a secret that is not UTF-8 text", "Let it print UTF-8 text."
            ) from error
        return _not_empty(text.strip(), str(self))

    def __str__(self) -> str:
        return f"command {shlex.join(self.argv)}"


SecretRef: TypeAlias = SecretFile | SecretEnv | SecretCommand
"""Where a secret is."""


def exposure(secret: SecretRef | None) -> Finding | None:
    """What is wrong with how a secret lies: a file that others on the machine may read."""
    if not isinstance(secret, SecretFile):
        return None
    try:
        mode = secret.path.stat().st_mode
    except OSError:
        return None  # Whoever needs the secret will say that it is missing.
    if not mode & (stat.S_IRGRP | stat.S_IROTH):
        return None
    return Finding(
        kind="secret-exposed",
        subject=str(secret.path),
        message="others on this machine can read this secret",
        hint=f"Run: chmod 600 {shlex.quote(str(secret.path))}",
    )


def _not_empty(secret: str, where: str) -> str:
    if not secret:
        raise ConfigError(f"the secret in {where} is empty or not set", "Put the secret there, or name another place.")
    return secret
