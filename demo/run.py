"""The whole story, on real input, with the real program: make, protect, lose a region, ruin, restore, prove, rehearse.

    make demo            in build/demo, which is made anew each time
    python demo/run.py --folder DIR --keep

Every command is the one that a user would type; nothing is reached into behind its back.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.syntax import Syntax
from rich.table import Table

from covenant.kernel.durations import parse_interval
from demo import comparison, studio
from tests.servers import seaweedfs

CONFIG = """\
[vault]                      # one vault in three regions
password = { file = "vault.key" }

[vault.regions.studio]       # a disk in the studio: the primary
url = "regions/studio"

[vault.regions.attic]        # a disk at home
url = "regions/attic"

[vault.regions.cloud]        # a bucket
url = "s3://shared/covenant"
[vault.regions.cloud.options]
endpoint = "ENDPOINT"
region = "us-east-1"
access_key_id = "KEY"
secret_access_key = { env = "SECRET" }

[sources.catalog]            # bookings: RPO 15 minutes, RTO 1 hour
kind = "sqlite"
path = "studio/catalog.db"
class = "critical"
copies = 3

[[sources.catalog.probes]]   # what a drill asks of it: is every photo there that it names?
kind = "references"
name = "Was every photo and film restored that the catalog names?"
query = "SELECT path FROM media"
source = "shoots"
folder = "studio"

[sources.shoots]             # photos and films: RPO 1 hour, RTO 4 hours
kind = "files"
paths = ["studio/media"]
class = "important"
copies = 3
"""
SECRET = "DEMO_S3_SECRET"
"""The environment variable that holds the bucket's secret while the demonstration runs."""

LOST = studio.SHOOTS[0]
console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the demonstration takes place."""

    root: Path
    environment: Mapping[str, str]
    """For the commands: where the bucket's secret is, and where Covenant remembers what it did."""

    @property
    def studio(self) -> Path:
        """The studio: what is to be protected."""
        return self.root / "studio"

    @property
    def catalog(self) -> Path:
        """The studio's database."""
        return self.studio / "catalog.db"

    @property
    def media(self) -> Path:
        """The studio's shoots."""
        return self.studio / "media"

    @property
    def journal(self) -> Path:
        """The witness that the comparison asks."""
        return self.root / "bookings.journal"

    def covenant(self, *arguments: str, code: int = 0) -> None:
        """Type a command and show what it says. Anything but the exit code ``code`` ends the demonstration."""
        console.print(f"\n[bold cyan]$ covenant {' '.join(map(_quoted, arguments))}[/]")
        command = [sys.executable, "-m", "covenant", *arguments]
        ended = subprocess.run(command, cwd=self.root, env=self.environment, check=False).returncode
        if ended != code:
            raise subprocess.CalledProcessError(ended, command)

    def asked(self, *arguments: str) -> Any:
        """What a command answers to a program."""
        command = [sys.executable, "-m", "covenant", "--json", *arguments]
        answer = subprocess.run(command, cwd=self.root, env=self.environment, check=True, capture_output=True)
        return json.loads(answer.stdout)


def _quoted(argument: str) -> str:
    return f"'{argument}'" if " " in argument else argument


