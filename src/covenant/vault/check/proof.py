"""Proving one pack: its own hash, its header, and every blob in it.

The pack is read once, a few megabytes at a time, each stretch both hashed and taken apart: memory stays small
whatever a pack's size, and the bytes are still in the processor's cache when the blobs are opened. Where a stretch
cannot be read, its blobs are tried one by one, so that exactly those are named which are lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import starmap
from typing import NamedTuple, Protocol

from covenant.kernel.errors import CovenantError, DamageError, ObjectArchived, ObjectMissing, StoreError
from covenant.vault.config import decode_config
from covenant.vault.names import CONFIG, DATA, object_name
from covenant.vault.pack import HEADER_LENGTH_SIZE, PackEntry, decode_header, fingerprint, header_length
from covenant.vault.ports import Buffer, another_copy
from covenant.vault.reader import LARGEST_DATA, LARGEST_TREE, open_blob
from covenant.vault.vault import Vault

_STRETCH = 4 << 20
_MESSAGES = 3


class _Digest(Protocol):
    """What ``hashlib`` makes."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class PackJob(NamedTuple):
    """A pack to be proved: its size in the store, and how many of its bytes are blobs by the index."""

    id: bytes
    size: int
    stored: int


@dataclass(slots=True)
class Verdict:
    """What became of a pack: problems in words, and the blobs that cannot be read from it."""

    number: int
    bytes_read: int
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


def prove_sound(vault: Vault, job: PackJob) -> int | None:
    """Read a pack by its own header: the sum of its entries' fingerprints, or ``None`` if anything is wrong.

    Raises ``ObjectArchived`` where it must be thawed first. This is all that a sound pack takes; whoever asks compares
    the sum with the index's.
    """
    name = object_name(DATA, job.id.hex())
    found = _sum_if_sound(vault, job, name)
    if found is None and another_copy(vault.store, name):
        found = _sum_if_sound(vault, job, name)
    return found


def _sum_if_sound(vault: Vault, job: PackJob, name: str) -> int | None:
    try:
        tail = vault.store.get_range(name, job.stored, job.size - job.stored)
        entries = _header_entries(vault, tail, job.size)
        digest = sha256()
        for offset, length, stretch in _stretches(entries):
            data = vault.store.get_range(name, offset, length)
            digest.update(data)
            _refuse_damage(vault, offset, data, stretch)
            del data
        digest.update(tail)
    except ObjectArchived:
        raise  # it says nothing of the bytes, and asking for each blob would not help
    except (DamageError, StoreError):
        return None
    return sum(starmap(fingerprint, entries)) if digest.digest() == job.id else None


def _refuse_damage(vault: Vault, start: int, data: bytes, entries: Sequence[PackEntry]) -> None:
    """Raises ``DamageError`` unless every blob is what it should be."""
    expand = vault.decompressor.expand
    plains = vault.sealer.open_each(data, [(entry.offset - start, entry.length) for entry in entries])
    for (blob_id, kind, _, _, plain_length), plain in zip(entries, plains, strict=True):
        if plain_length:
            plain = expand(plain, min(plain_length, LARGEST_TREE if kind else LARGEST_DATA))
            if len(plain) != plain_length:
                raise DamageError("blob has another length than its entry says")
        if sha256(plain).digest() != blob_id:
            raise DamageError("blob does not have the bytes that its name says")


def prove_object(vault: Vault, name: str, data: bytes, *, blobs: bool = True) -> None:
    """Look into an object that was read whole, as far as its name does not tell already whether it is.

    ``config`` must be that of this vault; with ``blobs`` a pack's header and every blob are opened, so that also what
    was wrong when it was written is found. Raises ``DamageError``.
    """
    if name == CONFIG:
        if decode_config(vault.sealer.open(data)) != vault.config:
            raise DamageError("it is another vault's config")
    elif blobs and name.startswith(f"{DATA}/"):
        _refuse_damage(vault, 0, data, _header_entries(vault, data, len(data)))


def find_damage(vault: Vault, number: int, job: PackJob, entries: list[PackEntry]) -> Verdict:
    """Read a pack that is not sound by what the index says of it (``entries``, by offset), and say what is wrong."""
    verdict = Verdict(number, 0)
    at, whole = 0, True
    digest: _Digest = sha256()
    name = object_name(DATA, job.id.hex())
    for offset, length, stretch in _stretches(entries):
        whole &= offset == at  # anything else makes a hash of the stretches meaningless
        at = offset + length
        try:
            data = vault.store.get_range(name, offset, length)
        except (DamageError, StoreError):
            whole = False
            _try_singly(vault, name, stretch, verdict)
            continue
        digest.update(data)
        verdict.bytes_read += length
        _try_blobs(vault, offset, data, stretch, verdict)
        del data
    _prove_rest(vault, job, entries, digest if whole else None, verdict)
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


def _prove_rest(vault: Vault, job: PackJob, entries: list[PackEntry], digest: _Digest | None, verdict: Verdict) -> None:
    """What follows the blobs: the header, and with it the pack's hash where ``digest`` has all before it."""
    name = object_name(DATA, job.id.hex())
    try:
        if digest is None or job.stored >= job.size:
            tail = vault.store.get(name)
            digest = sha256(tail)
        else:
            tail = vault.store.get_range(name, job.stored, job.size - job.stored)
            digest.update(tail)
        verdict.bytes_read += len(tail)
        if digest.digest() != job.id:
            verdict.problems.append("its bytes do not match its name")
        if _header_entries(vault, tail, job.size) != entries:
            raise DamageError("its header lists other blobs than the index")
    except (DamageError, StoreError) as error:
        verdict.refused |= store_refused(error)
        verdict.problems.append(str(error))


def _header_entries(vault: Vault, tail: bytes, size: int) -> list[PackEntry]:
    """The blobs that a pack's header lists; ``tail`` ends the pack. Raises ``DamageError``."""
    length = header_length(tail[-HEADER_LENGTH_SIZE:], min(size, len(tail)))
    try:
        entries = decode_header(vault.sealer.open(memoryview(tail)[-HEADER_LENGTH_SIZE - length : -HEADER_LENGTH_SIZE]))
    except DamageError as error:
        raise DamageError(f"its header cannot be read: {error}") from error
    if sum(entry.length for entry in entries) + length + HEADER_LENGTH_SIZE != size:
        raise DamageError("it has bytes that belong to nothing, or lacks some")
    return entries
