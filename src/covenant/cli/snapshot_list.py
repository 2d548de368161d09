"""The vault's snapshots as commands ask for them: those that can be read, filtered, in order of time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from covenant.cli.parameters import moment
from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.kernel.findings import Finding

if TYPE_CHECKING:
    from covenant.vault.snapshot import Snapshot
    from covenant.vault.vault import Vault


def filtering(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that filter snapshots; the command receives them as ``wanted``."""

    @wraps(function)
    def called(*args: Any, **named: Any) -> Any:
        from covenant.recover.choose import Filter

        wanted = Filter(
            hosts=named.pop("hosts"),
            paths=named.pop("paths"),
            tags=tuple(tuple(filter(None, listed.split(","))) for listed in named.pop("tags")),
            sources=named.pop("sources"),
            at=named.pop("at"),
        )
        return function(*args, wanted=wanted, **named)

    declared: Callable[..., Any] = click.option(
        "--at", type=moment, metavar="TIME", help="Only snapshots taken by then ('2026-11-20 12:00')."
    )(called)
    options = (
        ("sources", "--source", "Only snapshots of this source."),
        ("tags", "--tag", "Only snapshots with these tags; 'a,b' asks for both."),
        ("paths", "--path", "Only snapshots of this path."),
        ("hosts", "--host", "Only snapshots of this machine."),
    )
    for name, flag, about in options:
        declared = click.option(flag, name, multiple=True, help=about)(declared)
    return declared


def readable(vault: Vault) -> tuple[list[Snapshot], list[Finding]]:
    """Every snapshot, oldest first, and a finding for each that cannot be read."""
    snapshots, findings = [], []
    for snapshot_id in vault.snapshot_ids():
        try:
            snapshots.append(vault.load_snapshot(snapshot_id))
        except ObjectMissing:
            continue
        except DamageError as error:
            findings.append(Finding("snapshot-damaged", f"snapshots/{snapshot_id}", error.message, error.hint))
    # A rewritten snapshot has its original's time, and comes after it.
    return sorted(snapshots, key=lambda snapshot: (snapshot.time, bool(snapshot.original), snapshot.id)), findings


def latest_of_each(snapshots: Sequence[Snapshot], count: int) -> list[Snapshot]:
    """The last ``count`` of each source, or of each machine and its paths; ``snapshots`` are oldest first."""
    groups: dict[object, list[Snapshot]] = {}
    for snapshot in snapshots:
        key = snapshot.source or (snapshot.hostname, tuple(sorted(snapshot.paths or ())))
        groups.setdefault(key, []).append(snapshot)
    kept = [snapshot for group in groups.values() for snapshot in group[-count:]]
    return sorted(kept, key=lambda snapshot: snapshot.time)


def described(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot, ready for a document."""
    content: dict[str, Any] = {
        "id": snapshot.id,
        "short_id": snapshot.short_id,
        "time": snapshot.time_,
        "hostname": snapshot.hostname,
        "username": snapshot.username,
        "paths": list(snapshot.paths or ()),
        "tags": list(snapshot.tags),
        "source": snapshot.source,
        "kind": snapshot.kind,
        "tree": snapshot.tree,
        "parent": snapshot.parent,
        "excludes": list(snapshot.excludes or ()),
        "program_version": snapshot.program_version,
    }
    return content | ({"summary": snapshot.summary} if snapshot.summary else {})


def own_tags(snapshot: Snapshot) -> list[str]:
    """The tags that people gave, without those in which Covenant notes things."""
    return [tag for tag in snapshot.tags if not tag.startswith("covenant:")]
