"""The passwords of a vault: several may open it, each through a key object of its own.

Nothing is removed before it is proved that the vault still opens without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from covenant.kernel.errors import DamageError, Refusal, UsageError, VaultError
from covenant.vault.keys import Cost, KeyFile, decode_key, key_object_name, list_keys, open_key, seal_key
from covenant.vault.ports import AppendStore, Store
from covenant.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Password:
    """One password's key, as a listing shows it. ``current``: the vault was opened with it."""

    id: str
    created: str
    username: str
    hostname: str
    current: bool


def list_passwords(vault: Vault) -> list[Password]:
    """Every readable key."""
    return [_shown(vault, key_id, key) for key_id, key in list_keys(vault.store)]


def _shown(vault: Vault, key_id: str, key: KeyFile) -> Password:
    return Password(key_id, key.created, key.username, key.hostname, current=key_id == vault.key_id)


def find_password(vault: Vault, prefix: str) -> Password:
    """The one key whose id begins with ``prefix``. Raises ``UsageError``."""
    found = [password for password in list_passwords(vault) if password.id.startswith(prefix)]
    if len(found) != 1:
        number = "no key" if not found else f"{len(found)} keys"
        raise UsageError(f"{number} of {vault.url} begin with '{prefix}'", "List them with 'covenant key list'.")
    return found[0]


def add_password(
    vault: Vault, store: AppendStore, password: str, cost: Cost, *, created: datetime, username: str, hostname: str
) -> str:
    """Let another password open the vault; returns the id of its key, which has been read back and opened.

    Raises ``UsageError`` for an empty password and ``DamageError`` where the store does not give back what it took.
    """
    if not password:
        raise UsageError("the new password is empty", "Choose one that nobody guesses.")
    raw = seal_key(vault.master, password, cost, created=created, username=username, hostname=hostname)
    key_id = sha256(raw).hexdigest()
    store.put(key_object_name(key_id), raw)
    if open_key(decode_key(vault.store.get(key_object_name(key_id)), key_id), password) != vault.master:
        raise DamageError(f"the new key {key_id[:8]} does not open the vault", "The passwords of before still do.")
    return key_id


def remove_password(vault: Vault, store: Store, key_id: str) -> None:
    """Let a password open the vault no more. Raises ``Refusal`` for the last one and for the one in use.

    Whoever opened the vault with it may have kept the master key: this is no protection against them.
    """
    keys = {key for key, _ in list_keys(vault.store)}
    if keys <= {key_id}:
        raise Refusal(f"key {key_id[:8]} is the last one of {vault.url}", "Add another password first.")
    if key_id == vault.key_id:
        raise Refusal(
            f"key {key_id[:8]} is the one in use", "Open the vault with another password, or use 'covenant key passwd'."
        )
    if vault.key_id not in keys:
        raise VaultError(f"the key that opened {vault.url} is there no more", "Open the vault anew.")
    store.delete(key_object_name(key_id))


def change_password(
    vault: Vault, store: Store, password: str, cost: Cost, *, created: datetime, username: str, hostname: str
) -> str:
    """Put a new password in the place of the one in use; returns the id of its key.

    The new key is stored, read back and opened before the old one goes. Killed in between, both passwords open.
    """
    old = vault.key_id
    vault.key_id = add_password(vault, store, password, cost, created=created, username=username, hostname=hostname)
    if old:
        remove_password(vault, store, old)
    return vault.key_id
