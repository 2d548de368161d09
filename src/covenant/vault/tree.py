"""Trees: one blob per directory, listing its entries.

    {"nodes":[{"name":…,"type":"file",…,"content":[ids]},{"name":…,"type":"dir",…,"subtree":id}]}\\n

Nodes stand in ascending byte order of their names. The text is exactly what restic would write, field by field, so
that unchanged directories get the same id from either program. (restic ``doc/design.rst``, "Trees and Data")
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Sequence

import msgspec

from covenant.kernel.errors import DamageError
from covenant.vault.gotext import json_text, quoted_name, time_nanoseconds, unquoted_name

EMPTY_TREE = b'{"nodes":[]}\n'

_SIZE = re.compile(r',"size":\d+')

MODE_DIR = 1 << 31
MODE_SYMLINK = 1 << 27
MODE_DEVICE = 1 << 26
MODE_FIFO = 1 << 25
MODE_SOCKET = 1 << 24
MODE_SETUID = 1 << 23
MODE_SETGID = 1 << 22
MODE_CHAR = 1 << 21
MODE_STICKY = 1 << 20


class Xattr(msgspec.Struct):
    """One extended attribute; ``value`` is base64."""

    name: str
    value: str | None = None

    @property
    def bytes(self) -> bytes:
        """The attribute's value."""
        return base64.b64decode(self.value) if self.value else b""


class Node(msgspec.Struct, kw_only=True):
    """One entry of a directory, as the vault has it.

    ``name`` is still quoted as Go does it: ask ``filename``. ``mode`` is Go's ``os.FileMode``. Times are RFC 3339
    text: ask ``mtime_ns``.
    """

    name: str
    type: str
    mode: int = 0
    mtime: str = "0001-01-01T00:00:00Z"
    atime: str = "0001-01-01T00:00:00Z"
    ctime: str = "0001-01-01T00:00:00Z"
    uid: int = 0
    gid: int = 0
    user: str = ""
    group: str = ""
    inode: int = 0
    device_id: int = 0
    size: int = 0
    links: int = 0
    linktarget: str = ""
    linktarget_raw: str | None = None
    extended_attributes: list[Xattr] | None = None
    generic_attributes: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    device: int = 0
    content: list[str] | None = None
    subtree: str | None = None
    error: str = ""

    @property
    def filename(self) -> str:
        """The name as the file system has it; undecodable bytes as surrogates."""
        return unquoted_name(self.name)

    @property
    def target(self) -> str:
        """Where a symbolic link points, likewise."""
        if self.linktarget_raw:
            return os.fsdecode(base64.b64decode(self.linktarget_raw))
        return self.linktarget

    @property
    def permissions(self) -> int:
        """The mode bits as ``chmod`` takes them."""
        bits = self.mode & 0o777
        bits |= 0o4000 if self.mode & MODE_SETUID else 0
        bits |= 0o2000 if self.mode & MODE_SETGID else 0
        return bits | (0o1000 if self.mode & MODE_STICKY else 0)

    @property
    def mtime_ns(self) -> int:
        """When the content changed, in nanoseconds since 1970."""
        return time_nanoseconds(self.mtime)

    @property
    def ctime_ns(self) -> int:
        """When anything about it changed, likewise."""
        return time_nanoseconds(self.ctime)

    @property
    def atime_ns(self) -> int:
        """When it was last read, likewise."""
        return time_nanoseconds(self.atime)

    def text(self) -> str:
        """The node as it stands in its tree."""
        return node_text(
            metadata_text(
                quoted_name(self.filename),
                self.type,
                self.mode,
                (self.mtime, self.atime, self.ctime),
                owner_text(self.uid, self.gid, self.user, self.group),
                (self.inode, self.device_id, self.size, self.links),
                self._rest(),
            ),
            self.content,
            self.subtree,
            self.error,
        )

    def _rest(self) -> str:
        rest = link_text(self.linktarget, self.linktarget_raw) if self.linktarget or self.linktarget_raw else ""
        if self.extended_attributes:
            rest += xattr_text([(xattr.name, xattr.value) for xattr in self.extended_attributes])
        if self.generic_attributes is not msgspec.UNSET:
            rest += f',"generic_attributes":{bytes(self.generic_attributes).decode()}'
        return rest + (f',"device":{self.device}' if self.device else "")


