"""Running the program: in this process, which is cheap, or as a process of its own, which is real."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from covenant.cli.main import run
from covenant.cli.output import Output
from covenant.cli.session import Session
from covenant.kernel.clock import Clock
from covenant.settings import environment

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON documents on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> Any:
        """The JSON error on stderr."""
        return json.loads(self.err)["error"]


def here(*words: object, variables: Mapping[str, str] | None = None, clock: Clock | None = None) -> Ran:
    """Run a command line in this process, in the given environment and no other."""
    output = Output(out=io.StringIO(), err=io.StringIO())
    session = Session(output, clock)
    session.environment = environment.read({"HOME": "/nonexistent", **(variables or {})})
    code = run(session, [str(word) for word in words])
    assert isinstance(output.out, io.StringIO)
    assert isinstance(output.err, io.StringIO)
    return Ran(code, output.out.getvalue(), output.err.getvalue())


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """An environment that says nothing about vaults."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT / "src"),
        "LANG": "C.UTF-8",
        **more,
    }


def started(
    home: Path, *words: object, group: bool = False, variables: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """The program as a process of its own, running; with ``group`` in a group of its own, like a service."""
    return subprocess.Popen(
        [sys.executable, "-m", "covenant", *map(str, words)],
        env=clean_environment(home, **(variables or {})),
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=group,
    )


def ended(process: subprocess.Popen[str]) -> Ran:
    """Wait for a process to end."""
    out, err = process.communicate(timeout=60)
    return Ran(process.returncode, out, err)


def apart(home: Path, *words: object, **more: str) -> Ran:
    """Run a command line as a process of its own, from ``home``."""
    return ended(started(home, *words, variables=more))
