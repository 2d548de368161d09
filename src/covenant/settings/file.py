"""Reading a ``covenant.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path

from covenant.kernel.errors import ConfigError
from covenant.settings.resolve import resolve
from covenant.settings.toml_lines import lines_of
from covenant.settings.values import Settings


def load(path: Path) -> Settings:
    """What the file says, with defaults filled in and paths absolute.

    Raises ``ConfigError`` where the file cannot be read or is no TOML, and ``InvalidConfig`` (a ``ConfigError``), which
    lists every problem, where it says what cannot be followed.
    """
    path = path.absolute()
    return parse(_text(path), path)


def parse(text: str, path: Path) -> Settings:
    """What a text says that lay, or lies, at ``path``. Raises ``ConfigError`` as ``load`` does."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        raise ConfigError(
            f"'{path}' is not TOML: {reason[:1].lower()}{reason[1:]}", "Mend the line; https://toml.io shows how."
        ) from error
    return resolve(path, document, lines_of(text.replace("\r\n", "\n")))


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(
            f"'{path}' cannot be read: {(error.strerror or str(error)).lower()}",
            "Name another file with -c, or make it.",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"'{path}' is not UTF-8 text", "Save it as UTF-8.") from error
