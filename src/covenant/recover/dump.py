"""Giving out a snapshot's content as a stream: one file, or a directory as an archive.

A file goes out in order, a few megabytes at a time. In an archive a file's size stands before its content, so each
file is read whole first, beyond a few megabytes into a temporary file: one that turns out to be damaged is left out,
and named, instead of standing there with a hole.
"""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Protocol, cast

from covenant.kernel.errors import DamageError, ObjectMissing, UsageError
from covenant.kernel.findings import Finding
from covenant.recover.listing import Found, resolve, walk
from covenant.vault.bulk import read_each, whole
from covenant.vault.pack import BlobType
from covenant.vault.segment import Location
from covenant.vault.snapshot import Snapshot
from covenant.vault.tree import Node
from covenant.vault.vault import Vault

_SPOOL = 8 << 20
_COPY = 1 << 20
_KINDS = {
    "dir": stat.S_IFDIR,
    "file": stat.S_IFREG,
    "symlink": stat.S_IFLNK,
    "fifo": stat.S_IFIFO,
    "chardev": stat.S_IFCHR,
    "dev": stat.S_IFBLK,
}
_TAR_TYPES = {
    "dir": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "fifo": tarfile.FIFOTYPE,
    "chardev": tarfile.CHRTYPE,
    "dev": tarfile.BLKTYPE,
}


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take all of ``data``."""
        ...


def dump_file(vault: Vault, snapshot: Snapshot, path: str, out: Sink) -> int:
    """Write one file to ``out``; returns its bytes.

    Raises ``UsageError`` where ``path`` is no file, ``DamageError`` or ``ObjectMissing`` where its content is lost
    (what came before has been written by then).
    """
    chain = resolve(vault, snapshot, path)
    if not chain or chain[-1][1].type != "file":
        raise UsageError(f"'{path}' is not a file", "Give it out as an archive, or name a file in it.")
    size = 0
    for piece in contents(vault, chain[-1][1]):
        out.write(piece)
        size += len(piece)
    return size


def contents(vault: Vault, node: Node) -> Iterator[bytes]:
    """A file's blobs, in order. Raises ``DamageError``, ``ObjectMissing``."""
    for read in read_each(vault, _places(vault, node), gap=0):
        yield whole(vault, read)


