"""What a restore would do, without doing it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from covenant.kernel.errors import DamageError, ObjectMissing
from covenant.kernel.findings import Finding
from covenant.recover.files import found_file
from covenant.recover.folders import Folders
from covenant.recover.job import RestoreJob, Tally
from covenant.recover.listing import Found, walk
from covenant.recover.selection import Selection
from covenant.recover.special import SPECIAL, stands
from covenant.recover.target import Target
from covenant.vault.pack import BlobType
from covenant.vault.tree import Node

_COUNTED = {"create": "created", "replace": "replaced", "keep": "kept", "lost": "failed"}


class Step(NamedTuple):
    """One entry: ``what`` would become of it, ``create``, ``replace``, ``keep`` or ``lost``, and its bytes."""

    what: str
    path: str
    kind: str
    bytes: int


def preview(job: RestoreJob, target: Target | None) -> tuple[Tally, list[Finding]]:
    """The tally that the restore would come to, and what would be found on the way."""
    tally, findings = Tally(), list[Finding]()
    for step in steps(job, target, findings):
        if step.kind == "dir":
            tally.directories += 1
        elif step.kind == "file":
            tally.count(_COUNTED[step.what], step.bytes)
        else:
            tally.others += 1
    return tally, findings


def steps(job: RestoreJob, target: Target | None, findings: list[Finding]) -> Iterator[Step]:
    """Entry by entry what would be done. ``target`` is ``None`` where the folder does not exist."""
    selection = Selection(job.include, job.exclude)
    folders = Folders(target.descriptor) if target else None
    top = job.path.rstrip("/")
    left_out: list[str] = []
    names_seen: set[tuple[int, int, tuple[str, ...]]] = set()
    try:
        for found in walk(job.vault, job.snapshot, job.path, findings=findings):
            if any(found.path.startswith(directory) for directory in left_out[-1:]):
                continue
            place = place_of(job, found, top)
            directory = found.node.type == "dir"
            if not place:
                continue
            if selection.leaves_out(place, directory=directory):
                left_out = [found.path + "/"] if directory else left_out
            elif selection.takes(place, directory=directory):
                step = _step(job, folders, found, place, findings)
                yield step._replace(bytes=0) if _seen(found.node, names_seen) else step
    finally:
        if folders:
            folders.close()


def _seen(node: Node, names_seen: set[tuple[int, int, tuple[str, ...]]]) -> bool:
    """Whether this is a further name of a file that was met before, and so costs nothing."""
    if node.type != "file" or node.links < 2:
        return False
    key = (node.device_id, node.inode, tuple(node.content or ()))
    seen = key in names_seen
    names_seen.add(key)
    return seen


def place_of(job: RestoreJob, found: Found, top: str) -> str:
    """Where an entry would lie below the target."""
    if not job.strip:
        return found.path.lstrip("/")
    if found.path == top and found.node.type != "dir":
        return top.rpartition("/")[2]
    return found.path[len(top) :].lstrip("/")


def _step(job: RestoreJob, folders: Folders | None, found: Found, place: str, findings: list[Finding]) -> Step:
    node, size = found.node, 0
    try:
        if node.type == "file":
            size = _size(job, node)
        what = _what(folders, os.fsencode(place), node, size)
    except (DamageError, ObjectMissing, ValueError) as error:
        findings.append(Finding("content-damaged", found.path, f"would not be restored: {error}"))
        return Step("lost", found.path, node.type, 0)
    return Step(what, found.path, node.type, size)


def _size(job: RestoreJob, node: Node) -> int:
    size = 0
    for blob in node.content or ():
        place = job.vault.index.find(bytes.fromhex(blob), BlobType.DATA)
        if place is None:
            raise ObjectMissing(f"data blob {blob[:8]} is in no index")
        size += place.size
    return size


def _what(folders: Folders | None, place: bytes, node: Node, size: int) -> str:
    above, _, name = place.rpartition(b"/")
    if folders is None:
        return "create"
    try:
        folder = folders.open(above)
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return "create"
    if node.type == "dir":
        return "keep"
    if node.type in SPECIAL:
        return "keep" if stands(folder, name, node) else "replace"
    status = found_file(folder, name)
    same = status is not None and status.st_size == size and status.st_mtime_ns == node.mtime_ns
    return "keep" if same else "replace"
