"""What a server says when it does not do what we asked, in our words, with what to do about it."""

from __future__ import annotations

from covenant.adapters.sources.postgres.address import Address
from covenant.kernel.errors import SourceError, SourceUnavailable

_HINTS = {
    "08": "Check the address, and that the server is up.",
    "28P01": "Check the user and the password in the source's address.",
    "28000": "Check the user, and that a row of pg_hba.conf lets it in from here.",
    "42501": "Give the role the right to replicate: ALTER ROLE … REPLICATION.",
    "42704": "It is not there: it may have been dropped since.",
    "42710": "It is there already: another Covenant may use it. Name another with slot = '…'.",
    "53300": "All its connections or WAL senders are taken. Raise max_wal_senders, or free one.",
    "53400": "All its replication slots are taken. Raise max_replication_slots, or drop one that nobody reads.",
    "55006": "Another reader is connected to it. Stop that one, or name another slot.",
    "57": "It is being shut down or restarted. Try again when it is up.",
    "58P01": "The WAL that was asked for is gone from the server. A new full backup begins a new chain.",
    "pooler": "A pooler cannot replicate: give the server's own address.",
    "XX001": "Its data are damaged: the server's log names every block. Repair it, or restore an earlier backup.",
}
"""By SQLSTATE, or the beginning of one; what is no server has none. (PostgreSQL manual, "PostgreSQL Error Codes")"""
_PASSING = ("08", "53", "55006", "57")


def refusal(address: Address, state: str, said: str) -> SourceError:
    """The error for an answer with this SQLSTATE (``""`` where there is none) and text."""
    hint = next((hint for prefix, hint in _HINTS.items() if state.startswith(prefix)), "")
    kind = SourceUnavailable if state.startswith(_PASSING) else SourceError
    return kind(f"the server of source '{address.source}' refuses: {address.scrubbed(said)}", hint)


def unreachable(address: Address, said: str) -> SourceError:
    """The error where no connection comes about. libpq gives a text and no SQLSTATE, so the text is looked at."""
    text = address.scrubbed(said)
    for sign, state in _SIGNS:
        if sign in text:
            kind = SourceUnavailable if state.startswith(_PASSING) else SourceError
            return kind(f"the server of source '{address.source}' lets nobody in: {text}", _HINTS[state])
    return SourceUnavailable(f"the server of source '{address.source}' cannot be reached: {text}", _HINTS["08"])


def lost(address: Address, said: str) -> SourceUnavailable:
    """The error where a connection broke off."""
    text = address.scrubbed(said)
    return SourceUnavailable(
        f"the connection to the server of source '{address.source}' broke off: {text}", _HINTS["08"]
    )


_SIGNS = (
    ("unsupported startup parameter", "pooler"),
    ("password authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ("no pg_hba.conf entry", "28000"),
    ("does not exist", "28000"),
    ("permission denied", "42501"),
    ("REPLICATION attribute", "42501"),
    ("must be superuser or replication role", "42501"),
    ("too many", "53300"),
    ("exceeds max_wal_senders", "53300"),
)
