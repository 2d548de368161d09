"""Every error that Covenant raises on purpose, in one hierarchy.

    CovenantError
    ├── UsageError                what was asked for makes no sense as asked
    │   └── ConfigError           covenant.toml says something we cannot follow
    ├── Refusal                   we could, but we may not
    │   ├── LeaseLost             another holds the lease under which we acted
    │   ├── AlreadyRunning        one run of a subject at a time
    │   └── AlreadyDone           what fell due was done already
    ├── VaultError                the vault as a whole
    │   ├── VaultMissing          there is no vault at that address
    │   ├── VaultExists           there is one already, and it is never written over
    │   ├── VaultLocked           someone else is at work in it
    │   ├── WrongPassword         no key of the vault opens with this password
    │   └── SnapshotMissing       the vault has no such snapshot, or more than one fits
    ├── StoreError                where the vault's objects lie
    │   ├── ObjectMissing         no object of that name
    │   ├── ObjectExists          an object of that name exists, and is never written over
    │   ├── StoreFull             no room left
    │   ├── StoreDenied           the store does not let us (read-only, credentials, term of immutability)
    │   ├── ObjectArchived        an object must be thawed before it can be read
    │   └── StoreUnavailable      the store does not answer, or not now (transient)
    ├── CatalogError              the record of what was done cannot be used
    │   └── CatalogUnavailable    its database does not answer, or not now (transient)
    ├── DamageError               bytes are not what was written
    ├── SourceError               the system to be kept cannot be read
    │   └── SourceUnavailable     it does not answer, or not now (transient)
    ├── TargetError               the place to restore to cannot be written
    ├── ChannelError              a way to reach people does not take a message
    └── Interrupted               stopped by a signal; what was acknowledged stays

A message is lower case, has no full stop and names the thing. A hint is a sentence that says what to do next.
Exit codes are decided at the edge (``covenant.cli.exits``), and a test proves that every class has one.
"""

from __future__ import annotations


class CovenantError(Exception):
    """Something stopped us, and we know what."""

    transient: bool = False
    """Whether trying again, unchanged, can help."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


class UsageError(CovenantError):
    """What was asked for makes no sense as asked."""


class ConfigError(UsageError):
    """``covenant.toml`` says something that cannot be followed."""


class Refusal(CovenantError):
    """It could be done, but it may not."""


class LeaseLost(Refusal):
    """Another holds the lease under which we acted: whatever we were about to write no longer counts."""


class AlreadyRunning(Refusal):
    """A run of that subject is under way, and there is one at a time."""


class AlreadyDone(Refusal):
    """What fell due was done already, and no run happens twice."""


class VaultError(CovenantError):
    """The vault as a whole cannot be used as asked."""


class VaultMissing(VaultError):
    """There is no vault at that address."""


class VaultExists(VaultError):
    """There is a vault at that address already."""


class VaultLocked(VaultError):
    """Someone else is at work in the vault in a way that excludes us."""

    transient = True


class WrongPassword(VaultError):
    """No key of the vault opens with this password."""


class SnapshotMissing(VaultError):
    """No snapshot, or more than one, answers to that name."""


class StoreError(CovenantError):
    """A store failed in a way that has no class of its own."""


class ObjectMissing(StoreError):
    """The store has no object of that name."""


class ObjectExists(StoreError):
    """The store has an object of that name, and objects are never written over."""


class StoreFull(StoreError):
    """The store has no room left."""


class StoreDenied(StoreError):
    """The store does not let us: read-only, wrong credentials, or a term of immutability."""


class ObjectArchived(StoreError):
    """The object is there, in a class of storage from which it must be thawed before it can be read."""


class StoreUnavailable(StoreError):
    """The store does not answer, or not now."""

    transient = True


class CatalogError(CovenantError):
    """The record of what was done cannot be read or written; what the vaults keep does not depend on it."""


class CatalogUnavailable(CatalogError):
    """The catalog's database does not answer, or not now."""

    transient = True


class DamageError(CovenantError):
    """Bytes are not what was written: a wrong hash, a wrong authenticator, a cut-off object."""


class SourceError(CovenantError):
    """The system to be kept cannot be read."""


class SourceUnavailable(SourceError):
    """The system to be kept does not answer, or not now."""

    transient = True


class TargetError(CovenantError):
    """The place to restore to cannot be written."""


class ChannelError(CovenantError):
    """A way to reach people does not take a message. It never says the channel's address, which is a secret."""


class Interrupted(CovenantError):
    """Stopped by a signal; everything acknowledged before stays."""
