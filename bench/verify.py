"""``covenant verify`` beside ``covenant check --read-data``: ``python -m bench.verify [--scale 1.0] [--runs 5]``.

    media    large files that do not shrink: packs of few blobs
    text     very many small files: packs of many blobs

in one region, where ``verify`` opens the packs as well, and in two, of which it reads the second by its hashes alone.
The two take turns, so that both meet the same machine. What is compared is bytes a second, by the times that the
programs tell of their work: the password is hashed before it begins, and a check looks at the structure meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

from bench.entropy import Noise
from bench.place import scratch, usual

_ONE = '[vault]\npassword = {{ file = "{home}/password" }}\nurl = "{home}/a"\n'
_TWO = (
    '[vault]\npassword = {{ file = "{home}/password" }}\n'
    '[vault.regions.a]\nurl = "{home}/a"\n[vault.regions.b]\nurl = "{home}/b"\n'
)
_SOURCE = '[sources.kept]\nkind = "files"\npath = "{home}/kept"\nclass = "important"\n'


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0, help="1.0 is half a GiB of media, and 20,000 small files")
    parser.add_argument("--runs", type=int, default=5)
    said = parser.parse_args()
    for name, fill in (("media", _media), ("text", _text)):
        for toml in (_ONE, _TWO):
            with scratch(usual()) as home:
                fill(home / "kept", said.scale)
                _compare(name, home, toml, said.runs)


def _media(folder: Path, scale: float) -> None:
    folder.mkdir()
    noise = Noise("verify")
    for number in range(int(64 * scale)):
        (folder / f"{number:04d}.raw").write_bytes(noise.take(8 << 20))


def _text(folder: Path, scale: float) -> None:
    random = Random(1)
    words = [random.randbytes(4).hex() for _ in range(4000)]
    for number in range(int(20_000 * scale)):
        below = folder / f"{number // 200:03d}"
        below.mkdir(parents=True, exist_ok=True)
        (below / f"{number:06d}.txt").write_text(" ".join(random.choices(words, k=400)))


def _compare(name: str, home: Path, toml: str, runs: int) -> None:
    (home / "password").write_text("bench\n")
    (home / "password").chmod(0o600)
    (home / "covenant.toml").write_text((toml + _SOURCE).format(home=home))
    for words in (("init",), ("backup",)):
        _run(home, *words)
    check, verify = list[float](), list[float]()
    for _ in range(runs):
        checked = _run(home, "check", "--read-data")
        check.append(checked["bytes_read"] / checked["seconds"])
        read = _run(home, "verify")
        seconds = max(region["verified"]["seconds"] for region in read["regions"])
        verify.append(sum(region["verified"]["bytes"] for region in read["regions"]) / seconds)
    regions = len(read["regions"])
    print(
        f"{name}, {regions} region{'s' * (regions > 1)}: check {_spread(check)}, verify {_spread(verify)}, "
        f"{statistics.median(verify) / statistics.median(check):.2f} times as fast"
    )


def _spread(rates: list[float]) -> str:
    """The median, and the extremes."""
    low, middle, high = (rate / (1 << 20) for rate in (min(rates), statistics.median(rates), max(rates)))
    return f"{middle:,.0f} MiB/s ({low:,.0f} to {high:,.0f})"


def _run(home: Path, *words: str) -> Any:
    command = [sys.executable, "-m", "covenant", "-c", str(home / "covenant.toml"), "--no-cache", *words, "--json"]
    environment = {**os.environ, "COVENANT_STATE_DIR": str(home / "state")}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}


if __name__ == "__main__":
    main()
