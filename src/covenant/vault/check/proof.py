"""Proving one pack: its own hash, its header, and every blob in it.

The pack is read once, a few megabytes at a time, each stretch both hashed and taken apart: memory stays small
whatever a pack's size, and the bytes are still in the processor's cache when the blobs are opened. Where a stretch
cannot be read, its blobs are tried one by one, so that exactly those are named which are lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, Protocol

from covenant.kernel.errors import CovenantError, DamageError, ObjectMissing, StoreError
from covenant.vault.names import DATA, object_name
from covenant.vault.pack import HEADER_LENGTH_SIZE, PackEntry, decode_header, header_length
from covenant.vault.ports import Buffer
from covenant.vault.reader import open_blob
from covenant.vault.vault import Vault

_STRETCH = 4 << 20
_MESSAGES = 3


class _Digest(Protocol):
    """What ``hashlib`` makes."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class PackJob(NamedTuple):
    """A pack to be proved: its size in the store, and its blobs by offset as the index has them."""

    number: int
    id: bytes
    size: int
    entries: list[PackEntry]


@dataclass(slots=True)
class Verdict:
    """What became of a pack: problems in words, and the blobs that cannot be read from it."""

    number: int
    bytes_read: int = 0
    problems: list[str] = field(default_factory=list)
    bad: list[PackEntry] = field(default_factory=list)
    refused: bool = False
    """The store failed rather than the bytes: another day they may be read."""

    def blame(self, entry: PackEntry, error: CovenantError) -> None:
        """A blob cannot be read, and why."""
        self.bad.append(entry)
        self.refused |= store_refused(error)
        if len(self.bad) <= _MESSAGES:
            self.problems.append(f"blob {entry.id.hex()[:8]}: {error}")

    def summed_up(self, blobs: int) -> str:
        """The problems in one line."""
        if not self.bad:
            return "; ".join(self.problems)
        return f"{len(self.bad)} of {blobs} blobs cannot be read: " + "; ".join(self.problems)


def store_refused(error: CovenantError) -> bool:
    """Whether an error says nothing about the bytes, only that the store did not give them."""
    return isinstance(error, StoreError) and not isinstance(error, ObjectMissing)


def prove_pack(vault: Vault, job: PackJob) -> Verdict:
    """Read a whole pack and try everything in it. Raises nothing that is about this pack alone."""
    verdict = Verdict(job.number)
    at, whole = 0, True
    digest: _Digest = sha256()
    name = object_name(DATA, job.id.hex())
    for offset, length, entries in _stretches(job.entries):
        whole &= offset == at  # anything else makes a hash of the stretches meaningless
        at = offset + length
        try:
            data = vault.store.get_range(name, offset, length)
        except (DamageError, StoreError):
            whole = False
            _try_singly(vault, name, entries, verdict)
            continue
        digest.update(data)
        verdict.bytes_read += length
        _try_blobs(vault, offset, data, entries, verdict)
        del data
    _prove_rest(vault, job, at, digest if whole else None, verdict)
    return verdict


def _stretches(entries: Sequence[PackEntry]) -> Iterator[tuple[int, int, Sequence[PackEntry]]]:
    """Blobs that lie side by side, a few megabytes at a time: offset, length, blobs."""
    first = 0
    while first < len(entries):
        start, end, last = entries[first].offset, entries[first].offset, first
        while (
            last < len(entries)
            and entries[last].offset == end
            and (last == first or end + entries[last].length - start <= _STRETCH)
        ):
            end += entries[last].length
            last += 1
        yield start, end - start, entries[first:last]
        first = last


def _try_blobs(vault: Vault, start: int, data: bytes, entries: Sequence[PackEntry], verdict: Verdict) -> None:
    view = memoryview(data)
    for entry in entries:
        begin = entry.offset - start
        try:
            _try_blob(vault, entry, view[begin : begin + entry.length])
        except DamageError as error:
            verdict.blame(entry, error)


def _try_singly(vault: Vault, name: str, entries: Sequence[PackEntry], verdict: Verdict) -> None:
    for entry in entries:
        try:
            _try_blob(vault, entry, vault.store.get_range(name, entry.offset, entry.length))
            verdict.bytes_read += entry.length
        except (DamageError, StoreError) as error:
            verdict.blame(entry, error)


def _try_blob(vault: Vault, entry: PackEntry, sealed: Buffer) -> None:
    plain = open_blob(vault, entry.id, entry, sealed)
    if entry.plain_length and entry.plain_length != len(plain):
        raise DamageError(f"it has {len(plain)} bytes where the index says {entry.plain_length}")


def _prove_rest(vault: Vault, job: PackJob, at: int, digest: _Digest | None, verdict: Verdict) -> None:
    """What follows the blobs: the header, and with it the pack's hash where ``digest`` has all before it."""
    name = object_name(DATA, job.id.hex())
    try:
        if digest is None or at >= job.size:
            tail = vault.store.get(name)
            digest = sha256(tail)
        else:
            tail = vault.store.get_range(name, at, job.size - at)
            digest.update(tail)
        verdict.bytes_read += len(tail)
        if digest.digest() != job.id:
            verdict.problems.append("its bytes do not match its name")
        _prove_header(vault, job, tail)
    except (DamageError, StoreError) as error:
        verdict.refused |= store_refused(error)
        verdict.problems.append(str(error))


def _prove_header(vault: Vault, job: PackJob, tail: bytes) -> None:
    """Raises ``DamageError`` unless the header says what the index says, and nothing lies beside both."""
    length = header_length(tail[-HEADER_LENGTH_SIZE:], min(job.size, len(tail)))
    header = memoryview(tail)[-HEADER_LENGTH_SIZE - length : -HEADER_LENGTH_SIZE]
    try:
        listed = decode_header(vault.sealer.open(header))
    except DamageError as error:
        raise DamageError(f"its header cannot be read: {error}") from error
    if listed != job.entries:
        raise DamageError("its header lists other blobs than the index")
    if sum(entry.length for entry in listed) + length + HEADER_LENGTH_SIZE != job.size:
        raise DamageError("it has bytes that belong to nothing")
