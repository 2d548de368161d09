"""Making another region the primary, and back: never two at once.

A record of the next epoch is created in every region that answers, in the order of ``covenant.toml``, never over
another. Whoever meets somebody else's record of the same number stops there: they were quicker. The record counts once
a majority holds it, and whoever works under an older one is refused at the next write that counts.

A fail-over that died half-way is finished by asking for the same region again.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from covenant.kernel.errors import CovenantError, ObjectExists, Refusal, StoreUnavailable
from covenant.replicate.region import Region
from covenant.replicate.roll import Epoch, Roll, call_roll, decode_epoch, is_majority


@dataclass(frozen=True, slots=True)
class FailoverPlan:
    """What a fail-over would do, and why."""

    now: Epoch | None
    then: Epoch
    witnesses: tuple[str, ...]
    """The regions in which the new epoch is recorded."""
    away: tuple[str, ...]

    def rows(self) -> list[tuple[str, str, str]]:
        """Region, act and reason."""
        acts = [
            (name, f"record epoch {self.then.number}", f"primary is {self.then.primary}") for name in self.witnesses
        ]
        return [*acts, *((name, "nothing", "away or empty; learns of it when it returns") for name in self.away)]


def plan_failover(regions: Sequence[Region], name: str, by: str) -> FailoverPlan:
    """How region ``name`` becomes the primary. ``by`` is a word that nobody else uses, to tell our record by.

    Raises ``Refusal`` where the region cannot be it now, ``StoreUnavailable`` where too few answer.
    """
    with ThreadPoolExecutor(len(regions), "roll") as threads:
        roll = call_roll(regions, threads)
    if name not in roll.members:
        raise Refusal(f"region '{name}' is away or empty", "Choose one that answers, or fill it with 'region sync'.")
    if not roll.is_majority(roll.members):
        raise StoreUnavailable(
            f"{len(roll.members)} of {len(regions)} regions answer, which are too few to agree on a primary",
            "Bring one more back; or, if the others are lost for good, take them out of covenant.toml.",
        )
    return FailoverPlan(roll.epoch, _next(roll, name, by), roll.members, roll.absent)


def _next(roll: Roll, name: str, by: str) -> Epoch:
    """The record to be made: the one that stands or that was begun, if it names this region, or else a new one."""
    highest, counting = roll.highest, roll.epoch
    if counting is not None and counting.primary == name:
        return counting
    if counting is None and highest.primary == name and highest.number:
        return highest
    return Epoch(highest.number + 1, name, by)


def may_lose(roll: Roll, acknowledge: int) -> bool:
    """Whether a write that was acknowledged may lie in none of the regions that answer: as many are away as had it."""
    return len(roll.absent) >= acknowledge


def fail_over(plan: FailoverPlan, regions: Sequence[Region]) -> Epoch:
    """Carry a plan out. Raises ``Refusal`` where someone was quicker, ``StoreUnavailable`` where few took it."""
    held, failures = list[str](), list[CovenantError]()
    if plan.then.number == 0:
        return plan.then
    for region in regions:
        if region.name not in plan.witnesses:
            continue
        try:
            other = _record(region, plan.then)
        except CovenantError as error:
            failures.append(error)
            continue
        if other is not None:
            raise Refusal(
                f"someone else made region '{other.primary}' the primary of epoch {other.number} at the same time",
                "Look with 'covenant region status', and try again if that is not what you want.",
            )
        held.append(region.name)
    if not is_majority(held, [region.name for region in regions]):
        raise StoreUnavailable(
            f"epoch {plan.then.number} is recorded in {len(held)} of {len(regions)} regions, which are too few",
            f"Run 'covenant region failover {plan.then.primary}' again to finish it.",
        ) from (failures[0] if failures else None)
    return plan.then


def _record(region: Region, epoch: Epoch) -> Epoch | None:
    """Create the record; another one that stands in its place, or ``None`` where ours does."""
    raw = epoch.encode()
    try:
        region.ask(lambda store: store.put(epoch.name, raw))
    except ObjectExists:
        there = decode_epoch(region.ask(lambda store: store.get(epoch.name)))
        return None if there == epoch else there or Epoch(epoch.number, "unreadable")
    return None


def spread_epoch(regions: Sequence[Region], roll: Roll) -> int:
    """Bring the epoch that counts to regions that do not know it; a record that lost the race is replaced there."""
    epoch, told = roll.epoch, 0
    if epoch is None or epoch.number == 0:
        return 0
    for region in regions:
        presence = roll.presences[region.name]
        if not presence.reached or presence.epoch == epoch:
            continue
        if _record(region, epoch) is not None:
            region.ask(lambda store: store.delete(epoch.name))
            _record(region, epoch)
        told += 1
    return told
