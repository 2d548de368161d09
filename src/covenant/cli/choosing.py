"""Which snapshot is meant by what the user wrote, and which part of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from covenant.cli.snapshot_list import readable
from covenant.kernel.errors import SnapshotMissing, UsageError

if TYPE_CHECKING:
    from covenant.recover.choose import Filter
    from covenant.vault.snapshot import Snapshot
    from covenant.vault.vault import Vault


def one_snapshot(vault: Vault, name: str, wanted: Filter | None = None) -> Snapshot:
    """``latest``, the beginning of an id, or the name of a source (its latest). Raises ``SnapshotMissing``."""
    from covenant.recover.choose import Filter, choose, newest

    snapshots, _ = readable(vault)
    try:
        return choose(snapshots, name, wanted)
    except SnapshotMissing as error:
        try:
            return newest(snapshots, Filter(sources=(name,), at=wanted.at if wanted else None))
        except SnapshotMissing:
            raise error from None


def reference(written: str, path: str = "/") -> tuple[str, str]:
    """A snapshot and a path in it, which may be written as ``latest:/srv`` or apart. Raises ``UsageError``."""
    from covenant.recover.choose import parse_reference

    name, inside = parse_reference(written)
    if inside != "/" and path != "/":
        raise UsageError("a path is given twice", "Write 'SNAPSHOT:PATH' or 'SNAPSHOT PATH'.")
    return name, path if inside == "/" else inside


def chosen(vault: Vault, names: Sequence[str], wanted: Filter) -> list[Snapshot]:
    """The snapshots that are named, or all that fit, oldest first; each once. Raises as ``one_snapshot`` does."""
    if not names:
        return [snapshot for snapshot in readable(vault)[0] if wanted.fits(snapshot)]
    return list({found.id: found for name in names for found in [one_snapshot(vault, name, wanted)]}.values())