def main() -> int:
    """Tell the story; 0 if everything came back."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, default=Path("build/demo"), help="where; it is emptied first")
    parser.add_argument("--keep", action="store_true", help="leave the folder behind")
    said = parser.parse_args()
    root = said.folder.resolve()
    shutil.rmtree(root, ignore_errors=True)
    begin = time.monotonic()
    console.print("An S3 server starts on this machine: one of three regions will be a bucket.")
    server = seaweedfs.start()
    here = {SECRET: seaweedfs.ADMIN.secret, "COVENANT_STATE_DIR": str(root / "state")}
    folder = Folder(root, {**os.environ, **here})
    folder.studio.mkdir(parents=True)
    try:
        proved = tell(folder, server.endpoint)
    finally:
        server.stop()
        if not said.keep:
            shutil.rmtree(folder.root, ignore_errors=True)
    console.print(f"\nThe whole demonstration took {time.monotonic() - begin:.0f} s.")
    return 0 if proved else 1


def tell(folder: Folder, endpoint: str) -> bool:
    """All seven chapters; whether everything came back, and the drill passed."""
    chapter(1, "A small studio, and a catalog that someone keeps writing to")
    make_studio(folder)
    with writer(folder):
        chapter(2, "One file says what is kept and what was promised; one command keeps it")
        protect(folder, endpoint)
        chapter(3, "A region is lost, and healed, while the studio goes on")
        lose_a_region(folder)
        last_backup_began = time.time()
        folder.covenant("backup")
        time.sleep(2)  # the studio goes on for a while after its last backup
    shoots = comparison.fingerprints(folder.media)
    chapter(4, "The disaster")
    disaster_at = ruin(folder)
    chapter(5, "Bring it back")
    seconds = {"catalog": timed(folder, "restore", "catalog", "--in-place")}
    seconds["shoots"] = timed(folder, "restore", "shoots", str(folder.media / LOST), "--in-place")
    chapter(6, "Is it really what was there?")
    proved = prove(folder, shoots, last_backup_began, disaster_at, seconds)
    chapter(7, "A drill: the same again, in a place that is thrown away, and a report of it")
    return rehearse(folder) and proved


def rehearse(folder: Folder) -> bool:
    """Hold the monthly drill, which plants damage that must be caught, and write its report where it stays."""
    reports = folder.root.parent / "demo-report"
    shutil.rmtree(reports, ignore_errors=True)
    folder.covenant("drill", "run", "monthly")
    folder.covenant("drill", "report", "latest", "-o", str(reports))
    page = next(reports.glob("*.html"))
    console.print(f"\n  [bold]the report lies here: {page}[/]")
    return bool(folder.asked("drill", "show", "latest")["result"] == "passed")


def lose_a_region(folder: Folder) -> None:
    """The disk in the attic dies; what was promised is broken until it is whole again."""
    shutil.rmtree(folder.root / "regions" / "attic")
    (folder.root / "regions" / "attic").mkdir()
    console.print("  [red]the disk in the attic died, and an empty one was put in its place[/]")
    folder.covenant("region", "status", code=1)
    folder.covenant("status", code=1)
    folder.covenant("region", "heal")
    folder.covenant("region", "status")
    folder.covenant("status")


def chapter(number: int, title: str) -> None:
    """Begin a chapter."""
    console.print()
    console.rule(f"[bold]{number}. {title}", align="left")


def make_studio(folder: Folder) -> None:
    """Make it, with a bar."""
    columns = (TextColumn("  making photos and films"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=studio.total_bytes())
        studio.make(folder.studio, lambda size: progress.advance(task, size))
    files = [path for path in folder.media.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / studio.MIB
    console.print(f"  {len(studio.SHOOTS)} shoots with {len(files)} photos and films, {size:,.0f} MiB, and catalog.db")


@contextmanager
def writer(folder: Folder) -> Iterator[None]:
    """Someone books all the time, in a process of their own."""
    command = [sys.executable, "-m", "demo.bookings", str(folder.catalog), str(folder.journal)]
    process = subprocess.Popen(command, cwd=Path(__file__).resolve().parent.parent)
    try:
        while not folder.journal.exists():
            time.sleep(0.05)
        console.print(f"  bookings are being written to the catalog now, by process {process.pid}")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def protect(folder: Folder, endpoint: str) -> None:
    """Write the two files, and have everything done that is due: the first backups."""
    config = CONFIG.replace("ENDPOINT", endpoint).replace("KEY", seaweedfs.ADMIN.key).replace("SECRET", SECRET)
    (folder.root / "covenant.toml").write_text(config)
    key = folder.root / "vault.key"
    key.write_text(secrets.token_urlsafe(32) + "\n")
    key.chmod(0o600)
    console.print(Panel(Syntax(config.strip(), "toml", background_color="default"), title="covenant.toml"))
    folder.covenant("policy", "check")
    folder.covenant("init")
    folder.covenant("run", "--once")
    folder.covenant("status")


def ruin(folder: Folder) -> float:
    """A dying disk takes a part of the database, a wrong click a whole shoot."""
    overwritten = studio.ruin_database(folder.catalog)
    shutil.rmtree(folder.media / LOST)
    moment = time.time()
    console.print(f"  [red]catalog.db: {overwritten:,} bytes in the middle overwritten with nonsense[/]")
    console.print(f"  [red]'{LOST}': deleted, every photo and film of it[/]")
    return moment


def timed(folder: Folder, *arguments: str) -> float:
    """Run a command; how many seconds it took."""
    begin = time.monotonic()
    folder.covenant(*arguments)
    return time.monotonic() - begin


def prove(
    folder: Folder, shoots: dict[str, str], last_backup_began: float, disaster_at: float, seconds: dict[str, float]
) -> bool:
    """Compare, and say what was promised beside what was measured."""
    catalog = comparison.compare_catalog(folder.catalog, folder.journal, last_backup_began)
    problems = [*catalog.problems, *comparison.compare_files(shoots, folder.media)]
    for problem in problems:
        console.print(f"  [bold red]{problem}[/]")
    if not problems:
        console.print(
            f"  [green]catalog: {catalog.bookings:,} bookings, each one as the journal witnessed it, none missing "
            "from before the backup[/]\n"
            f"  [green]shoots: all {len(shoots)} photos and films have the bytes that they had before[/]"
        )
    snapshots = folder.asked("snapshots")["snapshots"]
    ages = {
        "catalog": disaster_at - catalog.last_commit,
        "shoots": disaster_at - max(_moment(row) for row in snapshots if row["source"] == "shoots"),
    }
    console.print(promises(folder, snapshots, ages, seconds))
    return not problems


def _moment(row: dict[str, Any]) -> float:
    return datetime.fromisoformat(row["time"]).timestamp()


def promises(
    folder: Folder, snapshots: list[dict[str, Any]], ages: dict[str, float], seconds: dict[str, float]
) -> Table:
    """The closing table: promised and measured, side by side."""
    table = Table(title="What was promised, and what was measured", title_justify="left")
    for column in (
        "source",
        "protected",
        "stored",
        "then new",
        "restored in",
        "RTO",
        "data age",
        "RPO",
    ):
        table.add_column(column, justify="left" if column == "source" else "right")
    shown = folder.asked("config", "show")
    for source in ("catalog", "shoots"):
        first, second = [row["summary"] for row in snapshots if row["source"] == source][:2]
        rto, rpo = (shown["sources"][source][name]["value"] for name in ("rto", "rpo"))
        table.add_row(
            source,
            _mib(second["total_bytes_processed"]),
            _mib(first["data_added_packed"]),
            _mib(second["data_added_packed"]),
            _held(seconds[source], rto),
            rto,
            _held(ages[source], rpo),
            rpo,
        )
    return table


def _mib(size: int) -> str:
    return f"{size / studio.MIB:,.1f} MiB"


def _held(measured: float, promised: str) -> str:
    """What was measured, green if the promise was kept."""
    kept = measured <= parse_interval(promised).total_seconds()
    return f"[{'green' if kept else 'bold red'}]{measured:.1f} s[/]"


if __name__ == "__main__":
    sys.exit(main())
