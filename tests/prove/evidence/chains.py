"""Small chains of evidence, put together by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from covenant.prove.evidence.chain import Head, hash_of, linked
from covenant.prove.evidence.checkpoint import sign
from covenant.prove.evidence.records import Record
from covenant.prove.evidence.signing import Signer

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SIGNER = Signer.generate(NOW)
MINUTE = timedelta(minutes=1)


def a_record(kind: str = "backup", at: datetime = NOW, **facts: Any) -> Record:
    """A record of the source 'photos'."""
    return Record(at=at, kind=kind, subject="photos", actor="studio:1", uid=f"{at:%H%M%S}", facts=facts)


def records(number: int, *more: Record) -> list[bytes]:
    """So many records on a chain, the first of which says how it began; then more."""
    began = a_record("began", key=SIGNER.public)
    others = [a_record(at=NOW + step * MINUTE, snapshot=f"{step:064x}") for step in range(1, number)]
    return list(linked(Head(), (each.body() for each in (began, *others, *more))))


def checkpoint(lines: Sequence[bytes], signer: Signer = SIGNER, at: datetime = NOW) -> bytes:
    """The checkpoint of a chain that begins with its first record."""
    return sign(signer, hash_of(lines[0]), Head(len(lines), hash_of(lines[-1])), at)


def export(lines: Sequence[bytes], signer: Signer = SIGNER, at: datetime = NOW) -> list[bytes]:
    """A whole chain as it is exported: its records, then its checkpoint, each with its line feed."""
    return [line + b"\n" for line in (*lines, checkpoint(lines, signer, at))]
