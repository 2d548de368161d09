"""How a vault's objects are named.

    config                   one, encrypted, never compressed
    keys/<id>                plain JSON, one per password
    data/<id[:2]>/<id>       packs
    index/<id>
    snapshots/<id>
    locks/<id>
    covenant/journal/<id>    what was done, see ``vault.journal``; restic never looks there
    covenant/policy/<id>     what was promised, kept in the same way
    covenant/evidence/…      keys/, pages/ and checkpoints/ of the evidence, see ``prove.evidence.keeping``

``<id>`` is the lower-case hexadecimal SHA-256 of the object's stored bytes, so that anyone can verify a copy
without a key. ``config`` alone has no hash in its name. (restic ``doc/design.rst``, "Repository Layout")
"""

from __future__ import annotations

import re

CONFIG = "config"
KEYS = "keys"
DATA = "data"
INDEX = "index"
SNAPSHOTS = "snapshots"
LOCKS = "locks"
JOURNAL = "covenant/journal"
POLICY = "covenant/policy"
EVIDENCE_KEYS = "covenant/evidence/keys"
EVIDENCE = "covenant/evidence/pages"
CHECKPOINTS = "covenant/evidence/checkpoints"

_HEX_ID = re.compile(r"[0-9a-f]{64}")


def is_id(text: str) -> bool:
    """Whether ``text`` is a full object id."""
    return _HEX_ID.fullmatch(text) is not None


def object_name(folder: str, object_id: str) -> str:
    """The name under which the object ``object_id`` of a folder is stored."""
    if folder == DATA:
        return f"{DATA}/{object_id[:2]}/{object_id}"
    return f"{folder}/{object_id}"


def id_of(name: str) -> str:
    """The id in an object's name, or ``""`` where the last segment is not an id."""
    last = name.rpartition("/")[2]
    return last if is_id(last) else ""
