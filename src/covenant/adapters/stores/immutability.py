"""Whether what lies in a store can be changed or destroyed: measured, not claimed.

A canary is stored, then written over, then deleted, then deleted with every right that there is. What counts is
whether the *original* bytes can still be read: where a bucket keeps versions, an overwrite only adds one.

    worm         neither could be done, not even with a bypass, and the store states a term that nobody can lift
    governance   neither could be done as asked; with a bypass, or as an administrator, it could or might
    none         the canary was changed or destroyed
    unknown      one of the two could not be tried
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from covenant.kernel.errors import CovenantError, ObjectMissing, StoreDenied, StoreError
from covenant.vault.ports import Buffer, Store

Label = Literal["worm", "governance", "none", "unknown"]
Outcome = Literal["refused", "done", "could not verify"]

_CANARY = b"covenant: this object measures whether the store is immutable, and may be deleted\n"
_OTHER = b"covenant: written over\n"


class NotTried(Exception):
    """There is no way to try this from here; the message says why."""


class Intruder(Protocol):
    """Someone who holds our credentials, or an administrator's, and no good intentions.

    An attempt that the store refuses raises ``StoreDenied``; one that there is no way to make raises ``NotTried``.
    """

    def arrived(self, name: str) -> None:
        """Remember the object ``name``, just stored, as the original."""
        ...

    def overwrite(self, name: str, data: bytes) -> None:
        """Write over the object, unconditionally."""
        ...

    def delete(self, name: str) -> None:
        """Destroy the original."""
        ...

    def bypass(self, name: str) -> None:
        """Destroy the original with every right that there is."""
        ...

    def original(self, name: str) -> bytes:
        """The original, if it can be read in any way. Raises ``ObjectMissing``."""
        ...

    def is_for_good(self, name: str) -> bool:
        """Whether the store states a term for the original that nobody can lift."""
        ...

    def tidy(self, name: str) -> bool:
        """Remove what can be removed of the object; whether nothing of it is left."""
        ...


@dataclass(frozen=True, slots=True)
class Trial:
    """One attempt on the canary, and what came of it."""

    attempt: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Immutability:
    """What the attempts add up to. ``left_behind`` names the canary where it could not be removed."""

    label: Label
    trials: tuple[Trial, ...]
    left_behind: tuple[str, ...] = ()


@runtime_checkable
class _Overwritable(Protocol):
    def overwrite(self, name: str, data: Buffer) -> None: ...


class PlainIntruder:
    """What can be tried on a store that keeps no versions, through its own doors."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def arrived(self, name: str) -> None:
        """Without versions there is one original."""

    def overwrite(self, name: str, data: bytes) -> None:
        if not isinstance(self._store, _Overwritable):
            raise NotTried("this store has no door to write over an object")
        self._store.overwrite(name, data)

    def delete(self, name: str) -> None:
        self._store.delete(name)

    def bypass(self, name: str) -> None:
        raise NotTried("an administrator's rights cannot be tried on this kind of store")

    def original(self, name: str) -> bytes:
        return self._store.get(name)

    def is_for_good(self, name: str) -> bool:
        return False

    def tidy(self, name: str) -> bool:
        try:
            self._store.delete(name)
        except ObjectMissing:
            return True
        except StoreError:
            return False
        return True


def measure(store: Store, intruder: Intruder, name: str) -> Immutability:
    """Store a canary under ``name``, try to change and to destroy it, and say what the store is worth."""
    try:
        store.put(name, _CANARY)
        intruder.arrived(name)
    except CovenantError as error:
        return Immutability("unknown", (Trial("store a canary", "could not verify", str(error)),))
    overwritten = _try("write over it", intruder, name, lambda: intruder.overwrite(name, _OTHER))
    deleted = _try("delete it", intruder, name, lambda: intruder.delete(name), gone=overwritten.outcome == "done")
    bypassed = Trial("delete it with every right", "could not verify", "it was changed or destroyed without")
    if "done" not in (overwritten.outcome, deleted.outcome):
        bypassed = _try("delete it with every right", intruder, name, lambda: intruder.bypass(name))
    for_good = bypassed.outcome == "refused" and intruder.is_for_good(name)
    trials = (overwritten, deleted, bypassed)
    return Immutability(_label(trials, for_good), trials, () if intruder.tidy(name) else (name,))


def _try(attempt: str, intruder: Intruder, name: str, act: Callable[[], None], gone: bool = False) -> Trial:
    """One attempt; ``gone`` says that the original bytes were lost before it, so that only the object counts."""
    try:
        act()
    except NotTried as reason:
        return Trial(attempt, "could not verify", str(reason))
    except StoreDenied as refusal:
        return Trial(attempt, "refused", str(refusal))
    except CovenantError as error:
        return Trial(attempt, "could not verify", str(error))
    try:
        left = intruder.original(name)
    except ObjectMissing:
        return Trial(attempt, "done", "the original cannot be read any more")
    except CovenantError as error:
        return Trial(attempt, "could not verify", str(error))
    if left == _CANARY or gone:
        return Trial(attempt, "refused", "the original can still be read")
    return Trial(attempt, "done", "the original has other bytes now")


def _label(trials: tuple[Trial, ...], for_good: bool) -> Label:
    overwritten, deleted, bypassed = (trial.outcome for trial in trials)
    if "done" in (overwritten, deleted):
        return "none"
    if "could not verify" in (overwritten, deleted):
        return "unknown"
    return "worm" if bypassed == "refused" and for_good else "governance"
