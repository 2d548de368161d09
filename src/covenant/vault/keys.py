"""Keys: the master key, sealed under what scrypt makes of a password. One object per password, plain JSON.

    {"created", "username", "hostname", "kdf": "scrypt", "N", "r", "p", "salt": base64 of 64 bytes, "data": base64}

scrypt gives 64 bytes, ``encrypt[32] || k[16] || r[16]``, and they open ``data``:
``{"mac": {"k", "r"}, "encrypt"}``, each in base64. (restic ``doc/design.rst``, "Keys, Encryption and MAC")
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import datetime

import msgspec
from nacl.bindings import crypto_pwhash_scryptsalsa208sha256_ll as scrypt

from covenant.kernel.errors import DamageError, ObjectMissing, VaultMissing, WrongPassword
from covenant.vault.crypto import MasterKey, Sealer
from covenant.vault.names import KEYS, id_of, object_name
from covenant.vault.ports import ReadStore
from covenant.vault.snapshot import snapshot_time

_MAX_MEMORY = 1 << 30
_SALT_SIZE = 64


class KeyFile(msgspec.Struct, frozen=True):
    """A key object."""

    created: str
    kdf: str
    N: int
    r: int
    p: int
    salt: bytes
    data: bytes
    username: str = ""
    hostname: str = ""


class _Mac(msgspec.Struct):
    k: bytes
    r: bytes


class _Sealed(msgspec.Struct):
    mac: _Mac
    encrypt: bytes


@dataclass(frozen=True, slots=True)
class Cost:
    """scrypt's parameters: memory is 128 × N × r bytes, time grows with N × r × p."""

    n: int
    r: int = 8
    p: int = 1

    @property
    def memory(self) -> int:
        """Bytes that one derivation needs."""
        return 128 * self.r * (self.n + self.p + 2)


CHEAPEST = Cost(n=1 << 15, p=3)
"""Never less than this, whatever the machine: the least that OWASP advises for 32 MiB of memory."""
_DEAREST_P = 16
_TARGET_SECONDS = 0.2


def calibrate(seconds: float = _TARGET_SECONDS) -> Cost:
    """The cost that takes about ``seconds`` here, in 32 MiB of memory, and never less than ``CHEAPEST``."""
    probe = Cost(n=CHEAPEST.n)
    begin = time.perf_counter()
    derive(b"calibration", bytes(_SALT_SIZE), probe)
    lanes = int(seconds / (time.perf_counter() - begin))
    return Cost(n=CHEAPEST.n, p=min(max(lanes, CHEAPEST.p), _DEAREST_P))


def derive(password: bytes, salt: bytes, cost: Cost) -> MasterKey:
    """What scrypt (RFC 7914) makes of a password: libsodium's, which takes two thirds of the time of OpenSSL's."""
    raw = scrypt(password, salt, cost.n, cost.r, cost.p, dklen=64, maxmem=2 * cost.memory)
    return MasterKey.from_bytes(raw)


def seal_key(
    master: MasterKey, password: str, cost: Cost, *, created: datetime, username: str = "", hostname: str = ""
) -> bytes:
    """A key object that opens with ``password``."""
    salt = os.urandom(_SALT_SIZE)
    plain = msgspec.json.encode(_Sealed(_Mac(master.mac_k, master.mac_r), master.encrypt))
    return msgspec.json.encode(
        KeyFile(
            created=snapshot_time(created),
            username=username,
            hostname=hostname,
            kdf="scrypt",
            N=cost.n,
            r=cost.r,
            p=cost.p,
            salt=salt,
            data=Sealer(derive(password.encode(), salt, cost)).seal(plain),
        )
    )


def decode_key(raw: bytes, key_id: str) -> KeyFile:
    """Read a key object. Raises ``DamageError``, also for parameters that no honest vault has."""
    try:
        key = msgspec.json.decode(raw, type=KeyFile)
    except msgspec.MsgspecError as error:
        raise DamageError(f"key {key_id[:8]} is not readable: {error}") from error
    cost = Cost(key.N, key.r, key.p)
    sane = key.kdf == "scrypt" and key.N > 1 and key.N & (key.N - 1) == 0 and 0 < key.r < 1024 and 0 < key.p < 1024
    if not sane or cost.memory > _MAX_MEMORY or key.N * key.r * key.p > 1 << 27:
        raise DamageError(f"key {key_id[:8]} asks for an unreasonable password hash (N={key.N}, r={key.r}, p={key.p})")
    return key


def open_key(key: KeyFile, password: str) -> MasterKey | None:
    """The master key, or ``None`` if this is not the password of this key."""
    try:
        plain = Sealer(derive(password.encode(), key.salt, Cost(key.N, key.r, key.p))).open(key.data)
    except DamageError:
        return None
    sealed = msgspec.json.decode(plain, type=_Sealed)
    return MasterKey(sealed.encrypt, sealed.mac.k, sealed.mac.r)


def list_keys(store: ReadStore) -> list[tuple[str, KeyFile]]:
    """Every readable key of a vault, by id; damaged ones are for ``check`` to find."""
    found = []
    for listed in sorted(store.list(KEYS)):
        key_id = id_of(listed.name)
        try:
            found.append((key_id, decode_key(store.get(listed.name), key_id)))
        except (DamageError, ObjectMissing):
            continue
    return found


def find_master(store: ReadStore, password: str) -> tuple[str, MasterKey]:
    """Try ``password`` on every key; the id of the one that opened, and the master key.

    Raises ``WrongPassword``, and ``VaultMissing`` where there is not even a key.
    """
    keys = list_keys(store)
    if not keys:
        raise VaultMissing(f"no vault at {store.url}", "Check the address, or make one with 'covenant init'.")
    for key_id, key in keys:
        master = open_key(key, password)
        if master is not None:
            return key_id, master
    raise WrongPassword(
        f"none of the {len(keys)} keys of {store.url} opens with this password",
        "Check the password file; 'covenant key list' with another password shows which keys there are.",
    )


def key_object_name(key_id: str) -> str:
    """Where a key lies."""
    return object_name(KEYS, key_id)
