"""Putting one backup together, in one way for the command line and for the loop."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from covenant import __version__
from covenant.bootstrap import Opener, OpenVault

if TYPE_CHECKING:
    from covenant.protect.arriving import Arriving
    from covenant.protect.backup import Job, Settings
    from covenant.protect.ports import Source
    from covenant.settings.environment import Environment
    from covenant.settings.values import Limits
    from covenant.vault.ports import AppendStore
    from covenant.vault.snapshot import Snapshot

_UPLOADS = 4
"""Packs under way at once to a store behind a network, where nothing else is said. Each takes about 30 MiB."""


def lanes(limits: Limits | None) -> int:
    """How many threads or processes may work side by side."""
    return (limits and limits.workers) or len(os.sched_getaffinity(0))


def adding_lanes(opener: Opener, limits: Limits | None) -> int:
    """How many threads may store packs side by side: behind a network more than there are cores, for each waits."""
    if opener.local:
        return lanes(limits)
    return max(lanes(limits), (limits and limits.upload_threads) or _UPLOADS)


def manner(opened: OpenVault, limits: Limits | None, environment: Environment, *, dry_run: bool = False) -> Settings:
    """How to work: as the environment says, else as ``covenant.toml`` says if it was read, else by default."""
    from covenant.protect.backup import Settings
    from covenant.vault.compression import DEFAULT_LEVEL
    from covenant.vault.pack import DEFAULT_PACK_SIZE

    level = environment.compression
    if level is None and limits is not None:
        level = limits.compression
    return Settings(
        lanes=adding_lanes(opened.opener, limits),
        pack_size=environment.pack_size or (limits and limits.pack_size) or DEFAULT_PACK_SIZE,
        level=DEFAULT_LEVEL if level is None else level,
        open_store=_open_store(opened, dry_run),
    )


def _open_store(opened: OpenVault, dry_run: bool) -> Callable[[], AppendStore] | None:
    """How worker processes open the store; not at all where a rate is to be kept, which only threads share."""
    if opened.opener.bandwidth is not None:
        return None
    return opened.opener.discarding if dry_run else opened.opener.appending


def backup_job(
    opened: OpenVault,
    source: Source | Arriving,
    *,
    kind: str,
    parent: Snapshot | None,
    tags: tuple[str, ...],
    settings: Settings,
    stop: threading.Event,
    host: str = "",
    dry_run: bool = False,
    confirm: Callable[[], None] = lambda: None,
) -> Job:
    """One backup of a source into a vault that is held for adding.

    Before its snapshot is stored the vault's own lock is confirmed, and then whatever ``confirm`` asks.
    """
    from covenant.protect.backup import Job

    def both() -> None:
        opened.confirm()
        confirm()

    return Job(
        source=source,
        vault=opened.vault,
        store=opened.discarding if dry_run else opened.appending,
        owner=replace(opened.owner, hostname=host) if host else opened.owner,
        clock=opened.clock,
        kind=kind,
        parent=parent,
        tags=tuple(dict.fromkeys(tags)),
        program=f"covenant {__version__}",
        settings=settings,
        stop=stop,
        dry_run=dry_run,
        confirm=both,
    )


def expected(parent: Snapshot | None) -> dict[str, int]:
    """What a backup will probably count: much like last time; without a last time nobody knows."""
    before = (parent.summary if parent else None) or {}
    files, size = before.get("total_files_processed", 0), before.get("total_bytes_processed", 0)
    return {"files": int(files), "bytes": int(size)}
