"""PostgreSQL's own programs on this machine, by major version.

A data directory can only be started by the major version that wrote it, and a dump is best taken by the server's own.
They are looked for where they were said to be, then where Debian, Red Hat and Homebrew put them, then in the search
path. A folder counts only when the program in it says that it is of the version that is wanted.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from covenant.kernel.errors import TargetError

_USUAL = (
    "/usr/lib/postgresql/{major}/bin",
    "/usr/pgsql-{major}/bin",
    "/opt/homebrew/opt/postgresql@{major}/bin",
    "/usr/local/opt/postgresql@{major}/bin",
    "/usr/local/pgsql/bin",
)
_ANSWERS_WITHIN = 10.0
_NEWEST = 30


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one major version, which lie in one folder."""

    major: int
    folder: Path

    def named(self, name: str) -> str:
        """The path of a program. Raises ``TargetError`` where this installation lacks it."""
        path = self.folder / name
        if not path.is_file():
            raise TargetError(f"PostgreSQL {self.major} in {self.folder} has no '{name}'", f"Install it: {name}.")
        return str(path)

    def has(self, name: str) -> bool:
        """Whether a program is there."""
        return (self.folder / name).is_file()


def find_programs(
    major: int, said: Iterable[Path] = (), search_path: str = "", *, needed: str = "postgres"
) -> Programs:
    """The programs of a major version, ``needed`` among them. Raises ``TargetError`` where there are none.

    ``said`` are folders that the user named, ``search_path`` is the process's ``PATH``.
    """
    for folder in _folders(major, said, search_path):
        if version_of(folder / needed) == major:
            return Programs(major, folder)
    raise TargetError(
        f"the programs of PostgreSQL {major} are not on this machine ('{needed}' is needed)",
        f"Install them, on Debian and Ubuntu with 'apt-get install postgresql-{major}', or name their folder "
        "in COVENANT_POSTGRES_PROGRAMS.",
    )


def find_dumping(major: int, said: Iterable[Path] = (), search_path: str = "", *, needed: str = "pg_dump") -> Programs:
    """The oldest programs here that understand a server of this version: its own, or newer ones.

    Raises ``TargetError`` where there are none.
    """
    folders = tuple(said)
    for version in range(major, _NEWEST):
        with contextlib.suppress(TargetError):
            return find_programs(version, folders, search_path, needed=needed)
    raise TargetError(
        f"there is no {needed} of PostgreSQL {major} or later on this machine",
        f"Install it, on Debian and Ubuntu with 'apt-get install postgresql-client-{major}', or name its folder in "
        "COVENANT_POSTGRES_PROGRAMS.",
    )


def version_of(program: Path) -> int | None:
    """The major version that a program says it is of; ``None`` where it says nothing, or is not there."""
    if not program.is_file():
        return None
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_ANSWERS_WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    return int(found[1]) if found else None


def _folders(major: int, said: Iterable[Path], search_path: str) -> Iterator[Path]:
    yield from said
    yield from (Path(usual.format(major=major)) for usual in _USUAL)
    yield from (Path(folder) for folder in search_path.split(os.pathsep) if folder)
