"""Someone else can write a verifier from the page, and it agrees with ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

from cryptography.exceptions import InvalidSignature

from covenant.prove.evidence.verifying import verify
from tests.prove.evidence import stranger
from tests.prove.evidence.chains import SIGNER, a_record, checkpoint, export, records
from tests.prove.evidence.test_verifying import WAYS

CHAIN = records(12)
KEY = SIGNER.public


def refused(lines: list[bytes], kept: bytes) -> bool:
    """Whether the stranger's verifier refuses a file."""
    try:
        stranger.verify(b"".join(lines), KEY, [kept])
    except (ValueError, KeyError, InvalidSignature):
        return True
    return False


def test_both_accept_what_is_whole() -> None:
    """A whole export is whole for both, against a checkpoint of its end and against an earlier one."""
    for kept in (checkpoint(CHAIN), checkpoint(CHAIN[:5])):
        assert verify(export(CHAIN), [KEY], [kept]).whole
        assert not refused(export(CHAIN), kept)


def test_both_refuse_what_is_not() -> None:
    """Of two thousand manipulations of every kind the stranger's verifier misses none either."""
    chance, latest = Random(7), checkpoint(CHAIN)

    missed = [way.__name__ for way in WAYS for _ in range(250) if not refused(way(export(CHAIN), chance), latest)]

    assert [] == missed


def test_it_is_a_program(tmp_path: Path) -> None:
    """It runs by itself, with a file, a key and a folder of checkpoints, and nothing of ours."""
    (tmp_path / "evidence.jsonl").write_bytes(b"".join(export(CHAIN)))
    (tmp_path / "points").mkdir()
    (tmp_path / "points" / "one").write_bytes(checkpoint(records(5, a_record("note"))) + b"\n")
    words = (sys.executable, stranger.__file__, tmp_path / "evidence.jsonl", KEY)

    whole = subprocess.run(words, capture_output=True, text=True, check=False)
    against = subprocess.run((*words, tmp_path / "points"), capture_output=True, text=True, check=False)

    assert (0, "whole: 12 records in 1 chains\n") == (whole.returncode, whole.stdout)
    assert (1, True) == (against.returncode, against.stderr.startswith("not whole:"))


def test_it_knows_nothing_of_ours() -> None:
    """Its only imports are the standard library's and the signature's; it is short enough to be read at once."""
    lines = Path(stranger.__file__).read_text().splitlines()

    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert not any("covenant" in line for line in imports)
    assert len(lines) < 90
