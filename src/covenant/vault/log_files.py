"""The files of a change log in a vault: the tree of a piece is one folder that holds them.

/pg_wal/000000010000000000000007            full
/pg_wal/000000010000000000000008.partial    what there was of it when the piece was sealed
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from covenant.kernel.spans import Span
from covenant.vault.gotext import quoted_name
from covenant.vault.lock import Owner
from covenant.vault.reader import read_tree
from covenant.vault.snapshot import (
    FILE_SIZE,
    FILE_SIZE_TAG,
    KIND_TAG,
    LOG,
    POSITION_TAG,
    SOURCE_TAG,
    UNTIL_TAG,
    Snapshot,
    snapshot_time,
)
from covenant.vault.tree import MODE_DIR, encode_tree, metadata_text, node_text, owner_text
from covenant.vault.vault import Vault
from covenant.vault.writer import Writer

FOLDER = "pg_wal"
"""The folder in the snapshot's tree: restored over a data directory, the files are where PostgreSQL looks for them."""
PARTIAL = ".partial"


@dataclass(frozen=True, slots=True)
class File:
    """A file of the log as the vault has it: its blobs, and how many bytes they are together."""

    name: str
    content: tuple[str, ...]
    size: int

    @property
    def partial(self) -> bool:
        """Whether it is not full."""
        return self.name.endswith(PARTIAL)

    @property
    def full_name(self) -> str:
        """What it is called when it is full."""
        return self.name.removesuffix(PARTIAL)


def log_tree(writer: Writer, files: Iterable[File], moment: datetime, owner: Owner) -> str:
    """Keep the tree of a piece: one folder with these files. Returns its id; durable after the writer's ``flush``."""
    times = (snapshot_time(moment),) * 3
    whose = owner_text(owner.uid, owner.gid, owner.username, "")
    nodes = [
        node_text(
            metadata_text(quoted_name(file.name), "file", 0o600, times, whose, (0, 0, file.size, 1)), list(file.content)
        )
        for file in sorted(files, key=lambda file: file.name)
    ]
    folder = writer.tree(encode_tree(nodes)).hex()
    metadata = metadata_text(quoted_name(FOLDER), "dir", MODE_DIR | 0o700, times, whose, (0, 0, 0, 0))
    return writer.tree(encode_tree([node_text(metadata, None, folder)])).hex()


def log_snapshot(
    tree: str, source: str, span: Span, until: datetime, taken: datetime, file_size: int, owner: Owner, program: str
) -> Snapshot:
    """The snapshot of a piece. ``taken`` is on our clock what ``until`` is on its source's."""
    tags = [SOURCE_TAG + source, POSITION_TAG + str(span), UNTIL_TAG + snapshot_time(until), KIND_TAG + LOG]
    if file_size != FILE_SIZE:
        tags.append(f"{FILE_SIZE_TAG}{file_size}")
    return Snapshot(
        time_=snapshot_time(taken),
        tree=tree,
        paths=[f"/{FOLDER}"],
        hostname=owner.hostname,
        username=owner.username,
        uid=owner.uid,
        gid=owner.gid,
        tags_=tags,
        program_version=program,
    )


def files_of(vault: Vault, snapshot: Snapshot) -> Iterator[File]:
    """The files of a piece. Raises ``ObjectMissing``, ``DamageError``."""
    for folder in read_tree(vault, snapshot.tree):
        if folder.type == "dir" and folder.filename == FOLDER and folder.subtree:
            for node in read_tree(vault, folder.subtree):
                if node.type == "file":
                    yield File(node.filename, tuple(node.content or ()), node.size)
