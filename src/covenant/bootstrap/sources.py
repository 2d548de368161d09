"""What reads each kind of source, and what its snapshots are called. A new kind is one more case here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from covenant.kernel.clock import SystemClock
from covenant.kernel.errors import SourceError

if TYPE_CHECKING:
    from covenant.protect.arriving import Arriving
    from covenant.protect.ports import Source
    from covenant.settings import values
    from covenant.vault.snapshot import Snapshot


def build_source(source: values.Source, variables: Mapping[str, str]) -> Source | Arriving:
    """What reads a source of ``covenant.toml``.

    ``variables`` are the environment's, in which its secrets are looked up. Raises ``SourceError`` for a kind that this
    version does not cover, ``ConfigError`` for a secret that is not there.
    """
    from covenant.settings import values

    match source.system:
        case values.Files(paths, exclude, one_file_system, caches, if_present):
            return files_source(
                source.name,
                tuple(map(str, paths)),
                exclude=exclude,
                exclude_if_present=if_present,
                exclude_caches=caches,
                one_file_system=one_file_system,
            )
        case values.Sqlite(path):
            from covenant.adapters.sources.sqlite.source import SqliteSource

            return SqliteSource(source.name, str(path))
        case values.Postgres() as system:
            return _server(source, system, variables)
        case values.Planned():
            raise SourceError(
                f"source '{source.name}' is not kept: this version does not cover the kind '{source.kind}'",
                "Keep it in another way meanwhile; what is covered, 'covenant policy check' says.",
            )


def _server(source: values.Source, system: values.Postgres, variables: Mapping[str, str]) -> Arriving:
    """What reads a PostgreSQL server, in the grade that is wanted."""
    from covenant.adapters.sources.postgres.address import Address

    address, clock = Address(source.name, system.url.resolve(variables), system.database), SystemClock()
    if system.grade == "physical":
        from covenant.adapters.sources.postgres.source import PostgresSource

        return PostgresSource(source.name, address, clock, system.max_rate)
    from covenant.adapters.sources.postgres.dumping import PostgresDump
    from covenant.bootstrap.to_moment import said_programs

    dump = PostgresDump(source.name, address, clock, system.schemas, said_programs(variables), variables)
    if system.dumped:
        return dump
    from covenant.adapters.sources.postgres.automatic import AutomaticSource
    from covenant.adapters.sources.postgres.source import PostgresSource

    return AutomaticSource(PostgresSource(source.name, address, clock, system.max_rate), dump)


def files_source(
    name: str,
    paths: tuple[str, ...],
    *,
    exclude: tuple[str, ...],
    exclude_if_present: tuple[str, ...],
    exclude_caches: bool,
    one_file_system: bool,
) -> Source:
    """What reads folders and files. ``name`` is ``""`` where they were named on the command line."""
    from covenant.adapters.sources.files.source import FilesSource

    return FilesSource(name, paths, exclude, exclude_if_present, exclude_caches, one_file_system)


def of_a_server(snapshot: Snapshot) -> bool:
    """Whether a snapshot holds the data directory of a server, or a piece of its log, or a dump."""
    from covenant.adapters.sources.postgres.dumped import is_dump
    from covenant.kernel.spans import parse_span

    return parse_span(snapshot.position) is not None or is_dump(snapshot)


def source_paths(source: values.Source) -> tuple[str, ...]:
    """The absolute paths that a source's snapshots name."""
    from covenant.settings import values

    match source.system:
        case values.Files(paths):
            return tuple(map(str, paths))
        case values.Sqlite(path):
            return (str(path),)
        case values.Postgres():
            from covenant.adapters.sources.postgres.source import paths_of

            return paths_of(source.name)
        case values.Planned():
            return ()
