"""The conformance suite for a store that somebody means to keep a vault in.

Every promise is asked of the store itself, in a folder that is removed afterwards, and answered *passed*, *failed* or
*could not verify*; what could not be asked never counts as passed. Then a canary below ``data/``, where packs would
lie, measures immutability.
"""

from __future__ import annotations

from dataclasses import dataclass

from covenant.adapters.stores.immutability import Immutability, Intruder, PlainIntruder, measure
from covenant.adapters.stores.promises import PROMISES, Broken, NotSeen, Promise
from covenant.kernel.answers import Answer, Result
from covenant.kernel.clock import Clock
from covenant.kernel.errors import CovenantError, StoreDenied, StoreError, StoreFull, StoreUnavailable
from covenant.vault.names import DATA
from covenant.vault.ports import Store

_SAYS_NOTHING = (NotSeen, StoreDenied, StoreFull, StoreUnavailable)


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of a store now. ``left_behind`` names what could not be removed again."""

    url: str
    answers: tuple[Answer, ...]
    immutability: Immutability
    left_behind: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Whether any promise is broken."""
        return any(answer.result is Result.FAILED for answer in self.answers)


def validate(store: Store, clock: Clock, intruder: Intruder | None = None) -> Report:
    """Ask a store every promise, and measure its immutability.

    ``intruder`` is who tries to destroy the canary; ``s3_versions.intruder_for`` finds the most able one.
    """
    stamp = f"validate-{clock.now():%Y%m%dT%H%M%S.%f}"
    answers = tuple(_ask(promise, store, f"{stamp}/{promise.__name__}", clock) for promise in PROMISES)
    left = _remove(store, stamp)
    immutability = measure(store, intruder or PlainIntruder(store), f"{DATA}/{stamp}/canary")
    return Report(store.url, answers, immutability, left + immutability.left_behind)


def _ask(promise: Promise, store: Store, folder: str, clock: Clock) -> Answer:
    began = clock.monotonic()
    try:
        result, detail = Result.PASSED, promise(store, folder)
    except _SAYS_NOTHING as reason:
        result, detail = Result.COULD_NOT_VERIFY, str(reason)
    except Broken as broken:
        result, detail = Result.FAILED, str(broken)
    except CovenantError as error:
        result, detail = Result.FAILED, f"{type(error).__name__}: {error}"
    title = (promise.__doc__ or promise.__name__).removesuffix(".")
    return Answer(title, result, detail, clock.monotonic() - began)


def _remove(store: Store, folder: str) -> tuple[str, ...]:
    """Remove everything below a folder; the names of what stays."""
    left = []
    try:
        for name, _ in list(store.list(folder)):
            try:
                store.delete(name)
            except StoreError:
                left.append(name)
    except StoreError:
        left.append(folder)
    return tuple(left)
