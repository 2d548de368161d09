"""Small vaults whose snapshots are dictionaries: quick to make, and told exactly from one another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from covenant.adapters.stores.memory import MemoryStore
from covenant.kernel.clock import SystemClock
from covenant.vault.check.inspection import check
from covenant.vault.check.subset import All
from covenant.vault.pack import BlobType
from covenant.vault.ports import AppendStore, ReadStore
from covenant.vault.reader import read_blob, read_tree
from covenant.vault.snapshot import Snapshot, snapshot_time
from covenant.vault.tree import MODE_DIR, encode_tree, metadata_text, node_text, owner_text
from covenant.vault.vault import Vault, open_vault
from covenant.vault.writer import Writer
from tests.vaults import PASSWORD, a_vault

Files: TypeAlias = dict[str, bytes]
"""Path below the root, without a slash in front, to content."""

PIECE = 700
"""Files are cut into pieces of this many bytes."""
PACK_SIZE = 4096
BEGINNING = datetime(2026, 1, 1, 12, tzinfo=UTC)

_TIMES = ("2026-01-01T00:00:00Z",) * 3
_OWNER = owner_text(0, 0, "", "")


def a_small_vault() -> tuple[MemoryStore, Vault]:
    """A new, empty vault in memory."""
    store = MemoryStore()
    return store, a_vault(store)


def take(
    vault: Vault,
    store: AppendStore,
    files: Files,
    *,
    day: int = 0,
    tags: tuple[str, ...] = (),
    hostname: str = "studio",
    pack_size: int = PACK_SIZE,
    looks: bool = True,
) -> Snapshot:
    """Store these files as a snapshot of that day, in packs so small that there are many.

    With ``looks`` it first sees what others have added since the index was read.
    """
    if looks:
        vault.forget_index()
    writer = Writer(vault, store, pack_size=pack_size)
    tree = _keep(writer, files)
    writer.flush()
    snapshot = Snapshot(
        time_=snapshot_time(BEGINNING + timedelta(days=day)),
        tree=tree,
        paths=["/srv"],
        hostname=hostname,
        tags_=list(tags) or None,
        summary={"total_files_processed": len(files), "total_bytes_processed": sum(map(len, files.values()))},
    )
    return vault.save_snapshot(store, snapshot)


def _keep(writer: Writer, files: Files) -> str:
    """One directory, and those below it; returns the id of its tree."""
    below: dict[str, Files] = {}
    here: dict[str, bytes] = {}
    for path, content in files.items():
        first, slash, rest = path.partition("/")
        if slash:
            below.setdefault(first, {})[rest] = content
        else:
            here[first] = content
    nodes = {name: _file(writer, name, content) for name, content in here.items()}
    for name, inside in below.items():
        metadata = metadata_text(json.dumps(name), "dir", MODE_DIR | 0o755, _TIMES, _OWNER, (0, 0, 0, 0))
        nodes[name] = node_text(metadata, None, _keep(writer, inside))
    return writer.tree(encode_tree([nodes[name] for name in sorted(nodes)])).hex()


def _file(writer: Writer, name: str, content: bytes) -> str:
    pieces = [writer.data(content[at : at + PIECE]).hex() for at in range(0, len(content), PIECE)]
    return node_text(metadata_text(json.dumps(name), "file", 0o644, _TIMES, _OWNER, (0, 0, len(content), 1)), pieces)


def contents(vault: Vault, snapshot: Snapshot) -> Files:
    """Every file of a snapshot, read back piece by piece and proved."""
    files: Files = {}
    waiting = [("", snapshot.tree)]
    while waiting:
        prefix, tree = waiting.pop()
        for node in read_tree(vault, tree):
            path = prefix + node.filename
            if node.subtree:
                waiting.append((f"{path}/", node.subtree))
            else:
                files[path] = b"".join(
                    read_blob(vault, bytes.fromhex(piece), BlobType.DATA) for piece in node.content or ()
                )
    return files


def everything(store: ReadStore) -> dict[str, Files]:
    """What a newcomer finds: every snapshot's files, by its moment and tags."""
    vault = open_vault(store, PASSWORD)
    return {label(snapshot): contents(vault, snapshot) for snapshot in vault.snapshots()}


def label(snapshot: Snapshot) -> str:
    """A snapshot's moment and tags: what stays the same when it is copied."""
    return " ".join([snapshot.time_, *snapshot.tags])


def noise(seed: str, size: int) -> bytes:
    """Bytes that do not shrink, the same for the same seed."""
    import random

    return random.Random(seed).randbytes(size)


def copied(store: MemoryStore) -> MemoryStore:
    """A second store with the same objects."""
    other = MemoryStore()
    for name, _ in store.list(""):
        other.put(name, store.get(name))
    return other


def damage(store: ReadStore) -> list[str]:
    """What our own check finds, all data read."""
    report = check(open_vault(store, PASSWORD), SystemClock(), read_data=All())
    return [str(finding) for finding in report.findings]


def restic_refuses(store: ReadStore, folder: Path) -> str:
    """What ``restic check --read-data`` has against the vault, or ``""``."""
    spread(store, folder)
    done = restic(folder, "check", "--read-data")
    shutil.rmtree(folder)
    return "" if done.returncode == 0 and "no errors were found" in done.stdout else done.stdout + done.stderr


def spread(store: ReadStore, folder: Path) -> None:
    """Write a store's objects out as files, as restic has them."""
    for name in ("data", "index", "keys", "locks", "snapshots"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, _ in store.list(""):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(store.get(name))


def restic(folder: Path, *words: str, password: str = PASSWORD) -> subprocess.CompletedProcess[str]:
    """Run the program restic on a repository in a folder."""
    given = os.environ | {"RESTIC_REPOSITORY": str(folder), "RESTIC_PASSWORD": password}
    return subprocess.run(["restic", "--no-cache", *words], env=given, capture_output=True, text=True, check=False)
