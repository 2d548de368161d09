"""An empty machine for the annual drill: one region of a vault and its password, and nothing else of ours."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from covenant.bootstrap import Opener, OpenVault
from covenant.bootstrap.recovering import Bare, recover_bare

if TYPE_CHECKING:
    from covenant.kernel.clock import Clock
    from covenant.prove.recovery import Recovery


@dataclass(frozen=True, slots=True)
class SpareMachine:
    """Recovers from whichever region the chance names, for the one that is left in earnest is not ours to choose."""

    opened: Callable[[str], OpenVault]
    password: Callable[[str], str]
    clock: Clock
    rng: Random
    lanes: int
    stop: threading.Event

    def recover(self, vault: str, sources: Sequence[str], folder: Path) -> Recovery:
        opener = self.opened(vault).opener
        place = self.rng.choice(opener.places)
        done = recover_bare(
            Bare(
                opener=Opener(place.spec, bandwidth=opener.bandwidth),
                password=self.password(vault),
                target=folder,
                clock=self.clock,
                sources=tuple(sources),
                lanes=self.lanes,
                hold="none",  # the drill holds the vault, in all its regions
                stop=self.stop,
            )
        )
        if place.name == "default":
            return done
        named = tuple(replace(source, region=place.name) for source in done.sources)
        return replace(done, region=f"region '{place.name}'", sources=named)
