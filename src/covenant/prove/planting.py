"""Damage done on purpose, to a copy, to see whether the code that judges restores notices it.

A verifier that was never seen to fail proves nothing. So in each drill, and for each source, a small copy of its vault
is made (``sample``), restored and judged sound; then it is harmed, and the same code must say that it failed:

    pack-deleted     the pack that holds a piece of the file is gone
    bit-flipped      one bit of a sealed piece is another
    piece-dropped    a piece is missing from the restored file, or the whole file
    row-changed      one row of a restored database says something else; by whichever spoilers its kind of source has

What is not noticed fails the drill. What could not be planted, or was called damaged before it was, proves nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random

from covenant.kernel.answers import Answer, Result, together
from covenant.kernel.errors import CovenantError, Interrupted, ObjectMissing
from covenant.prove.asking import ask
from covenant.prove.ports import Access, Probe, Restored, Spoiler
from covenant.prove.probes.checksums import Checksums
from covenant.prove.record import Planted
from covenant.prove.rehearsing import Bench, bring_back, judged
from covenant.prove.sample import Sample, take_sample
from covenant.prove.sandbox import Sandboxes
from covenant.vault.ports import Store
from covenant.vault.snapshot import Snapshot

IN_THE_VAULT = ("pack-deleted", "bit-flipped")
IN_THE_RESTORE = ("piece-dropped",)
_MARGIN = 1 << 20


@dataclass(frozen=True, slots=True)
class Ground:
    """Where damage is planted: the throw-away stores and folders, and the chance that chooses what is hit."""

    bench: Bench
    sandboxes: Sandboxes
    scratch: Callable[[], Store]
    rng: Random


def plant_in_sample(ground: Ground, access: Access, snapshot: Snapshot, source: str) -> Iterator[Planted]:
    """Each kind of damage that any kind of source can have."""
    kinds = (*IN_THE_VAULT, *IN_THE_RESTORE)
    try:
        sample = take_sample(access, snapshot, ground.scratch)
        sound = _judge_sample(ground, sample, source)
    except Interrupted:
        raise
    except (CovenantError, OSError) as error:
        yield from (_not_planted(kind, source, f"no copy could be made: {error}") for kind in kinds)
        return
    if together(answer.result for answer in sound) is not Result.PASSED:
        why = f"the copy was not found sound before: {_blamed(sound)}"
        yield from (_not_planted(kind, sample.origin, why) for kind in kinds)
        return
    for kind in kinds:
        yield _planted(kind, sample.origin, partial(_harm, ground, kind, sample, source))


def plant_in_restore(
    ground: Ground, restored: Restored, path: str, probes: Iterable[Probe], spoilers: Sequence[Spoiler]
) -> Iterator[Planted]:
    """What only this kind of source can have, done to a copy of one of its restored files."""
    for spoiler in spoilers:
        yield _planted(spoiler.kind, path, partial(_spoil, ground, restored, path, tuple(probes), spoiler))


def _harm(ground: Ground, kind: str, sample: Sample, source: str) -> tuple[str, Sequence[Answer]]:
    """Harm the copy, have it judged, and put it right again; where it was harmed, and the answers."""
    if kind in IN_THE_RESTORE:
        return _drop_piece(ground, sample, source)
    sound = sample.store.get(sample.pack)
    where, harmed = _flipped(ground.rng, sample, sound) if kind == "bit-flipped" else (sample.pack, None)
    try:
        _replace(sample, harmed)
        return where, _judge_sample(ground, sample, source)
    finally:
        _replace(sample, sound)


def _replace(sample: Sample, data: bytes | None) -> None:
    """Have other bytes in the pack's place, or none."""
    with contextlib.suppress(ObjectMissing):
        sample.store.delete(sample.pack)
    if data is not None:
        sample.store.put(sample.pack, data)


def _flipped(rng: Random, sample: Sample, sound: bytes) -> tuple[str, bytes]:
    piece = rng.choice([piece for piece in sample.pieces if piece.pack == sample.pieces[0].pack])
    at, bit = piece.offset + rng.randrange(piece.length), rng.randrange(8)
    harmed = bytearray(sound)
    harmed[at] ^= 1 << bit
    return f"{sample.pack}, bit {bit} of byte {at}", bytes(harmed)


def _drop_piece(ground: Ground, sample: Sample, source: str) -> tuple[str, Sequence[Answer]]:
    with ground.sandboxes.open(sample.size + _MARGIN) as sandbox:
        brought = bring_back(ground.bench, sample.access, sample.snapshot, sandbox, source, durable=False)
        where = _dropped(ground.rng, sample, brought.restored.place(sample.path))
        return where, tuple(judged(ground.bench, brought, (Checksums(),)))


def _dropped(rng: Random, sample: Sample, file: Path) -> str:
    """Take a piece out of a restored file, or the file where it has only one."""
    if len(sample.pieces) == 1:
        file.unlink()
        return f"{sample.origin}, the whole file"
    number = rng.randrange(len(sample.pieces))
    begin = sum(piece.size for piece in sample.pieces[:number])
    data = file.read_bytes()
    file.chmod(0o600)
    file.write_bytes(data[:begin] + data[begin + sample.pieces[number].size :])
    return f"{sample.origin}, piece {number}"


def _judge_sample(ground: Ground, sample: Sample, source: str) -> tuple[Answer, ...]:
    with ground.sandboxes.open(sample.size + _MARGIN) as sandbox:
        brought = bring_back(ground.bench, sample.access, sample.snapshot, sandbox, source, durable=False)
        return tuple(judged(ground.bench, brought, (Checksums(),)))


def _spoil(
    ground: Ground, restored: Restored, path: str, probes: Iterable[Probe], spoiler: Spoiler
) -> tuple[str, Sequence[Answer]]:
    original = restored.place(path)
    with ground.sandboxes.open(original.stat().st_size) as sandbox:
        copy = replace(restored, folder=sandbox.folder, path=path)
        copy.place(path).parent.mkdir(parents=True, exist_ok=True)
        _copy(original, copy.place(path))
        where = spoiler.spoil(copy)
        answers: list[Answer] = []
        for probe in probes:
            answers.append(ask(probe, copy, ground.bench.clock, ground.bench.stop))
            if answers[-1].result is Result.FAILED:
                break  # it is caught
        return f"{path}, {where}", answers


def _copy(original: Path, copy: Path) -> None:
    shutil.copyfile(original, copy)
    os.chmod(copy, 0o600)


def _planted(kind: str, where: str, harm: Callable[[], tuple[str, Sequence[Answer]]]) -> Planted:
    """Harm, and say whether it was caught."""
    try:
        where, answers = harm()
    except Interrupted:
        raise
    except (CovenantError, OSError) as error:
        return _not_planted(kind, where, str(error))
    if together(answer.result for answer in answers) is Result.FAILED:
        return Planted(kind=kind, where=where, result=Result.PASSED, found_by=_blamed(answers))
    return Planted(kind=kind, where=where, result=Result.FAILED)


def _not_planted(kind: str, where: str, why: str) -> Planted:
    return Planted(kind=kind, where=f"{where}: {why}", result=Result.COULD_NOT_VERIFY)


def _blamed(answers: Iterable[Answer]) -> str:
    """The first answer that did not pass, with its evidence."""
    bad = [answer for answer in answers if answer.result is not Result.PASSED]
    worst = sorted(bad, key=lambda answer: answer.result is not Result.FAILED)
    return f"{worst[0].question} {worst[0].detail}" if worst else ""
