"""From the tables of a document to values that can be relied on: defaults, absolute paths, names looked up.

Each table is read by itself, so that a mistake in one does not hide those in the others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from covenant.adapters.stores.location import parse_location
from covenant.kernel.errors import UsageError
from covenant.kernel.findings import Finding
from covenant.settings import defaults
from covenant.settings.problems import Problems, did_you_mean
from covenant.settings.retention import laid_over
from covenant.settings.secrets import SecretCommand, SecretEnv, SecretFile, SecretRef, exposure
from covenant.settings.tables import (
    INLINE_SECRET,
    KINDS,
    NAME,
    PLANNED_KINDS,
    SECRET_HINT,
    SECRET_OPTION,
    ClassTable,
    Document,
    FilesTable,
    LimitsTable,
    SecretTable,
    SqliteTable,
    VaultTable,
)
from covenant.settings.toml_lines import Where
from covenant.settings.values import DataClass, Files, Limits, Objectives, Settings, Source, Sqlite, Vault


def resolve(path: Path, document: Mapping[str, Any], lines: Mapping[Where, int]) -> Settings:
    """What a document says. Raises ``InvalidConfig`` with every problem in it."""
    problems = Problems(path, lines)
    _refuse_unknown_sections(document, problems)
    reading = _Reading(path.parent, document, problems)
    vaults = {vault.name: vault for vault in reading.vaults()}
    classes = {**defaults.CLASSES, **{each.name: each for each in reading.classes()}}
    sources = {source.name: source for source in reading.sources(classes)}
    limits = reading.limits()
    problems.raise_all()
    findings = tuple(_findings(vaults, sources))
    return Settings(path, vaults, classes, sources, limits, findings, lines)


def _refuse_unknown_sections(document: Mapping[str, Any], problems: Problems) -> None:
    for key in document:
        if key not in Document.model_fields:
            problems.add((key,), "no such section", did_you_mean(key, Document.model_fields))


class _Reading:
    """One document being read; problems are noted, and what has one is left out."""

    def __init__(self, folder: Path, document: Mapping[str, Any], problems: Problems) -> None:
        self._folder = folder
        self._document = document
        self._problems = problems

    def vaults(self) -> Iterator[Vault]:
        """The vaults, the one from ``[vault]`` under the name ``default``."""
        if "vault" in self._document:
            yield from self._vault("default", self._document["vault"], ("vault",))
        for name, raw, where in self._named("vaults"):
            if name == "default" and "vault" in self._document:
                self._problems.add(where, "this vault is [vault] already", "Keep one of the two.")
            yield from self._vault(name, raw, where)

    def classes(self) -> Iterator[DataClass]:
        """The classes that are written down, over the defaults of those that are known."""
        for name, raw, where in self._named("classes"):
            table = self._problems.read(ClassTable, raw, where)
            if table is not None:
                yield from self._class(name, table, where)

    def sources(self, classes: Mapping[str, DataClass]) -> Iterator[Source]:
        """The sources, with what their classes promise."""
        for name, raw, where in self._named("sources"):
            if isinstance(raw, dict):
                self._check_class(raw.get("class"), where)
                self._check_vault(raw.get("vault", "default"), where)
            table = self._source_table(raw, where)
            data_class = None if table is None else classes.get(table.data_class)
            if table is not None and data_class is not None:
                yield self._source(name, table, data_class)

    def limits(self) -> Limits:
        """The limits; none where nothing is said."""
        table = self._problems.read(LimitsTable, self._document.get("limits", {}), ("limits",))
        return Limits() if table is None else Limits(**table.model_dump())

    def _named(self, section: str) -> Iterator[tuple[str, Any, Where]]:
        """The tables of a section, by name."""
        tables = self._document.get(section, {})
        if not isinstance(tables, dict):
            self._problems.add((section,), "this is not a table", f"Write [{section}.NAME] with its keys below it.")
            return
        for name, raw in tables.items():
            where: Where = (section, name)
            if not re.fullmatch(NAME, name):
                self._problems.add(where, "this is no name", "Use letters, digits, '-', '_' and '.', at most 100.")
            yield name, raw, where

    def _vault(self, name: str, raw: Any, where: Where) -> Iterator[Vault]:
        table = self._problems.read(VaultTable, raw, where)
        if table is None:
            return
        options = {key: self._option(key, value, (*where, "options", key)) for key, value in table.options.items()}
        try:
            location = parse_location(table.url)
        except UsageError as error:
            self._problems.add((*where, "url"), error.message, error.hint)
            return
        url = str(self._path(location.path)) if location.kind == "folder" else table.url
        password = None if table.password is None else self._secret(table.password)
        yield Vault(name, url, password, {key: value for key, value in options.items() if value is not None})

    def _option(self, key: str, value: Any, where: Where) -> str | SecretRef | None:
        """A store's option; ``None`` where it has a problem."""
        if isinstance(value, dict):
            table = self._problems.read(SecretTable, value, where)
            return None if table is None else self._secret(table)
        if re.search(SECRET_OPTION, key):
            self._problems.add(where, INLINE_SECRET, SECRET_HINT)
        elif isinstance(value, bool):
            return str(value).lower()
        elif isinstance(value, str | int):
            return str(value)
        else:
            self._problems.add(where, "this is no value for an option", "Write text, a whole number, true or false.")
        return None

    def _secret(self, table: SecretTable) -> SecretRef:
        if table.file is not None:
            return SecretFile(self._path(table.file))
        if table.env is not None:
            return SecretEnv(table.env)
        return SecretCommand(tuple(table.command or ()))

    def _class(self, name: str, table: ClassTable, where: Where) -> Iterator[DataClass]:
        known = defaults.CLASSES.get(name)
        rpo = table.rpo if table.rpo is not None or known is None else known.objectives.rpo
        rto = table.rto if table.rto is not None or known is None else known.objectives.rto
        for key, length in (("rpo", rpo), ("rto", rto)):
            if length is None:
                hint = f"A class of your own says what it promises: {key} = '4h'."
                self._problems.add((*where, key), "the key is missing", hint)
        if rpo is not None and rto is not None:
            below = None if known is None else known.retention
            yield DataClass(name, Objectives(rpo, rto), laid_over(below, table.retention))

    def _source_table(self, raw: Any, where: Where) -> FilesTable | SqliteTable | None:
        """The table of a source, read as its kind asks."""
        kind = raw.get("kind") if isinstance(raw, dict) else None
        if kind in KINDS:
            return self._problems.read(KINDS[kind], raw, where)
        at, known = (*where, "kind"), ", ".join(f"'{name}'" for name in KINDS)
        if not isinstance(kind, str):
            self._problems.add(at, "the key is missing", f"Say what the source is: kind is one of {known}.")
        elif kind in PLANNED_KINDS:
            self._problems.add(at, f"sources of kind '{kind}' are not supported yet", f"Supported are: {known}.")
        else:
            self._problems.add(at, f"there is no kind '{kind}'", did_you_mean(kind, KINDS))
        return None

    def _source(self, name: str, table: FilesTable | SqliteTable, data_class: DataClass) -> Source:
        return Source(
            name=name,
            system=self._files(table) if isinstance(table, FilesTable) else Sqlite(self._path(table.path)),
            data_class=data_class.name,
            objectives=data_class.objectives,
            retention=laid_over(data_class.retention, table.retention),
            vault=table.vault,
            tags=tuple(table.tags),
        )

    def _files(self, table: FilesTable) -> Files:
        written = table.paths or [table.path or ""]
        return Files(
            paths=tuple(self._path(path) for path in written),
            exclude=tuple(table.exclude),
            one_file_system=table.one_file_system,
            exclude_caches=table.exclude_caches,
            exclude_if_present=tuple(table.exclude_if_present),
        )

    def _check_class(self, name: object, where: Where) -> None:
        known = {*defaults.CLASSES, *self._names("classes")}
        if isinstance(name, str) and name not in known:
            self._problems.add((*where, "class"), f"there is no class '{name}'", did_you_mean(name, known))

    def _check_vault(self, name: object, where: Where) -> None:
        known = self._names("vaults") | ({"default"} if "vault" in self._document else set())
        # Without any vault in the file, the default one is for the environment or the command line to name.
        if isinstance(name, str) and name not in (known or {"default"}):
            self._problems.add(
                (*where, "vault"), f"there is no vault '{name}'", did_you_mean(name, known or {"default"})
            )

    def _names(self, section: str) -> set[str]:
        tables = self._document.get(section)
        return set(tables) if isinstance(tables, dict) else set()

    def _path(self, written: str) -> Path:
        """A path as written, absolute: relative ones are relative to the file's folder."""
        return Path(os.path.normpath(self._folder / Path(written).expanduser()))


def _findings(vaults: Mapping[str, Vault], sources: Mapping[str, Source]) -> Iterator[Finding]:
    for vault in vaults.values():
        for secret in (vault.password, *vault.options.values()):
            exposed = None if isinstance(secret, str) else exposure(secret)
            if exposed is not None:
                yield exposed
    for source in sources.values():
        vault_of = vaults.get(source.vault)
        if vault_of is not None and isinstance(source.system, Files) and _lies_within(vault_of.url, source.system):
            yield Finding(
                kind="vault-in-source",
                subject=f"source '{source.name}'",
                message=f"the vault lies in a folder that it keeps: '{vault_of.url}'",
                hint="Exclude the vault, or move it: a copy on the same disk does not outlive the disk.",
            )


def _lies_within(url: str, files: Files) -> bool:
    return url.startswith("/") and any(Path(url).is_relative_to(path) for path in files.paths)
