"""From an address and its options to a store.

A ``StoreSpec`` is plain and can be pickled, so that a worker process opens the store for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from covenant.adapters.stores.location import parse_location
from covenant.adapters.stores.memory import MemoryStore
from covenant.adapters.stores.posix import PosixStore
from covenant.kernel.errors import UsageError
from covenant.vault.ports import Store


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """What it takes to open a store: its address, and options (endpoint, region, credentials) that are never shown."""

    url: str
    options: Mapping[str, str] = field(default_factory=dict, hash=False)

    def open(self) -> Store:
        """The store. Raises ``UsageError`` where the address or an option cannot be followed."""
        return open_store(self.url, self.options)

    def __repr__(self) -> str:
        named = ", ".join(f"{key}=…" for key in sorted(self.options))
        return f"StoreSpec({self.url!r}, {{{named}}})"


def open_store(url: str, options: Mapping[str, str]) -> Store:
    """The store at an address, without asking it anything yet. Raises ``UsageError``.

    How an address reads is told in ``location``, which options an object store knows in ``objects``.
    """
    location = parse_location(url)
    match location.kind:
        case "folder":
            _refuse_options(url, options)
            return PosixStore(location.path)
        case "memory":
            _refuse_options(url, options)
            return MemoryStore(location.path)
        case _:
            if "immutable" in options:
                return _immutable(url, options)
            # Only here, because the library behind it takes time to load.
            from covenant.adapters.stores.objects import ObjectStore

            return ObjectStore.open(url, options)


def _immutable(url: str, options: Mapping[str, str]) -> Store:
    by = options["immutable"]
    if by not in ("object-lock", "bucket-lock") or parse_location(url).kind != "s3":
        raise UsageError(
            f"the store '{url}' cannot be immutable by {by!r}",
            "Write 'object-lock', for a bucket that speaks S3, or 'bucket-lock' for one on R2.",
        )
    if by == "bucket-lock":
        from covenant.adapters.stores.objects import ObjectStore
        from covenant.adapters.stores.r2_rules import RULE_OPTIONS

        own = {key: value for key, value in options.items() if key not in RULE_OPTIONS and key != "immutable"}
        return ObjectStore.open(url, own)
    from covenant.adapters.stores.s3_terms import ObjectLockStore

    return ObjectLockStore.open(url, options)


def _refuse_options(url: str, options: Mapping[str, str]) -> None:
    if options:
        raise UsageError(f"the store '{url}' takes no option '{min(options)}'", "Remove the options of this store.")
