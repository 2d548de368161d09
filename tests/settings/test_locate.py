"""``covenant.toml`` is found from anywhere below it, unless a stranger left it there."""

import os
from pathlib import Path

import pytest

from covenant.kernel.errors import Refusal
from covenant.settings.locate import find
from tests.settings.documents import MINIMAL, written


def test_the_nearest_file_is_found(tmp_path: Path) -> None:
    """A file in the folder itself comes before one above it."""
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    above = written(tmp_path, MINIMAL)

    assert above == find(below)
    assert written(below, MINIMAL) == find(below)


def test_without_a_file_there_is_none(tmp_path: Path) -> None:
    """Nothing found is no error; a folder of that name is no file."""
    (tmp_path / "covenant.toml").mkdir()

    assert find(tmp_path) is None


def test_a_relative_start_is_followed_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory may be given as it is."""
    (tmp_path / "a").mkdir()
    path = written(tmp_path, MINIMAL)
    monkeypatch.chdir(tmp_path / "a")

    assert path == find(Path())


def test_a_strangers_file_is_not_followed(tmp_path: Path) -> None:
    """A file can name programs to run, so another user's is not picked up by chance."""
    path = written(tmp_path, MINIMAL)
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 12345, 12345)

    with pytest.raises(Refusal, match="belongs to another user"):
        find(tmp_path)
