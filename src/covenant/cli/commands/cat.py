"""``covenant cat``: the vault's objects as they are, for those who want to see for themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from covenant.cli.command import OPENING, command, family
from covenant.cli.session import Session
from covenant.kernel.errors import ObjectMissing, UsageError

if TYPE_CHECKING:
    from covenant.vault.ports import ReadStore


cat = family("cat", "Print an object of the vault, decrypted. The master key is not among them.")
_EXITS = (*OPENING, 28)


@command("config", "covenant cat config", exits=OPENING, group=cat)
def config(session: Session) -> None:
    """The vault's config: its format, its id."""
    import msgspec

    with session.opened() as opened:
        _print(session, msgspec.to_builtins(opened.vault.config))


@command("index", "covenant cat index 5f2c", exits=_EXITS, group=cat)
@click.argument("id")
def index(session: Session, id: str) -> None:
    """An index file: which packs hold which blobs."""
    _sealed(session, "index", id)


@command("snapshot", "covenant cat snapshot 8da63f54", exits=_EXITS, group=cat)
@click.argument("id")
def snapshot(session: Session, id: str) -> None:
    """A snapshot as it is stored."""
    _sealed(session, "snapshots", id)


@command("lock", "covenant cat lock 11aa", exits=_EXITS, group=cat)
@click.argument("id")
def lock(session: Session, id: str) -> None:
    """A lock: who holds it, and since when."""
    _sealed(session, "locks", id)


@command("key", "covenant cat key 07be", exits=_EXITS, group=cat)
@click.argument("id")
def key(session: Session, id: str) -> None:
    """A key: whose, since when, and how its password is hashed; without what it seals."""
    from covenant.vault.keys import decode_key, key_object_name

    with session.opened() as opened:
        key_id = _full_id(opened.reading, "keys", id)
        found = decode_key(opened.reading.get(key_object_name(key_id)), key_id)
    shown = ("created", "username", "hostname", "kdf", "N", "r", "p")
    _print(session, {"id": key_id} | {name: getattr(found, name) for name in shown})


@command("pack", "covenant cat pack e3b0", exits=_EXITS, group=cat)
@click.argument("id")
def pack(session: Session, id: str) -> None:
    """What a pack's own header says that is in it. The whole pack is read."""
    from covenant.vault.names import DATA, object_name
    from covenant.vault.pack import read_entries

    with session.read() as opened:
        pack_id = _full_id(opened.reading, DATA, id)
        entries = read_entries(opened.vault.sealer, opened.reading.get(object_name(DATA, pack_id)))
    blobs = [
        {
            "id": entry.id.hex(),
            "type": ("data", "tree")[entry.type],
            "offset": entry.offset,
            "length": entry.length,
            "uncompressed_length": entry.plain_length,
        }
        for entry in entries
    ]
    _print(session, {"id": pack_id, "blobs": blobs})


@command("blob", "covenant cat blob 2cf24dba… > bytes", exits=_EXITS, group=cat)
@click.argument("id")
def blob(session: Session, id: str) -> None:
    """A blob's own bytes, by its full id."""
    from covenant.vault.names import is_id
    from covenant.vault.pack import BlobType
    from covenant.vault.reader import read_blob

    if not is_id(id):
        raise UsageError(f"'{id}' is no id of a blob", "Write all 64 digits; 'covenant cat tree' shows them.")
    with session.read() as opened:
        raw = bytes.fromhex(id)
        kinds = [kind for kind in BlobType if opened.vault.index.has(raw, kind)]
        content = read_blob(opened.vault, raw, kinds[0] if kinds else BlobType.DATA)
    session.output.binary().write(content)


@command("tree", "covenant cat tree latest:/srv/photos", "covenant cat tree 8da63f54", exits=(*_EXITS, 13), group=cat)
@click.argument("place", metavar="SNAPSHOT[:PATH]")
def tree(session: Session, place: str) -> None:
    """A directory of a snapshot as it is stored: its entries, and the blobs that hold them."""
    import msgspec

    from covenant.cli.choosing import one_snapshot, reference
    from covenant.recover.listing import resolve
    from covenant.vault.reader import read_tree

    name, path = reference(place)
    with session.read() as opened:
        meant = one_snapshot(opened.vault, name)
        chain = resolve(opened.vault, meant, path)
        tree_id = chain[-1][1].subtree if chain else meant.tree
        if tree_id is None:
            raise UsageError(f"'{path}' is not a directory", "List it with 'covenant ls'.")
        nodes = [msgspec.to_builtins(node) for node in read_tree(opened.vault, tree_id)]
    _print(session, {"id": tree_id, "nodes": nodes})


def _sealed(session: Session, folder: str, prefix: str) -> None:
    """Print a sealed JSON object, by the beginning of its id."""
    import msgspec

    with session.opened() as opened:
        raw = opened.vault.load(folder, _full_id(opened.reading, folder, prefix))
    _print(session, msgspec.json.decode(raw))


def _full_id(store: ReadStore, folder: str, prefix: str) -> str:
    """The one id in a folder that begins like this. Raises ``ObjectMissing``, ``UsageError``."""
    from covenant.vault.names import id_of

    below = f"{folder}/{prefix[:2]}" if folder == "data" and len(prefix) >= 2 else folder
    found = [found for listed in store.list(below) if (found := id_of(listed.name)).startswith(prefix) and found]
    if not found:
        raise ObjectMissing(f"no object in {folder} begins with '{prefix}'", "Check its id.")
    if len(found) > 1:
        raise UsageError(f"{len(found)} objects in {folder} begin with '{prefix}'", "Write more of its digits.")
    return found[0]


def _print(session: Session, content: Any) -> None:
    """The same JSON for people, spread over lines, and for programs."""
    import json

    session.output.result(json.dumps(content, indent=2))
    session.output.document(content)
