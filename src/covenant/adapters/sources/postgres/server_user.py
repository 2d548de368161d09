"""As whom PostgreSQL's programs run: never as root, for the server refuses that.

Where we are root, it is the user ``postgres`` that distributions make, or else the user that owns the data directory.
What a server is to read is given to that user; what lies above it must let that user through.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from covenant.kernel.errors import TargetError

_USUAL = "postgres"


@dataclass(frozen=True, slots=True)
class ServerUser:
    """Who runs a private server; ``switch`` is false where that is ourselves."""

    name: str
    uid: int
    gid: int
    switch: bool

    @property
    def process(self) -> Mapping[str, Any]:
        """How ``subprocess`` starts a process as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}

    def give(self, top: Path) -> None:
        """Have everything below a folder belong to this user, links themselves and not where they lead."""
        if not self.switch:
            return
        os.lchown(top, self.uid, self.gid)
        for folder, folders, files in os.walk(top):
            for name in (*folders, *files):
                os.lchown(os.path.join(folder, name), self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Whether every folder above lets this user through."""
        try:
            self.refuse_unreachable(path)
        except TargetError:
            return False
        return True

    def refuse_unreachable(self, path: Path) -> None:
        """Raise ``TargetError`` where a folder above lets this user not through."""
        if not self.switch:
            return
        for above in path.absolute().parents:
            found = above.stat()
            if not found.st_mode & _through(found, self):
                raise TargetError(
                    f"user '{self.name}', as whom PostgreSQL runs, cannot reach {path}: {above} lets nobody else in",
                    f"Choose a folder elsewhere, such as below /var/lib, or allow it: chmod o+x {above}",
                )


def user_for(data: Path) -> ServerUser:
    """As whom a server of this data directory runs. Raises ``TargetError`` where root has nobody to run it as."""
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0:
        return ServerUser(_name(uid), uid, gid, switch=False)
    try:
        found = pwd.getpwnam(_USUAL)
        return ServerUser(found.pw_name, found.pw_uid, found.pw_gid, switch=True)
    except KeyError:
        pass
    lies = data.stat()
    if lies.st_uid == 0:
        raise TargetError(
            "PostgreSQL refuses to run as root, and there is no user 'postgres'",
            "Run it as another user, or make one: useradd --system postgres",
        )
    return ServerUser(_name(lies.st_uid), lies.st_uid, lies.st_gid, switch=True)


def _through(found: os.stat_result, user: ServerUser) -> int:
    """The bit that decides whether this user may pass a folder."""
    if found.st_uid == user.uid:
        return stat.S_IXUSR
    return stat.S_IXGRP if found.st_gid == user.gid else stat.S_IXOTH


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
