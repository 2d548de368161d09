"""A program of its own: runs a command without a network, asks it one address, and ends it.

It needs nothing but the standard library, and is run as a file. It reads
``{"command", "environment", "url", "within", "folder"}`` as JSON from stdin and writes what came of it to stdout:
``{"status", "body", "seconds", "network"}``, or ``{"error", "network"}``.

    1. it is killed when whoever started it dies, and so is the command (``PR_SET_PDEATHSIG``)
    2. it leaves the network: a new network namespace, as root at once, else within a new user namespace
    3. it brings that namespace's loopback up, so that the command can listen and be asked

Where a step is refused (another system, a kernel that forbids user namespaces) the command runs with the network that
there is, and ``network`` says so.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG = 1
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_MOST_BYTES = 1 << 20
_PAUSE = 0.05
_TAIL = 500


def main() -> None:
    """Do it."""
    asked = json.loads(sys.stdin.read())
    _die_with_parent()
    off = may_leave_network() and _leave_network()
    network = "its network was switched off" if off else "its network could not be switched off"
    print(json.dumps({**_run(asked), "network": network}))  # noqa: T201 - this is what it says to who started it


def _die_with_parent() -> None:
    parent = os.getppid()
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        return
    if os.getppid() != parent:
        sys.exit(1)


def may_leave_network() -> bool:
    """Whether the system lets us. A child tries, for who has left and may not bring the loopback up is lost."""
    child = os.fork()
    if child == 0:
        os._exit(0 if _leave_network() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _leave_network() -> bool:
    uid, gid = os.geteuid(), os.getegid()
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET) != 0:
            if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
                return False
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
            Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            request = struct.pack("16sH14x", b"lo", 0)
            flags = struct.unpack_from("16xH", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[0]
            fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))
    except (OSError, AttributeError):
        return False
    return True


def _run(asked: dict[str, Any]) -> dict[str, Any]:
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        try:
            command = subprocess.Popen(
                asked["command"],
                cwd=asked["folder"],
                env=asked["environment"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - there is one thread here
            )
        except OSError as error:
            return {"error": f"the command cannot be started: {error.strerror}"}
        try:
            return _asked(asked["url"], began, began + asked["within"], command, output)
        finally:
            command.kill()
            command.wait()


def _asked(url: str, began: float, ends: float, command: subprocess.Popen[bytes], output: IO[bytes]) -> dict[str, Any]:
    """The first answer of the address; why there is none, where it never comes."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    why = "nobody asked it"
    while time.monotonic() < ends:
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.wait(_PAUSE)
            return {"error": f"the command ended with {command.returncode}{_last_words(output)}"}
        try:
            with opener.open(url, timeout=max(_PAUSE, ends - time.monotonic())) as answer:
                return _told(answer.status, answer.read(_MOST_BYTES), began)
        except urllib.error.HTTPError as error:
            return _told(error.code, error.read(_MOST_BYTES), began)
        except (OSError, ValueError) as error:
            why = str(error)
    return {"error": f"no answer in time: {why}{_last_words(output)}"}


def _told(status: int, body: bytes, began: float) -> dict[str, Any]:
    return {"status": status, "body": body.decode(errors="replace"), "seconds": time.monotonic() - began}


def _last_words(output: IO[bytes]) -> str:
    output.seek(0, 2)
    output.seek(max(0, output.tell() - _TAIL))
    said = output.read().decode(errors="replace").strip()
    return f", having said: {said}" if said else ""


if __name__ == "__main__":
    main()
