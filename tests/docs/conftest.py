"""Readers of the documentation, with the real program within their reach."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import Reader

SOURCE = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which ``covenant`` is the program of this source tree."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program = bin_folder / "covenant"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={SOURCE} exec {sys.executable} -m covenant "$@"\n')
    program.chmod(0o755)
    return {"PATH": f"{bin_folder}:{os.environ['PATH']}", "LANG": "C.UTF-8", "TZ": "UTC"}


@pytest.fixture
def reader(tmp_path: Path, environment: dict[str, str]) -> Iterator[Reader]:
    """Someone at home, who has nothing yet."""
    with Reader(tmp_path, environment) as someone:
        yield someone


TOML = """\
[vault]
url = "/srv/vault"
password = { file = "/root/vault.key" }

[sources.metadata]
kind = "sqlite"
path = "studio/studio.db"
class = "critical"

[sources.media]
kind = "files"
path = "studio"
class = "important"
exclude = ["studio.db*"]
"""

STUDIO = """\
(umask 077; echo 'correct horse' > /root/vault.key; echo 'battery staple' > /root/new.key)
mkdir -p studio/smith-wedding
head -c 300000 /dev/urandom > studio/smith-wedding/first.raw
head -c 9000 /dev/urandom > studio/smith-wedding/contract.pdf
python3 -c 'import sqlite3; d = sqlite3.connect("studio/studio.db"); d.execute("CREATE TABLE t (x)"); d.commit()'
python3 -c 'import sqlite3; d = sqlite3.connect("studio/studio.db"); d.execute("INSERT INTO t VALUES (17)"); d.commit()'
covenant init
covenant backup
head -c 9500 /dev/urandom > studio/smith-wedding/contract.pdf
covenant backup
"""


def a_studio(someone: Reader) -> None:
    """Two backups of a small studio, into the vault that the pages speak of."""
    covenant_toml = someone.on_page(TOML)
    someone.at("covenant.toml").write_text(covenant_toml)
    for line in STUDIO.splitlines():
        code, out = someone.type(line)
        assert 0 == code, out


@pytest.fixture
def operator(tmp_path: Path, environment: dict[str, str]) -> Iterator[Reader]:
    """Someone in /srv, where a studio with its ``covenant.toml`` lies and has been kept twice."""
    with Reader(tmp_path, environment, folder="/srv") as someone:
        a_studio(someone)
        yield someone
