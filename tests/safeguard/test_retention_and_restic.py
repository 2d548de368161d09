"""The same policies given to the restic program, over a repository that it made."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from covenant.kernel.durations import Span
from covenant.safeguard import retention
from covenant.safeguard.retention import UNTAGGED, Keep
from covenant.vault.keys import Cost, decode_key, open_key, seal_key
from tests.safeguard.snapshots import Snapshot, moment

BACKUPS = [
    # zone, wall clock, host, folder, tags
    *(("UTC", f"2021-12-{day} 0{hour}:00:00", "h", "a", "") for day, hour in [(29, 1), (29, 5), (30, 3), (31, 3)]),
    *(("UTC", f"2022-01-{day:02} 23:59:59", "h", "a", "") for day in (1, 2, 3, 9)),
    ("UTC", "2022-01-03 23:10:00", "h", "a", "legal"),
    ("UTC", "2020-02-29 12:00:00", "h", "a", "legal,raw"),
    ("UTC", "2021-03-01 12:00:00", "h", "a", "raw"),
    ("UTC", "2021-12-09 23:59:59", "h", "a", ""),
    ("Asia/Tokyo", "2022-01-03 01:00:00", "h", "a", ""),
    ("Asia/Tokyo", "2022-01-10 01:00:00", "h", "a", ""),
    *(("UTC", f"2022-03-{day:02} 10:00:00", "i", "a", "") for day in (1, 3, 4, 31)),
    *(("America/Los_Angeles", f"2022-03-31 {hour}:30:00", "i", "a", "raw") for hour in ("03", "04")),
    *(("UTC", f"2022-0{month}-15 10:00:00", "i", "b", "") for month in (1, 2, 3)),
]


@dataclass(frozen=True, slots=True)
class Repository:
    """A restic repository and the program that made it."""

    folder: Path

    def run(self, *words: str, zone: str = "UTC") -> str:
        """What restic prints for these words."""
        given = {"RESTIC_REPOSITORY": str(self.folder / "repository"), "RESTIC_PASSWORD": "x", "TZ": zone}
        command = ["restic", "--no-cache", *words]
        done = subprocess.run(
            command, env=os.environ | given, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def _read(listing: str) -> tuple[Snapshot, ...]:
    """The snapshots that ``restic snapshots --json`` lists."""
    return tuple(
        Snapshot(
            one["id"],
            datetime.fromisoformat(one["time"]),
            one["hostname"],
            tuple(one["paths"]),
            tuple(one.get("tags", ())),
        )
        for one in json.loads(listing)
    )


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A real repository with snapshots of several hosts, folders, zones and years."""
    assert shutil.which("restic"), "the program restic is missing: apt-get install restic"
    made = Repository(tmp_path_factory.mktemp("restic"))
    made.run("init")
    _make_opening_cheap(made.folder / "repository" / "keys")
    for zone, wall, host, folder, tags in BACKUPS:
        (made.folder / folder).mkdir(exist_ok=True)
        tag_words = ["--tag", tags] if tags else []
        made.run("backup", "--force", "--host", host, "--time", wall, *tag_words, folder, zone=zone)
    return made


@dataclass(frozen=True, slots=True)
class Case:
    """One policy in restic's words and in ours."""

    words: str
    keep: dict[str, Any]
    group_by: tuple[str, ...] = field(default=("host", "paths"))


CASES = [
    Case("--keep-last 2", {"last": 2}),
    Case("--keep-hourly 3 --keep-daily 3", {"hourly": 3, "daily": 3}),
    Case("--keep-weekly 3 --keep-yearly 5", {"weekly": 3, "yearly": 5}),
    Case("--keep-daily 100 --keep-monthly 2", {"daily": 100, "monthly": 2}, ()),
    Case("--keep-last 1 --keep-daily 2 --keep-weekly 2", {"last": 1, "daily": 2, "weekly": 2}, ("host",)),
    Case("--keep-within 1m", {"within": Span(months=1)}),
    Case("--keep-within 1y1m5d2h --keep-daily 1", {"within": Span(1, 1, 5, 2), "daily": 1}, ("paths",)),
    Case(
        "--keep-within-hourly 2d --keep-within-weekly 20d --keep-within-yearly 5y",
        {"within_hourly": Span(days=2), "within_weekly": Span(days=20), "within_yearly": Span(years=5)},
    ),
    Case(
        "--keep-within-daily 30d --keep-within-monthly 1y",
        {"within_daily": Span(days=30), "within_monthly": Span(years=1)},
    ),
    Case("--keep-tag legal,raw --keep-tag raw", {"tags": (("legal", "raw"), ("raw",))}, ("host", "tags")),
    Case("--keep-tag=", {"tags": (UNTAGGED,)}, ()),
    Case("--keep-within 3000y", {"within": Span(years=3000)}),
]


def _make_opening_cheap(keys: Path) -> None:
    """Put a key with a light password hash in the place of restic's own, so that forty openings take no minute."""
    (dear,) = keys.iterdir()
    master = open_key(decode_key(dear.read_bytes(), dear.name), "x")
    assert master is not None
    cheap = seal_key(master, "x", Cost(n=1024), created=moment("2020-01-01"))
    (keys / sha256(cheap).hexdigest()).write_bytes(cheap)
    dear.unlink()


@pytest.fixture(scope="module")
def snapshots(repository: Repository) -> tuple[Snapshot, ...]:
    """All snapshots as the program lists them."""
    return _read(repository.run("snapshots", "--json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.words)
def test_restic_keeps_the_same_for_the_same_reasons(
    repository: Repository, snapshots: tuple[Snapshot, ...], case: Case
) -> None:
    """Every id on the same side, and of those kept every reason, in restic's order."""
    keep = Keep(**case.keep, newest=False)

    plan = retention.plan(snapshots, keep=keep, at=moment("2023-01-01"), group_by=case.group_by)

    words = [*case.words.split(), "--group-by", ",".join(case.group_by)]
    kept, forgotten = _told(json.loads(repository.run("forget", "--dry-run", "--json", *words)))
    assert kept == {one.candidate.id: [_as_restic_says(reason) for reason in one.reasons] for one in plan.keep}
    assert forgotten == {gone.id for gone in plan.forget}


def _told(answer: list[dict[str, Any]]) -> tuple[dict[str, list[str]], set[str]]:
    """What ``restic forget --json`` keeps, with its reasons, and what it removes."""
    kept = {row["snapshot"]["id"]: row["matches"] for group in answer for row in _rows(group)}
    return kept, {one["id"] for group in answer for one in group["remove"] or ()}


def _rows(group: dict[str, Any]) -> list[dict[str, Any]]:
    """A group's reasons, each with the id of its snapshot, which restic gives beside it under ``keep``."""
    kept, reasons = group["keep"] or [], group["reasons"] or []
    return [{"snapshot": one, "matches": row["matches"]} for one, row in zip(kept, reasons, strict=True)]


def _as_restic_says(reason: retention.Reason) -> str:
    """Our reason in restic's words."""
    if reason.rule == "tag":
        tags = reason.text.removeprefix("tagged").removeprefix("untagged").strip().replace(" and ", ", ")
        return f"has tags [{tags}]"
    if reason.rule.startswith("within"):
        return reason.text.removesuffix(" of the newest")
    return f"{reason.rule} snapshot"
