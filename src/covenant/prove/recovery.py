"""What a recovery from nothing came to, and how far it is while it lasts.

Both are one file in the folder that everything comes back to. It is written before each source and after it, so that a
recovery that was killed goes on with the same snapshots: what was there already is not brought back twice, and nobody
gets one source from before the break and another from after it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from covenant.kernel.answers import Result, together
from covenant.kernel.errors import Refusal, TargetError
from covenant.kernel.findings import Finding
from covenant.prove.record import SourceDrill, Step
from covenant.prove.telling import encoded

NAME = "recovery.json"
SOURCES = "sources"
"""The folder below which each source lies in a folder of its own."""


def stood(source: SourceDrill) -> Result:
    """What a source came to. Damage is planted for drills alone, so nothing is asked of it here."""
    if source.why_not:
        return Result.COULD_NOT_VERIFY
    asked = together(answer.result for answer in source.answers)
    return together((asked, source.rto.result, source.rpo.result))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A recovery from nothing: what was done, and what each source came to, in the order in which they came back.

    The RTO of a source is held against the time from the beginning of the whole until that source was there and
    answered: whoever waits for it has waited through everything before it. ``region`` is where it came from.
    """

    target: str
    region: str
    vault: str
    began_at: datetime
    ended_at: datetime
    steps: tuple[Step, ...] = ()
    sources: tuple[SourceDrill, ...] = ()
    findings: tuple[Finding, ...] = ()
    resumed: bool = False

    @property
    def result(self) -> Result:
        """The worst of its sources; a vault that holds none has proved nothing."""
        return together(stood(each) for each in self.sources)

    @property
    def whole(self) -> bool:
        """Whether every source came back."""
        return bool(self.sources) and not any(each.why_not for each in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """How far a recovery is: since when, which snapshot each source is brought back from, and what came back."""

    vault: str
    began_at: datetime
    chosen: Mapping[str, str] = field(default_factory=dict)
    """The id of the snapshot of each source, by the name of its folder."""
    done: Mapping[str, SourceDrill] = field(default_factory=dict)
    recovery: Recovery | None = None
    """What the whole came to, once it has ended."""


def read_progress(target: Path, vault: str, *, overwrite: bool) -> Progressed | None:
    """How far an unfinished recovery into ``target`` from this vault is; ``None`` where it begins.

    Raises ``Refusal`` for a folder that holds anything else, unless ``overwrite`` says that it may, and
    ``TargetError`` where it cannot be looked into.
    """
    try:
        names = set(os.listdir(target)) if os.path.lexists(target) else set()
        text = (target / NAME).read_bytes() if NAME in names else b""
    except OSError as error:
        raise _unusable(target, error) from error
    found = _understood(text)
    if found is not None and found.vault == vault and (found.recovery is None or not found.recovery.whole):
        return found
    if names and not overwrite:
        raise Refusal(f"{target} is not empty", "Choose an empty folder, or say '--overwrite'.")
    return None


def write_progress(target: Path, progressed: Progressed) -> None:
    """Replace the file whole and durably. Raises ``TargetError``."""
    aside = target / f"{NAME}.new"
    try:
        target.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            file.write(msgspec.json.format(encoded(progressed)))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target / NAME)
    except OSError as error:
        raise _unusable(target, error) from error


def _understood(text: bytes) -> Progressed | None:
    try:
        return msgspec.json.decode(text, type=Progressed)
    except msgspec.MsgspecError:
        return None


def _unusable(target: Path, error: OSError) -> TargetError:
    return TargetError(
        f"{target} cannot be used as a target: {error.strerror or error}", "Check the path and your access to it."
    )
