"""``covenant backup``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from covenant.cli.command import OPENING, command
from covenant.cli.session import Session
from covenant.kernel.errors import ConfigError, UsageError


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, apart from what is to be kept."""

    kind: str
    dry_run: bool
    tags: tuple[str, ...]
    host: str | None


@dataclass(frozen=True, slots=True)
class Left:
    """What is to be left out of paths that are named on the command line."""

    exclude: tuple[str, ...]
    if_present: tuple[str, ...]
    caches: bool
    one_file_system: bool


@command(
    "backup",
    "covenant backup",
    "covenant backup media --full",
    "covenant --vault /srv/vault --password-file F backup --path /srv/photos --exclude '*.tmp'",
    exits=(*OPENING, 1, 23, 36),
)
@click.argument("sources", metavar="[SOURCE]...", nargs=-1)
@click.option("--path", "paths", type=click.Path(), multiple=True, help="Keep this folder or file, as one snapshot.")
@click.option("--full", "kind", flag_value="full", help="Read everything.")
@click.option("--incremental", "kind", flag_value="incremental", help="Read what changed since the last (default).")
@click.option("--differential", "kind", flag_value="differential", help="Read what changed since the last full.")
@click.option("--dry-run", is_flag=True, help="Read and count, but keep nothing.")
@click.option("--tag", "tags", multiple=True, help="Give the snapshot this tag.")
@click.option("--host", help="Record this machine's name instead of our own.")
@click.option("--exclude", "excludes", multiple=True, metavar="PATTERN", help="Leave this out, in gitignore's syntax.")
@click.option(
    "--exclude-file",
    "exclude_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Leave out what stands in this file, a pattern a line.",
)
@click.option("--exclude-if-present", multiple=True, metavar="NAME", help="Leave out folders that hold this file.")
@click.option("--exclude-caches", is_flag=True, help="Leave out folders marked by a CACHEDIR.TAG.")
@click.option("--one-file-system", "-x", is_flag=True, help="Do not cross into other file systems.")
def backup(
    session: Session,
    sources: tuple[str, ...],
    paths: tuple[str, ...],
    kind: str | None,
    dry_run: bool,
    tags: tuple[str, ...],
    host: str | None,
    excludes: tuple[str, ...],
    exclude_files: tuple[Path, ...],
    exclude_if_present: tuple[str, ...],
    exclude_caches: bool,
    one_file_system: bool,
) -> int:
    """Keep sources of covenant.toml, or paths named here, as they are at this moment.

    Without any name, all sources of covenant.toml are kept, one snapshot each. What changed or vanished while it was
    read is a finding. Ctrl-C finishes what was begun: the next backup need not read it again.
    """
    from covenant.cli import backing_up

    asked = Asked(kind or "incremental", dry_run, tags, host)
    left = Left(_patterns(excludes, exclude_files), exclude_if_present, exclude_caches, one_file_system)
    if paths and sources:
        raise UsageError("both sources and '--path' are given", "Give one or the other.")
    if paths:
        return backing_up.keep(session, asked, [backing_up.paths_to_keep(session, paths, left)])
    if left != Left((), (), False, False):
        raise UsageError("what to leave out of a source stands in covenant.toml", "Give '--path', or write it there.")
    return backing_up.keep(session, asked, backing_up.sources_to_keep(session, sources))


def _patterns(excludes: tuple[str, ...], files: tuple[Path, ...]) -> tuple[str, ...]:
    patterns = list(excludes)
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"the exclude file '{file}' cannot be read: {error}", "Check its name.") from error
        patterns += [line for line in lines if line.strip() and not line.startswith("#")]
    return tuple(patterns)
