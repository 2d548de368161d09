"""A policy explained: every value of a source, which line gave it, and which lines it was laid over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from covenant.kernel.layers import Stated, merged
from covenant.kernel.policy import SourcePolicy, VaultPolicy


@dataclass(frozen=True, slots=True)
class Explained:
    """One value that holds. ``over`` are the values below it, with their lines, the nearest first."""

    key: str
    value: Any
    origin: str
    over: tuple[tuple[Any, str], ...] = ()


def explain(source: SourcePolicy) -> tuple[Explained, ...]:
    """Every value that holds for a source, key by key, in the order of the layers that first say them."""
    lines = []
    for key, stated in merged(source.layers).items():
        said = [layer.said[key] for layer in source.layers if key in layer.said]
        over = tuple((below.value, below.origin) for below in reversed(said[:-1]))
        lines.append(Explained(key, stated.value, stated.origin, over))
    return tuple(lines)


def explain_vault(vault: VaultPolicy) -> tuple[Explained, ...]:
    """Every value that holds for a vault, and so for all sources in it; keys begin with ``vault``."""
    stated: dict[str, Stated[Any] | None] = {"acknowledge": vault.acknowledge, "verify_within": vault.verify_within}
    stated |= {f"chores.{kind}": schedule for kind, schedule in vault.chores.items()}
    return tuple(Explained(f"vault.{key}", each.value, each.origin) for key, each in stated.items() if each is not None)
