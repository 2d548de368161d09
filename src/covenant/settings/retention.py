"""Rules of retention laid over one another, key by key: a source's over its class's.

A source that asks to keep one tag more goes on keeping everything that its class keeps; so a rule that is left out can
only keep too much. What shall not be kept is switched off by 0 or by an empty list.
"""

from __future__ import annotations

from typing import Any

from covenant.kernel import calendar
from covenant.kernel.keep import COUNTED, Keep
from covenant.settings.tables import RetentionTable


def laid_over(below: Keep | None, table: RetentionTable | None) -> Keep | None:
    """The rules of ``table``, and of ``below`` where the table is silent; ``None`` where no rule is left."""
    if table is None:
        return below
    rules: dict[str, Any] = _rules_of(below) if below else {}
    rules |= _written(table)
    rules = {name: value for name, value in rules.items() if value}
    return Keep(**rules) if rules else None


def _rules_of(keep: Keep) -> dict[str, Any]:
    return {name: getattr(keep, name) for name in (*COUNTED, "within", "tags")}


def _written(table: RetentionTable) -> dict[str, Any]:
    """The rules that the table says something about, by the names that ``Keep`` has for them."""
    written: dict[str, Any] = {name: getattr(table, f"keep_{name}") for name in COUNTED}
    rules = {name: count for name, count in written.items() if count is not None}
    if table.keep_within is not None:
        rules["within"] = None if calendar.is_zero(table.keep_within) else table.keep_within
    if table.keep_tags is not None:
        rules["tags"] = tuple(tuple(tag.strip() for tag in tags.split(",")) for tags in table.keep_tags)
    return rules
