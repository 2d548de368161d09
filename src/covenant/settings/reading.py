"""One document being read: what every section needs to be read by.

Problems are noted, and what has one is left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from covenant.kernel.layers import Layer, Stated
from covenant.settings.problems import Problems, did_you_mean
from covenant.settings.secrets import SecretCommand, SecretEnv, SecretFile, SecretRef
from covenant.settings.tables.document import NAME
from covenant.settings.tables.fields import INLINE_SECRET, SECRET_HINT, SECRET_OPTION, SecretTable, Table
from covenant.settings.tables.promises import PromiseTable
from covenant.settings.toml_lines import Where


class Reading:
    """A document, the folder that its paths are relative to, and where its problems are noted."""

    def __init__(self, path: Path, document: Mapping[str, Any], lines: Mapping[Where, int]) -> None:
        self.problems = Problems(path, lines)
        self.document = document
        self._path = path
        self._folder = path.parent
        self._lines = lines

    def named(self, section: str) -> Iterator[tuple[str, Any, Where]]:
        """The tables of a section, by name."""
        yield from self.named_in(self.document.get(section, {}), (section,))

    def named_in(self, tables: Any, at: Where) -> Iterator[tuple[str, Any, Where]]:
        """The tables that stand at ``at``, by name."""
        if not isinstance(tables, dict):
            section = ".".join(map(str, at))
            self.problems.add(at, "this is not a table", f"Write [{section}.NAME] with its keys below it.")
            return
        for name, raw in tables.items():
            where: Where = (*at, name)
            if not re.fullmatch(NAME, name):
                self.problems.add(where, "this is no name", "Use letters, digits, '-', '_' and '.', at most 100.")
            yield name, raw, where

    def names(self, section: str) -> set[str]:
        """The names that a section has."""
        tables = self.document.get(section)
        return set(tables) if isinstance(tables, dict) else set()

    def refer(self, name: object, known: Iterable[str], where: Where, what: str) -> None:
        """Note where a name leads nowhere."""
        if isinstance(name, str) and name not in set(known):
            self.problems.add(where, f"there is no {what} '{name}'", did_you_mean(name, known))

    def layer(self, name: str, table: PromiseTable, where: Where) -> Layer:
        """What a table promises, each value with the line that says it."""
        said = {".".join(keys): Stated(value, self.origin((*where, *keys), name)) for keys, value in _promised(table)}
        return Layer(name, said)

    def origin(self, where: Where, name: str) -> str:
        """The line of a value, and whose it is: ``covenant.toml:12 (class critical)``."""
        depths = range(len(where), 0, -1)
        line = next((self._lines[where[:depth]] for depth in depths if where[:depth] in self._lines), 1)
        return f"{self._path.name}:{line} ({name})"

    def path(self, written: str) -> Path:
        """A path as written, absolute: relative ones are relative to the file's folder."""
        given = Path(written).expanduser() if written.startswith("~") else written
        return Path(os.path.normpath(os.path.join(self._folder, given)))

    def secret(self, table: SecretTable) -> SecretRef:
        """Where a secret is."""
        if table.file is not None:
            return SecretFile(self.path(table.file))
        if table.env is not None:
            return SecretEnv(table.env)
        return SecretCommand(tuple(table.command or ()))

    def options(self, written: Mapping[str, Any], where: Where) -> dict[str, str | SecretRef]:
        """The options of a store that stand at ``where``, as text or by reference."""
        read = {key: self._option(key, value, (*where, "options", key)) for key, value in written.items()}
        return {key: value for key, value in read.items() if value is not None}

    def _option(self, key: str, value: Any, where: Where) -> str | SecretRef | None:
        """A store's option; ``None`` where it has a problem."""
        if isinstance(value, dict):
            table = self.problems.read(SecretTable, value, where)
            return None if table is None else self.secret(table)
        if re.search(SECRET_OPTION, key):
            self.problems.add(where, INLINE_SECRET, SECRET_HINT)
        elif isinstance(value, bool):
            return str(value).lower()
        elif isinstance(value, str | int):
            return str(value)
        else:
            self.problems.add(where, "this is no value for an option", "Write text, a whole number, true or false.")
        return None


def _promised(table: PromiseTable) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What a table says of what can be promised, by its keys; what it is silent about is left out."""
    for key in PromiseTable.model_fields:
        if key not in table.model_fields_set:
            continue
        value = getattr(table, key)
        if isinstance(value, Table):
            for inner in value.__pydantic_fields_set__:
                yield (key, inner), _plain(inner, getattr(value, inner))
        else:
            yield (key,), value


def _plain(key: str, value: Any) -> Any:
    """A value without what only the file needs: lists become tuples, and a rule of tags is taken apart."""
    if key == "keep_tags":
        return tuple(tuple(tag.strip() for tag in tags.split(",")) for tags in value)
    return tuple(value) if isinstance(value, list) else value
