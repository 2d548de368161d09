"""What is wrong with a ``covenant.toml``: all of it at once, each with its place and what to do.

A problem is a ``Finding`` whose subject is the file, the line and the keys: ``covenant.toml:12: sources.media.exlude``.
No message ever shows a value that it was not made from on purpose, since a value may be a secret in a wrong place.
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from covenant.kernel.errors import ConfigError
from covenant.kernel.findings import Finding
from covenant.settings.toml_lines import Where

T = TypeVar("T", bound=BaseModel)


class InvalidConfig(ConfigError):
    """``covenant.toml`` cannot be followed; ``problems`` says in how many ways."""

    def __init__(self, path: Path, problems: tuple[Finding, ...]) -> None:
        if len(problems) == 1:
            super().__init__(str(problems[0]), problems[0].hint)
        else:
            listed = "".join(f"\n  {problem}\n    {problem.hint}" for problem in problems)
            super().__init__(f"'{path}' cannot be followed in {len(problems)} places:{listed}", "Correct them all.")
        self.problems = problems


class Problems:
    """Collects what is wrong with one file while the reading goes on."""

    def __init__(self, path: Path, lines: Mapping[Where, int]) -> None:
        self.path = path
        self._lines = lines
        self._found: list[tuple[int, Finding]] = []

    def add(self, where: Where, what: str, hint: str) -> None:
        """Note a problem with the value at ``where``."""
        line = self._line(where)
        subject = f"{self.path.name}:{line}: {dotted(where)}"
        self._found.append((line, Finding("config-invalid", subject, what, hint)))

    def read(self, table: type[T], raw: object, where: Where) -> T | None:
        """The table that stands at ``where``, or ``None`` with every problem in it noted."""
        try:
            return table.model_validate(raw)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                self._add_detail(table, detail, where)
            return None

    def raise_all(self) -> None:
        """Raise ``InvalidConfig`` with everything noted, in the order of the file; nothing if nothing was."""
        if self._found:
            in_order = sorted(self._found, key=lambda found: found[0])
            raise InvalidConfig(self.path, tuple(problem for _, problem in in_order))

    def _line(self, where: Where) -> int:
        """The line of the value at ``where``, or of the nearest table around it where nothing stands there."""
        depths = range(len(where), 0, -1)
        return next((self._lines[where[:depth]] for depth in depths if where[:depth] in self._lines), 1)

    def _add_detail(self, table: type[BaseModel], detail: ErrorDetails, where: Where) -> None:
        at = where + detail["loc"]
        match detail["type"]:
            case "covenant":
                self.add(at, detail["ctx"]["what"], detail["ctx"]["hint"])
            case "extra_forbidden":
                self.add(at, "no such key", did_you_mean(str(at[-1]), _keys_at(table, detail["loc"])))
            case "missing":
                self.add(at, "the key is missing", _described(table, detail["loc"]))
            case "model_type" | "dict_type":
                self.add(at, "this is not a table", "Write [table] with its keys below it, or { key = value }.")
            case _:
                what = detail["msg"][:1].lower() + detail["msg"][1:]
                self.add(at, what, _described(table, detail["loc"]))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest of the known names, or all of them where none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Known are: {', '.join(names)}." if names else "There is none."


def dotted(where: Where) -> str:
    """The keys as a person writes them: ``sources.media.paths[0]``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return "".join(parts).removeprefix(".")


def _keys_at(table: type[BaseModel], loc: Where) -> list[str]:
    """The keys known in the table that holds ``loc``."""
    for part in loc[:-1]:
        table = _table_in(_field(table, part).annotation) or table
    return [field.alias or name for name, field in table.model_fields.items()]


def _described(table: type[BaseModel], loc: Where) -> str:
    """What the key at ``loc`` is for, which is the best hint where its value is of a wrong type."""
    told = ""
    for part in loc:
        if isinstance(part, str):
            field = _field(table, part)
            told = field.description or told
            table = _table_in(field.annotation) or table
    return told


def _field(table: type[BaseModel], key: str | int) -> Any:
    """The field that is written as ``key``."""
    return next(field for name, field in table.model_fields.items() if key in (field.alias or name, name))


def _table_in(annotation: object) -> type[BaseModel] | None:
    """The table that a field's type speaks of, if any: in ``SecretTable | None`` the former."""
    for choice in (annotation, *typing.get_args(annotation)):
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            return choice
        if typing.get_origin(choice) is typing.Annotated:
            return _table_in(typing.get_args(choice)[0])
    return None
