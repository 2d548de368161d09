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
