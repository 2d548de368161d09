"""One directory's entries, described as their nodes will stand in the vault."""

from __future__ import annotations

import base64
import errno
import grp
import os
import pwd
import stat
from functools import lru_cache

from covenant.protect.ports import Entry
from covenant.vault import tree
from covenant.vault.gotext import quoted_name, time_text

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "chardev",
    stat.S_IFBLK: "dev",
}
_KIND_BITS = {
    "dir": tree.MODE_DIR,
    "symlink": tree.MODE_SYMLINK,
    "fifo": tree.MODE_FIFO,
    "socket": tree.MODE_SOCKET,
    "chardev": tree.MODE_DEVICE | tree.MODE_CHAR,
    "dev": tree.MODE_DEVICE,
}
_SPECIAL_BITS = (
    (stat.S_ISUID, tree.MODE_SETUID),
    (stat.S_ISGID, tree.MODE_SETGID),
    (stat.S_ISVTX, tree.MODE_STICKY),
)
_NO_XATTRS = frozenset({errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.ENODATA, errno.ELOOP, errno.ENOENT})


def describe(name: str, path: str, status: os.stat_result) -> Entry:
    """The entry ``name`` at ``path``, whose ``lstat`` is ``status``. Raises ``OSError`` if it vanishes meanwhile."""
    kind, mode = _kind_and_mode(status.st_mode)
    mtime_ns, ctime_ns = status.st_mtime_ns, status.st_ctime_ns
    mtime = time_text(mtime_ns)
    is_file = kind == "file"
    metadata = tree.metadata_text(
        quoted_name(name),
        kind,
        mode,
        (mtime, mtime, mtime if ctime_ns == mtime_ns else time_text(ctime_ns)),
        _owner(status.st_uid, status.st_gid),
        (
            status.st_ino,
            status.st_dev,
            status.st_size if is_file else 0,
            0 if kind == "dir" else status.st_nlink,
        ),
        _rest(kind, path, status),
    )
    link = (status.st_dev, status.st_ino) if is_file and status.st_nlink > 1 else None
    return Entry(name, kind, path, metadata, status.st_size, mtime_ns, ctime_ns, status.st_ino, link)


@lru_cache(maxsize=1024)
def _kind_and_mode(mode: int) -> tuple[str, int]:
    """What a thing is, and its mode as Go writes it."""
    kind = _KINDS[stat.S_IFMT(mode)]
    go = mode & 0o777 | _KIND_BITS.get(kind, 0)
    return kind, go | sum(bit for flag, bit in _SPECIAL_BITS if mode & flag)


def _rest(kind: str, path: str, status: os.stat_result) -> str:
    """The parts that only some nodes have: where a link points, extended attributes, device numbers."""
    rest = ""
    if kind == "symlink":
        rest = _link(os.readlink(path))
    try:
        names = os.listxattr(path, follow_symlinks=False)
        if names:
            rest += _xattrs(path, names)
    except OSError as error:
        if error.errno not in _NO_XATTRS:
            raise
    if kind in ("dev", "chardev"):
        rest += f',"device":{status.st_rdev}'
    return rest


def _link(target: str) -> str:
    try:
        target.encode()
    except UnicodeEncodeError:
        return tree.link_text(target, base64.b64encode(os.fsencode(target)).decode())
    return tree.link_text(target, None)


def _xattrs(path: str, names: list[str]) -> str:
    listed = []
    for name in names:
        value = os.getxattr(path, name, follow_symlinks=False)
        listed.append((name, base64.b64encode(value).decode()))
    return tree.xattr_text(listed)


@lru_cache(maxsize=4096)
def _owner(uid: int, gid: int) -> str:
    return tree.owner_text(uid, gid, _user_name(uid), _group_name(gid))


def _user_name(uid: int) -> str:
    """The name of a user, or ``""`` where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def _group_name(gid: int) -> str:
    """The name of a group, likewise."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return ""
