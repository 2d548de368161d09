"""When drills are held, and what they must show, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from covenant.prove.record import Level
from covenant.settings.reading import Reading
from covenant.settings.values import Drills, Rehearsal


def drills(reading: Reading, said: Mapping[str, Any]) -> Drills:
    """What ``[drills]`` says, as ``commitments`` read it; nothing is rehearsed by itself where there is none."""
    levels = {level.value: said[level] for level in Level if level in said}
    return Drills(
        levels={level: Rehearsal(each["at"], each["what"]) for level, each in levels.items()},
        wanted=said.get("validate", ()),
        folder=reading.path(said["folder"]) if said.get("folder") else None,
        room=said.get("room"),
        reports=reading.path(said["reports"]) if said.get("reports") else None,
    )
