"""Which of a vault's objects prove themselves, and what else lies in a region.

A pack, an index file, a snapshot and a key are named by the SHA-256 of their bytes, so that each copy is verified
without a key. ``config`` is not, and locks come and go: those are never copied from one region to another.
"""

from __future__ import annotations

from hashlib import sha256

from covenant.vault.names import (
    CHECKPOINTS,
    CONFIG,
    DATA,
    EVIDENCE,
    EVIDENCE_KEYS,
    INDEX,
    JOURNAL,
    KEYS,
    LOCKS,
    POLICY,
    SNAPSHOTS,
    id_of,
    object_name,
)
from covenant.vault.ports import Buffer

EPOCHS = "covenant/epoch"
"""Who is the primary, as numbered records. restic looks into no folder of this name."""

FOLDERS = (KEYS, DATA, INDEX, SNAPSHOTS, JOURNAL, POLICY, EVIDENCE_KEYS, EVIDENCE, CHECKPOINTS)
"""What is copied, in the order in which it must arrive: whatever an object names is there before it (I28)."""

WEIGHTY = (f"{SNAPSHOTS}/", f"{KEYS}/")
"""What counts once it is stored. Before each of them it is asked who is the primary."""


def proves_itself(name: str) -> bool:
    """Whether an object's name is the hash of its bytes, locks among them."""
    folder = folder_of(name)
    return folder in (*FOLDERS, LOCKS) and (found := id_of(name)) != "" and name == object_name(folder, found)


def folder_of(name: str) -> str:
    """The folder of a vault that an object lies in; packs lie in one folder, though it is divided."""
    return DATA if name.startswith(f"{DATA}/") else name.rpartition("/")[0]


def is_whole(name: str, data: Buffer) -> bool:
    """Whether these bytes are what the name says; nobody can tell of a name that is no hash."""
    return not proves_itself(name) or sha256(data).hexdigest() == id_of(name)


def is_lock(name: str) -> bool:
    """Whether it is a lock."""
    return name.startswith(f"{LOCKS}/")


def counts(name: str) -> bool:
    """Whether storing it makes something true that others build on."""
    return name == CONFIG or name.startswith(WEIGHTY)