class _Tree(msgspec.Struct):
    nodes: list[Node] | None


_decoder = msgspec.json.Decoder(_Tree)


def decode_tree(raw: bytes) -> list[Node]:
    """The entries of a tree blob. Raises ``DamageError``."""
    try:
        return _decoder.decode(raw).nodes or []
    except msgspec.MsgspecError as error:
        raise DamageError(f"tree is not readable: {error}") from error


def encode_tree(nodes: Iterable[str]) -> bytes:
    """A tree blob from its nodes' texts, which are in order already."""
    return f'{{"nodes":[{",".join(nodes)}]}}\n'.encode()


def metadata_text(
    name: str,
    kind: str,
    mode: int,
    times: tuple[str, str, str],
    owner: str,
    numbers: tuple[int, int, int, int],
    rest: str = "",
) -> str:
    """A node's text up to its content.

    ``name`` is quoted already; ``times`` are modification, access, change; ``owner`` is from ``owner_text``;
    ``numbers`` are inode, device id, size, links; ``rest`` the text of links, attributes and devices.
    """
    inode, device_id, size, links = numbers
    mtime, atime, ctime = times
    if mode and inode and device_id and size and links:  # nearly every file, in one go: half the time
        return (
            f'{{"name":{name},"type":"{kind}","mode":{mode},"mtime":"{mtime}","atime":"{atime}","ctime":"{ctime}"{owner},'
            f'"inode":{inode},"device_id":{device_id},"size":{size},"links":{links}{rest}'
        )
    text = f'{{"name":{name},"type":"{kind}"'
    if mode:
        text += f',"mode":{mode}'
    text += f',"mtime":"{mtime}","atime":"{atime}","ctime":"{ctime}"{owner}'
    if inode:
        text += f',"inode":{inode}'
    if device_id:
        text += f',"device_id":{device_id}'
    if size:
        text += f',"size":{size}'
    if links:
        text += f',"links":{links}'
    return text + rest


def owner_text(uid: int, gid: int, user: str, group: str) -> str:
    """The part of a node's text that says whose it is."""
    text = f',"uid":{uid},"gid":{gid}'
    if user:
        text += f',"user":{json_text(user)}'
    return text + (f',"group":{json_text(group)}' if group else "")


def resized(metadata: str, size: int) -> str:
    """A file's metadata text with another size. Quotes within names are escaped, so the first match is the field."""
    if _SIZE.search(metadata):
        return _SIZE.sub(f',"size":{size}' if size else "", metadata, count=1)
    return metadata.replace(',"links":', f',"size":{size},"links":', 1)


def link_text(target: str, raw: str | None) -> str:
    """The part of a symbolic link's text that says where it points."""
    return f',"linktarget":{json_text(target)}' + (f',"linktarget_raw":"{raw}"' if raw else "")


def xattr_text(xattrs: Sequence[tuple[str, str | None]]) -> str:
    """The part of a node's text that lists its extended attributes, values in base64."""
    listed = [
        f'{{"name":{json_text(name)},"value":' + ("null}" if value is None else f'"{value}"}}')
        for name, value in xattrs
    ]
    return f',"extended_attributes":[{",".join(listed)}]'


def node_text(metadata: str, content: Sequence[str] | None, subtree: str | None = None, error: str = "") -> str:
    """A node's whole text, from its metadata and where its content lies."""
    if content is None:
        listed = "null"
    else:
        listed = '["' + '","'.join(content) + '"]' if content else "[]"
    tail = (f',"subtree":"{subtree}"' if subtree else "") + (f',"error":{json_text(error)}' if error else "")
    return f'{metadata},"content":{listed}{tail}}}'
