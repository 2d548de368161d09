"""How far regions are proved, as the catalog keeps it: the detail of a proof of kind ``verify``, as JSON.

    {"version": 1, "accounts": [Account, ...]}

with the fields of ``rolling.Account`` by their names, instants in RFC 3339. What is no such text tells of no region.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from covenant.prove.rolling import Account

KIND = "verify"
"""The kind of proof, and of the chore, that reads a vault back."""

_VERSION = 1


class _Written(msgspec.Struct):
    version: int
    accounts: list[Account] = []


def to_json(accounts: Iterable[Account]) -> str:
    """Accounts as a text."""
    return msgspec.json.encode(_Written(_VERSION, list(accounts))).decode()


def from_json(text: str) -> dict[str, Account]:
    """The accounts in a text, by region; none where it is not readable, or of a later version."""
    try:
        written = msgspec.json.decode(text, type=_Written)
    except msgspec.MsgspecError:
        return {}
    return {each.region: each for each in written.accounts} if written.version == _VERSION else {}
