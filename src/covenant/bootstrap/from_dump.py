"""Putting together what brings a dump back: into a database that the user names, or into a server of its own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from covenant.bootstrap.to_moment import address_into, said_programs
from covenant.kernel.errors import UsageError
from covenant.kernel.progress import Progress
from covenant.prove.ports import Access, Arrived

if TYPE_CHECKING:
    from covenant.adapters.sources.postgres.dumped import Dump
    from covenant.adapters.sources.postgres.loading import Loading
    from covenant.adapters.sources.postgres.probing import Wanted
    from covenant.bootstrap import OpenVault
    from covenant.settings.values import Source
    from covenant.vault.snapshot import Snapshot
    from covenant.vault.vault import Vault

_WHILE_IT_RUNS = 256 << 20


def dump_of(vault: Vault, source: str, base: str = "", moment: datetime | None = None) -> Snapshot | None:
    """The dump that is meant: the one that begins with ``base``, or the newest state where that is a dump.

    ``None`` where the source is kept in another way. ``moment`` is the latest that it may be of.
    """
    from covenant.adapters.sources.postgres.dumped import is_dump, newest_dump
    from covenant.vault.pieces import try_snapshots

    snapshots, _ = try_snapshots(vault)
    if base:
        fitting = [each for each in snapshots if each.id.startswith(base) and is_dump(each)]
        return fitting[0] if len(fitting) == 1 else None
    known = [each for each in snapshots if moment is None or each.time <= moment]
    return newest_dump(known, source) or next((each for each in known if _named(each, source) and is_dump(each)), None)


def kept_physically(vault: Vault, source: str) -> bool:
    """Whether there is a base backup of a source, too."""
    from covenant.vault.pieces import bases, try_snapshots

    return bool(bases(try_snapshots(vault)[0], source))


def _named(snapshot: Snapshot, name: str) -> bool:
    """Whether a snapshot is meant by the beginning of its id."""
    return len(name) >= 8 and snapshot.id.startswith(name)


def loading(
    opened: OpenVault, snapshot: Snapshot, into: str, sources: Mapping[str, Source], variables: Mapping[str, str]
) -> Loading:
    """What loads a dump into a database. Raises ``UsageError``, ``TargetError``."""
    from covenant.adapters.sources.postgres.dumped import read_dump
    from covenant.adapters.sources.postgres.loading import Loading
    from covenant.adapters.sources.postgres.programs import find_dumping

    dump = read_dump(opened.vault, snapshot)
    if into in sources and sources[into].name == snapshot.source:
        raise UsageError(
            f"'{into}' is the source itself, which is not loaded over what is there",
            "Give the address of an empty database.",
        )
    conninfo = address_into(sources, into, variables).conninfo(replication=False).decode()
    programs = find_dumping(dump.dumped_by, said_programs(variables), variables.get("PATH", ""), needed="psql")
    return Loading(opened.vault, snapshot, dump, conninfo, programs, variables)


@dataclass(frozen=True, slots=True)
class ByDump:
    """A dump's way into a server of its own, in a drill: made from nothing, loaded, asked, and stopped."""

    opened: OpenVault
    access: Access
    base: Snapshot
    dump: Dump
    variables: Mapping[str, str]
    wanted: Wanted | None

    @property
    def until(self) -> datetime:
        return self.base.time

    @property
    def size(self) -> int:
        return 3 * int((self.base.summary or {}).get("total_bytes_processed", 0)) + _WHILE_IT_RUNS

    def travel(self, folder: Path, progress: Progress, stop: threading.Event) -> Arrived:
        from covenant.adapters.sources.postgres.rebuilding import Rebuilding, rebuild

        said, search_path = said_programs(self.variables), self.variables.get("PATH", "")
        return Arrived(
            *rebuild(
                Rebuilding(
                    self.access.vault,
                    self.base,
                    self.dump,
                    folder,
                    self.opened.clock,
                    said,
                    search_path,
                    self.wanted,
                    progress,
                    stop,
                )
            )
        )


def by_dump(
    opened: OpenVault,
    access: Access,
    source: str,
    goal: datetime | None,
    variables: Mapping[str, str],
    wanted: Wanted | None,
) -> ByDump | None:
    """The way of a source that is kept by dumps; ``None`` where it is kept in another."""
    from covenant.adapters.sources.postgres.dumped import read_dump

    snapshot = dump_of(access.vault, source, moment=goal)
    if snapshot is None:
        return None
    return ByDump(opened, access, snapshot, read_dump(access.vault, snapshot), variables, wanted)
