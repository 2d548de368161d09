"""Policies for tests, from documents that are changed key by key."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

from covenant.kernel.policy import Policy
from covenant.settings.policy import policy_of
from covenant.settings.resolve import resolve

SOUND = """\
[vault]
acknowledge = 2
[vault.regions.near]
url = "/srv/near"
immutable = "object-lock"
[vault.regions.far]
url = "/srv/far"

[classes.gold]
rpo = "1h"
rto = "4h"
window = "7d"
copies = 2
retention = { keep_within = "14d" }
schedule = { full = "0 2 * * Sun", incremental = "every 30m" }

[tiers.enterprise]
window = "10d"

[sources.media]
kind = "files"
path = "/srv/media"
class = "gold"
tier = "enterprise"
"""


def document(text: str = SOUND) -> dict[str, Any]:
    """A document as tables."""
    return tomllib.loads(text)


def changed(tables: dict[str, Any], table: str, key: str, value: Any) -> dict[str, Any]:
    """The document with one key of one table written anew; ``None`` takes it out."""
    tables = copy.deepcopy(tables)
    *path, last = (*table.split("."), *key.split("."))
    at = tables
    for part in path:
        at = at.setdefault(part, {})
    if value is None:
        at.pop(last, None)
    else:
        at[last] = value
    return tables


def policy(tables: dict[str, Any]) -> Policy:
    """What a document promises."""
    return policy_of(resolve(Path("/srv/covenant.toml"), tables, {}))
