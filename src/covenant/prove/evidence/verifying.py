"""The offline verifier: whether every chain in a file is whole and signed, or exactly where it is not.

It needs the file and the public keys that are trusted, and nothing else: no vault, no catalog, no network. It goes on
after what it finds, so that one flaw does not hide the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from covenant.kernel.errors import DamageError
from covenant.prove.evidence.chain import Head, beginning, hash_of
from covenant.prove.evidence.checkpoint import MARK, Checkpoint, read

MOST_FLAWS = 100
"""How many flaws are told one by one; the others are counted."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is not as it was signed: in which line of the file, and which record that concerns."""

    line: int
    record: int
    kind: str
    message: str


class Told(msgspec.Struct):
    """What a record says of itself, as far as verifying needs it."""

    n: int
    prev: str
    at: datetime
    kind: str
    subject: str
    facts: msgspec.Raw


@dataclass(slots=True)
class ChainSeen:
    """A chain of the file. ``first`` is the number of its first record in it; ``sealed`` how far signatures reach."""

    id: str
    first: int
    head: Head
    sealed: int = 0
    sealed_at: datetime | None = None
    key: str = ""
    kinds: Counter[str] = field(default_factory=Counter)
    telling: list[tuple[Told, dict[str, Any]]] = field(default_factory=list)
    """The records of which more than their kind matters: where the chain began, policies and drills."""
    digests: bytearray = field(default_factory=bytearray, repr=False)
    """The hashes of the records, 32 bytes each, for as long as there was no gap."""

    def went_on(self, head: Head) -> None:
        """A record more."""
        if (head.length - self.first) * 32 == len(self.digests):
            self.digests += bytes.fromhex(head.hash)
        self.head = head

    def hash_at(self, number: int) -> str:
        """The hash of a record; ``""`` where it is not there, or not known any more after a gap."""
        start = (number - self.first) * 32
        return self.digests[start : start + 32].hex() if start >= 0 else ""

    @property
    def after(self) -> list[dict[str, Any]]:
        """The chains that went before it, with how long they were when it began."""
        began = next((facts for told, facts in self.telling if told.kind == "began"), {})
        return [each for each in began.get("after", ()) if isinstance(each, dict)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of verifying. ``uncounted`` is how many flaws there are beyond those that are told."""

    chains: tuple[ChainSeen, ...]
    flaws: tuple[Flaw, ...]
    uncounted: int = 0

    @property
    def whole(self) -> bool:
        """Whether everything is as it was signed."""
        return not self.flaws

    @property
    def records(self) -> int:
        """How many records were looked at."""
        return sum(chain.kinds.total() for chain in self.chains)


def verify(
    lines: Iterable[bytes], trusted: Collection[str], known: Sequence[bytes] = (), *, partial: bool = False
) -> Verdict:
    """Verify an export, line by line, each with its line feed.

    ``trusted`` are public keys in hexadecimal. ``known`` are checkpoints that were kept elsewhere: what is shorter than
    one of them was cut off. ``partial``: the file may begin later than its chains do.
    """
    verifier = _Verifier(trusted, known, partial)
    for number, line in enumerate(lines, 1):
        verifier.take(number, line)
    return verifier.verdict()


_decode = msgspec.json.Decoder(Told).decode
_TELLING = ("began", "policy", "drill")


class _Verifier:
    """Walks through a file."""

    def __init__(self, trusted: Collection[str], known: Sequence[bytes], partial: bool) -> None:
        self._trusted = frozenset(trusted)
        self._partial = partial
        self._chains: list[ChainSeen] = []
        self._chain: ChainSeen | None = None
        self._flaws: list[Flaw] = []
        self._uncounted = 0
        self._line = 0
        self._known = [point for line in known if (point := self._signed(line.rstrip(b"\n"))) is not None]

    def take(self, number: int, line: bytes) -> None:
        """The next line of the file."""
        self._line = number
        if not line.endswith(b"\n"):
            self._flaw("line-cut", "the last line has no end: the file was cut off")
        bare = line.removesuffix(b"\n")
        if bare.startswith(MARK):
            self._checkpoint(bare)
        else:
            self._record(bare)

    # -- records --------------------------------------------------------------------------------------------------

    def _record(self, line: bytes) -> None:
        if self._chain is None or line.startswith(beginning(Head())):
            self._begin(hash_of(line), Head())
        assert self._chain is not None
        head, spelled = self._chain.head, line.startswith(beginning(self._chain.head))
        try:
            told = _decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._flaw("record-unreadable", f"record {head.length + 1} cannot be read", head.length + 1)
            self._chain.went_on(Head(head.length + 1, hash_of(line)))
            return
        if not spelled:
            self._misfit(told, head)
        self._chain.went_on(Head(told.n, hash_of(line)))
        self._chain.kinds[told.kind] += 1
        if told.kind in _TELLING:
            self._tell(told)

    def _misfit(self, told: Told, head: Head) -> None:
        """Say how a record does not follow the one before it."""
        expected = head.length + 1
        if told.n > expected:
            gone = f"record {expected} is" if told.n == expected + 1 else f"records {expected} to {told.n - 1} are"
            self._flaw("record-missing", f"{gone} missing before record {told.n}", expected)
        elif told.n < expected:
            self._flaw("record-misplaced", f"record {told.n} stands after record {head.length}", told.n)
        elif told.prev != head.hash:
            message = f"record {head.length} is not the one that record {told.n} follows: one of the two was changed"
            self._flaw("record-changed", message, head.length or told.n)
        else:
            self._flaw("record-changed", f"record {told.n} is not written as records are", told.n)

    def _tell(self, told: Told) -> None:
        assert self._chain is not None
        try:
            facts = msgspec.json.decode(told.facts)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            facts = {}
        self._chain.telling.append((told, facts if isinstance(facts, dict) else {}))

    # -- checkpoints ----------------------------------------------------------------------------------------------

    def _signed(self, line: bytes) -> Checkpoint | None:
        """What a checkpoint says, if someone who is trusted says it."""
        try:
            point, signed = read(line, self._trusted)
        except DamageError as error:
            self._flaw("checkpoint-unreadable", error.message)
            return None
        if signed:
            return point
        whose = "its signature is wrong" if point.key in self._trusted else f"key {point.key[:16]} is not trusted"
        self._flaw("checkpoint-unsigned", f"the checkpoint of {point.length} records counts for nothing: {whose}")
        return None

    def _checkpoint(self, line: bytes) -> None:
        point = self._signed(line)
        if point is None:
            return
        if self._chain is None or (self._chain.id != point.chain and self._chain.sealed == self._chain.head.length):
            self._begin(point.chain, point.end)  # what follows begins later than its chain does
        assert self._chain is not None
        chain = self._chain
        if point.chain != chain.id:
            self._flaw("checkpoint-misplaced", f"a checkpoint of chain {point.chain[:16]} stands in another chain")
        elif point.length > chain.head.length:
            self._cut(point)
        elif point.length < chain.head.length:
            self._flaw("checkpoint-misplaced", f"the checkpoint of {point.length} records stands too late")
        elif point.head != chain.head.hash:
            self._flaw("record-changed", f"record {point.length} is not the one that was signed", point.length)
        elif chain.sealed == point.length and chain.kinds:
            self._flaw("checkpoint-repeated", f"the checkpoint of {point.length} records stands there twice")
        else:
            chain.sealed, chain.sealed_at, chain.key = point.length, point.at, point.key

    def _cut(self, point: Checkpoint) -> None:
        assert self._chain is not None
        length = self._chain.head.length
        message = f"there were {point.length} records on {point.at:%Y-%m-%d %H:%M:%S}, and the chain ends with {length}"
        self._flaw("end-missing", message, length + 1)

    # -- chains ---------------------------------------------------------------------------------------------------

    def _begin(self, chain: str, head: Head) -> None:
        self._end()
        if any(seen.id == chain for seen in self._chains):
            self._flaw("chain-repeated", f"chain {chain[:16]} stands there twice", head.length + 1)
        self._chain = ChainSeen(chain, head.length + 1, head)
        self._chains.append(self._chain)
        if head.length and not self._partial:
            self._flaw("beginning-missing", f"records 1 to {head.length} of chain {chain[:16]} are not in the file", 1)

    def _end(self) -> None:
        chain, self._chain = self._chain, None
        if chain is None:
            return
        if chain.sealed < chain.head.length:
            first = max(chain.sealed + 1, chain.first)
            self._flaw("unsigned", f"records {first} to {chain.head.length} are signed by nobody", first)
        began = next((facts for told, facts in chain.telling if told.kind == "began"), None)
        if began is not None and chain.key and began.get("key") != chain.key:
            self._flaw("key-changed", "the chain was begun with another key than it is signed with", 1)

    def verdict(self) -> Verdict:
        """What came of it, once the file has ended."""
        self._end()
        self._line += 1
        seen = {chain.id: chain for chain in self._chains}
        if not seen:
            self._flaw("empty", "there is no record in the file")
        for point in self._known:
            self._reach(seen, point.chain, point.end, f"a checkpoint of {point.at:%Y-%m-%d %H:%M:%S}")
        for chain in self._chains:
            for before in chain.after:
                end = Head(before.get("length", 0), str(before.get("head")))
                self._reach(seen, str(before.get("chain")), end, f"chain {chain.id[:16]}")
        return Verdict(tuple(self._chains), tuple(self._flaws), self._uncounted)

    def _reach(self, seen: dict[str, ChainSeen], chain: str, end: Head, who: str) -> None:
        """See that a chain is there, and that it went on from where somebody knows it to have been."""
        if chain not in seen:
            if not self._partial:
                self._flaw("chain-missing", f"chain {chain[:16]}, which {who} knows of, is not in the file", 1)
        elif seen[chain].head.length < end.length:
            have = seen[chain].head.length
            self._flaw("end-missing", f"chain {chain[:16]} ends with {have}, and {who} knows of {end.length}", have + 1)
        elif seen[chain].hash_at(end.length) not in ("", end.hash):
            message = f"record {end.length} of chain {chain[:16]} is not the one that {who} knows"
            self._flaw("record-changed", message, end.length)

    def _flaw(self, kind: str, message: str, record: int = 0) -> None:
        if len(self._flaws) < MOST_FLAWS:
            self._flaws.append(Flaw(self._line, record, kind, message))
        else:
            self._uncounted += 1
