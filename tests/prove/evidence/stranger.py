"""A verifier of evidence that was written from docs/reference/evidence.md, and knows nothing of Covenant's code.

python stranger.py FILE PUBLIC_KEY [CHECKPOINTS]    ends with 0 if all is well, else says what is not
"""

from __future__ import annotations

import json
import re
import sys
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TAIL = re.compile(rb'(.*),"signature":"([0-9a-f]{128})"}', re.DOTALL)
POINT = re.compile(
    rb'{"checkpoint":{"chain":"([0-9a-f]{64})","length":(\d+),"head":"([0-9a-f]{64})","at":"[^"]+","key":"([0-9a-f]{64})"}'
)


def checkpoint(line: bytes, trusted: str) -> tuple[str, int, str]:
    """Chain, length and head, if the trusted key signed it."""
    tail = TAIL.fullmatch(line)
    point = POINT.fullmatch(tail[1]) if tail else None
    if tail is None or point is None or point[4].decode() != trusted:
        raise ValueError("a checkpoint is none, or of another key")
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(trusted)).verify(bytes.fromhex(tail[2].decode()), tail[1])
    return point[1].decode(), int(point[2]), point[3].decode()


def verify(raw: bytes, trusted: str, kept: list[bytes]) -> dict[str, list[str]]:
    """The chains of a whole file, by name: the hashes of their records. Raises ``ValueError``, ``InvalidSignature``."""
    if not raw.endswith(b"\n"):
        raise ValueError("the file was cut off")
    chains: dict[str, list[str]] = {}
    after: list[tuple[str, int, str]] = []
    name, sealed = "", True
    for line in raw[:-1].split(b"\n"):
        if line.startswith(b'{"checkpoint":'):
            if sealed or checkpoint(line, trusted) != (name, len(chains[name]), chains[name][-1]):
                raise ValueError("a checkpoint is not where it belongs")
            sealed = True
            continue
        if sealed and line.startswith(b'{"n":1,'):
            name = sha256(line).hexdigest()
            if name in chains or json.loads(line)["facts"]["key"] != trusted:
                raise ValueError("a chain stands there twice, or was begun by another key")
            chains[name] = []
            after += [
                (each["chain"], each["length"], each["head"]) for each in json.loads(line)["facts"].get("after", [])
            ]
        hashes = chains[name] if name else []
        if not line.startswith(b'{"n":%d,"prev":"%s",' % (len(hashes) + 1, (hashes or ["0" * 64])[-1].encode())):
            raise ValueError(f"record {len(hashes) + 1} is missing, changed or out of its place")
        json.loads(line)
        hashes.append(sha256(line).hexdigest())
        sealed = False
    if not sealed or not chains:
        raise ValueError("records that nobody signed, or none at all")
    for chain, length, head in [*after, *(checkpoint(line, trusted) for line in kept)]:
        if len(chains.get(chain, [])) < length or chains[chain][length - 1] != head:
            raise ValueError("the end was cut off, or another chain stands in its place")
    return chains


if __name__ == "__main__":
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    points = [path.read_bytes().rstrip(b"\n") for path in sorted(folder.iterdir())] if folder else []
    try:
        found = verify(Path(sys.argv[1]).read_bytes(), sys.argv[2], points)
    except (ValueError, KeyError, InvalidSignature) as error:
        sys.exit(f"not whole: {type(error).__name__} {error}")
    print(f"whole: {sum(map(len, found.values()))} records in {len(found)} chains")
