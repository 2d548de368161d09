"""Calling the roll: which regions answer, which are members, and whom they take for the primary.

An *epoch* is a numbered record ``covenant/epoch/<n>`` that names the primary; epoch 0 has no record and means the
first region of ``covenant.toml``. A record is created, never changed, and counts once a majority of the regions holds
the very same one. Two majorities share a region, so of two fail-overs at once at most one is ever believed, and
whoever asks a majority learns of every epoch that counts.

Half of the regions are a majority if the first one is among them: so one of two regions can go on alone, and it is
always the same one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from covenant.kernel.errors import CovenantError, ObjectMissing, Refusal, StoreUnavailable
from covenant.replicate.naming import EPOCHS
from covenant.replicate.region import Region
from covenant.vault.names import CONFIG
from covenant.vault.ports import Store


@dataclass(frozen=True, slots=True)
class Epoch:
    """Who is the primary. ``by`` tells two records of the same number and primary apart."""

    number: int
    primary: str
    by: str = ""

    @property
    def name(self) -> str:
        """The record's name."""
        return f"{EPOCHS}/{self.number:08d}"

    def encode(self) -> bytes:
        """The record."""
        return json.dumps({"epoch": self.number, "primary": self.primary, "by": self.by}).encode()


def decode_epoch(raw: bytes) -> Epoch | None:
    """A record, or ``None`` for what is none."""
    try:
        fields = json.loads(raw)
        return Epoch(int(fields["epoch"]), str(fields["primary"]), str(fields["by"]))
    except (ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Presence:
    """What one region answered."""

    reached: bool
    has_config: bool = False
    epoch: Epoch | None = None
    error: CovenantError | None = None


@dataclass(frozen=True, slots=True)
class Roll:
    """What all of them answered, in the order of ``covenant.toml``."""

    presences: Mapping[str, Presence]

    @property
    def members(self) -> tuple[str, ...]:
        """Who answers and holds the vault; in a vault that is still being made, whoever answers."""
        holders = tuple(name for name, found in self.presences.items() if found.has_config)
        return holders or self.reached

    @property
    def reached(self) -> tuple[str, ...]:
        """Who answers."""
        return tuple(name for name, found in self.presences.items() if found.reached)

    @property
    def absent(self) -> tuple[str, ...]:
        """Who is no member now: away, or empty."""
        return tuple(name for name in self.presences if name not in self.members)

    @property
    def complete(self) -> bool:
        """Whether everyone is here."""
        return not self.absent

    def is_majority(self, names: Collection[str]) -> bool:
        """Whether two such groups always share a region."""
        return is_majority(names, tuple(self.presences))

    @property
    def epoch(self) -> Epoch | None:
        """The epoch that counts; ``None`` where that cannot be told: too few answer, or a fail-over is unfinished."""
        if not self.is_majority(self.members):
            return None
        votes: dict[Epoch | None, list[str]] = {}
        for name in self.members:
            votes.setdefault(self.presences[name].epoch, []).append(name)
        highest = max((vote.number for vote in votes if vote), default=0)
        for vote, names in votes.items():
            if (vote.number if vote else 0) == highest and self.is_majority(names):
                return vote or Epoch(0, next(iter(self.presences)))
        return None

    @property
    def highest(self) -> Epoch:
        """The highest epoch that anyone has seen, whether it counts or not."""
        seen = [found.epoch for found in self.presences.values() if found.epoch]
        return max(seen, key=lambda epoch: epoch.number, default=Epoch(0, next(iter(self.presences))))

    def required_epoch(self) -> Epoch:
        """The epoch that counts. Raises ``StoreUnavailable``, or ``Refusal`` where a fail-over is unfinished."""
        epoch = self.epoch
        if epoch is not None:
            return epoch
        if not self.is_majority(self.members):
            raise StoreUnavailable(
                f"too few regions to write: {', '.join(self.absent)} away or empty",
                "Bring one back, or fill an empty one with 'covenant region sync'. To read, give '--no-lock'.",
            )
        raise Refusal(
            f"a fail-over to region '{self.highest.primary}' was begun and not finished",
            f"Finish it with 'covenant region failover {self.highest.primary}'.",
        )


def is_majority(names: Collection[str], everyone: Sequence[str]) -> bool:
    """Whether these are more than half of everyone, or half with the first one among them."""
    twice = 2 * len(names)
    return twice > len(everyone) or (twice == len(everyone) and everyone[0] in names)


def call_roll(regions: Sequence[Region], threads: ThreadPoolExecutor) -> Roll:
    """Ask every region, side by side. A region that fails is away; nothing is raised."""
    answers = threads.map(_presence, regions)
    return Roll(dict(zip((region.name for region in regions), answers, strict=True)))


def _presence(region: Region) -> Presence:
    try:
        has_config = region.ask(_has_config, measured=True)
        return Presence(True, has_config, region.ask(_last_epoch))
    except CovenantError as error:
        return Presence(False, error=error)


def _has_config(store: Store) -> bool:
    try:
        store.size(CONFIG)
    except ObjectMissing:
        return False
    return True


def _last_epoch(store: Store) -> Epoch | None:
    last = max((listed.name for listed in store.list(EPOCHS)), default=None)
    return None if last is None else decode_epoch(store.get(last))