def dump_tar(vault: Vault, snapshot: Snapshot, path: str, out: Sink) -> list[Finding]:
    """Write what is at ``path`` as a tar archive (POSIX.1-2001), with everything that such an archive can say."""
    findings: list[Finding] = []
    with tarfile.open(
        mode="w|", fileobj=_stream(out), format=tarfile.PAX_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        first_names: dict[tuple[int, int, tuple[str, ...]], str] = {}
        for found, name in _below(vault, snapshot, path, findings):
            node = found.node
            key = (node.device_id, node.inode, tuple(node.content or ()))
            try:
                info = _tar_info(name, node)
                if node.type != "file":
                    archive.addfile(info)
                elif node.links > 1 and key in first_names:
                    info.type, info.linkname = tarfile.LNKTYPE, first_names[key]
                    archive.addfile(info)
                else:
                    with _spooled(vault, node) as spool:
                        info.size = spool.seek(0, 2)
                        spool.seek(0)
                        archive.addfile(info, spool)
                    first_names[key] = name
            except (DamageError, ObjectMissing, ValueError) as error:
                findings.append(_lost(found.path, error))
    return findings


def dump_zip(vault: Vault, snapshot: Snapshot, path: str, out: Sink, *, compress: bool = True) -> list[Finding]:
    """Write what is at ``path`` as a ZIP archive. It keeps modes and links, but times to two seconds only."""
    findings: list[Finding] = []
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(_stream(out), "w", method, strict_timestamps=False) as archive:
        for found, name in _below(vault, snapshot, path, findings):
            try:
                _zip(archive, vault, name, found.node, method)
            except (DamageError, ObjectMissing, ValueError) as error:
                findings.append(_lost(found.path, error))
    return findings


def _below(vault: Vault, snapshot: Snapshot, path: str, findings: list[Finding]) -> Iterator[tuple[Found, str]]:
    """Every entry with its name in the archive; what has no place in one becomes a finding."""
    chain = resolve(vault, snapshot, path)
    single = bool(chain) and chain[-1][1].type != "dir"
    above = len("/".join(["", *[name for name, _ in (chain[:-1] if single else chain)]])) + 1
    for found in walk(vault, snapshot, path, findings=findings):
        name = found.path[above:]
        if not name:
            continue
        if found.node.type in _KINDS:
            yield found, name
        else:
            findings.append(Finding("type-unsupported", found.path, f"a {found.node.type} cannot be put in an archive"))


def _tar_info(name: str, node: Node) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = _TAR_TYPES.get(node.type, tarfile.REGTYPE)
    info.mode = node.permissions
    info.uid, info.gid, info.uname, info.gname = node.uid, node.gid, node.user, node.group
    info.linkname = node.target if node.type == "symlink" else ""
    if node.type in ("dev", "chardev"):
        info.devmajor, info.devminor = os.major(node.device), os.minor(node.device)
    info.mtime = node.mtime_ns // 10**9
    headers = {"mtime": format(Decimal(node.mtime_ns).scaleb(-9), "f")}
    for xattr in node.extended_attributes or ():
        headers[f"SCHILY.xattr.{xattr.name}"] = xattr.bytes.decode("utf-8", "surrogateescape")
    info.pax_headers = headers
    return info


def _zip(archive: zipfile.ZipFile, vault: Vault, name: str, node: Node, method: int) -> None:
    when = time.gmtime(min(max(node.mtime_ns // 10**9, 315532800), 4354819198))  # what the format can say
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    info = zipfile.ZipInfo(shown + "/" if node.type == "dir" else shown, when[:6])
    info.create_system = 3  # Unix: the upper half of the attributes is a mode
    info.external_attr = (_KINDS[node.type] | node.permissions) << 16
    info.compress_type = method
    if node.type == "dir":
        archive.writestr(info, b"")
    elif node.type == "symlink":
        archive.writestr(info, node.target.encode("utf-8", "surrogateescape"))
    elif node.type == "file":
        with _spooled(vault, node) as spool:
            info.file_size = spool.seek(0, 2)
            spool.seek(0)
            with archive.open(info, "w", force_zip64=info.file_size >= 1 << 31) as entry:
                while piece := spool.read(_COPY):
                    entry.write(piece)
    else:
        raise ValueError(f"a {node.type} cannot be put in a ZIP archive")


def _spooled(vault: Vault, node: Node) -> IO[bytes]:
    """A file's whole content, proved. Raises ``DamageError``, ``ObjectMissing``."""
    spool = tempfile.SpooledTemporaryFile(_SPOOL, prefix="covenant-")  # noqa: SIM115 - its reader closes it
    try:
        for piece in contents(vault, node):
            spool.write(piece)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return spool


def _places(vault: Vault, node: Node) -> Iterator[tuple[bytes, Location]]:
    for blob in node.content or ():
        blob_id = bytes.fromhex(blob)
        place = vault.index.find(blob_id, BlobType.DATA)
        if place is None:
            raise ObjectMissing(f"data blob {blob[:8]} is in no index")
        yield blob_id, place


def _lost(path: str, error: Exception) -> Finding:
    return Finding("content-damaged", path, f"is not in the archive: {error}", "An older snapshot may have it whole.")


def _stream(out: Sink) -> IO[bytes]:
    return cast("IO[bytes]", _Stream(out))


class _Stream:
    """A sink as the archive libraries want it: one that cannot seek."""

    def __init__(self, out: Sink) -> None:
        self._out = out

    def write(self, data: bytes) -> int:
        self._out.write(data)
        return len(data)

    def tell(self) -> int:
        raise OSError("a stream has no place to go back to")

    def flush(self) -> None:
        """Everything has been handed on already."""
