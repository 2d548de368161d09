"""The programs that are compared, each told to do the same work in its own words.

Every peer has a home of its own: its repository, caches and password lie there, so that a home can be thrown away, or
copied and put back, whole.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.errors import BenchError
from bench.meter import Command

PASSWORD = "correct horse battery staple"
"""Guards nothing but made-up data."""


class Peer(Protocol):
    """A backup program. Every method names the commands for one piece of work, in the order in which they run."""

    @property
    def name(self) -> str: ...

    def version(self) -> Command: ...

    def create(self, home: Path) -> tuple[Command, ...]: ...

    def backup(self, home: Path, source: Path, turn: int) -> tuple[Command, ...]:
        """A snapshot of ``source``; ``turn`` differs from one snapshot of a repository to the next."""

    def restore(self, home: Path, target: Path, turn: int) -> tuple[Command, ...]:
        """The snapshot of ``turn``, which is the newest, into the empty folder ``target``."""

    def check(self, home: Path) -> tuple[Command, ...]:
        """Check the repository, with all data read and authenticated."""

    def forget(self, home: Path) -> tuple[Command, ...]:
        """What precedes ``prune`` and is not part of it: keep the last two snapshots."""

    def prune(self, home: Path) -> tuple[Command, ...]:
        """Give back the room of forgotten snapshots."""


def environment(home: Path, outer: Mapping[str, str]) -> dict[str, str]:
    """A small environment in which caches and temporary files fall into ``home``."""
    inner = {name: outer[name] for name in ("PATH", "PYTHONPATH") if name in outer}
    places = {
        "HOME": home,
        "XDG_CACHE_HOME": home / "cache",
        "XDG_CONFIG_HOME": home / "config",
        "TMPDIR": home / "tmp",
    }
    return inner | {"LANG": "C.UTF-8"} | {name: str(place) for name, place in places.items()}


def furnish(home: Path) -> None:
    """Make an empty home: what every peer finds there before it begins."""
    for room in ("cache", "config", "tmp"):
        (home / room).mkdir(parents=True)
    (home / "password").write_text(PASSWORD)


@dataclass(frozen=True, slots=True)
class Covenant:
    """Ourselves, through the command that users type."""

    outer: Mapping[str, str]
    program: str
    """The command, with its arguments if it has any."""
    name: str = "covenant"

    def version(self) -> Command:
        return Command((*shlex.split(self.program), "version"), environment(Path("/nonexistent"), self.outer))

    def create(self, home: Path) -> tuple[Command, ...]:
        return (self._say(home, "init"),)

    def backup(self, home: Path, source: Path, turn: int) -> tuple[Command, ...]:
        return (self._say(home, "backup", "--path", str(source)),)

    def restore(self, home: Path, target: Path, turn: int) -> tuple[Command, ...]:
        return (self._say(home, "restore", "latest", "--target", str(target)),)

    def check(self, home: Path) -> tuple[Command, ...]:
        return (self._say(home, "check", "--read-data"),)

    def forget(self, home: Path) -> tuple[Command, ...]:
        return (self._say(home, "forget", "--keep-last", "2"),)

    def prune(self, home: Path) -> tuple[Command, ...]:
        return (self._say(home, "prune"),)

    def _say(self, home: Path, *words: str) -> Command:
        vault = ("--vault", str(home / "repository"), "--password-file", str(home / "password"))
        return Command((*shlex.split(self.program), *vault, *words), environment(home, self.outer))


@dataclass(frozen=True, slots=True)
class Restic:
    """restic as it comes: format version 2, compression ``auto``."""

    outer: Mapping[str, str]
    name: str = "restic"

    def version(self) -> Command:
        return Command(("restic", "version"), environment(Path("/nonexistent"), self.outer))

    def create(self, home: Path) -> tuple[Command, ...]:
        return (self._say(home, "init"),)

    def backup(self, home: Path, source: Path, turn: int) -> tuple[Command, ...]:
        return (self._say(home, "backup", str(source)),)

    def restore(self, home: Path, target: Path, turn: int) -> tuple[Command, ...]:
        return (self._say(home, "restore", "latest", "--target", str(target)),)

    def check(self, home: Path) -> tuple[Command, ...]:
        return (self._say(home, "check", "--read-data"),)

    def forget(self, home: Path) -> tuple[Command, ...]:
        return (self._say(home, "forget", "--keep-last", "2"),)

    def prune(self, home: Path) -> tuple[Command, ...]:
        return (self._say(home, "prune"),)

    def _say(self, home: Path, *words: str) -> Command:
        place = ("-r", str(home / "repository"), "--password-file", str(home / "password"))
        return Command(("restic", *place, *words), environment(home, self.outer))


@dataclass(frozen=True, slots=True)
class Borg:
    """borg with authenticated encryption, in the mode that is faster on this processor, and zstd at level 3."""

    outer: Mapping[str, str]
    name: str = "borg"

    def version(self) -> Command:
        return Command(("borg", "--version"), environment(Path("/nonexistent"), self.outer))

    def create(self, home: Path) -> tuple[Command, ...]:
        return (self._say(home, "init", "--encryption", borg_mode(), str(home / "repository")),)

    def backup(self, home: Path, source: Path, turn: int) -> tuple[Command, ...]:
        return (self._say(home, "create", "--compression", "zstd,3", f"{home}/repository::turn-{turn}", str(source)),)

    def restore(self, home: Path, target: Path, turn: int) -> tuple[Command, ...]:
        return (self._say(home, "extract", f"{home}/repository::turn-{turn}", cwd=target),)

    def check(self, home: Path) -> tuple[Command, ...]:
        return (self._say(home, "check", "--verify-data", str(home / "repository")),)

    def forget(self, home: Path) -> tuple[Command, ...]:
        """Nothing: borg does a part of the pruning while it forgets, so both count."""
        return ()

    def prune(self, home: Path) -> tuple[Command, ...]:
        return (
            self._say(home, "prune", "--keep-last", "2", str(home / "repository")),
            self._say(home, "compact", str(home / "repository")),
        )

    def _say(self, home: Path, *words: str, cwd: Path = Path("/")) -> Command:
        own = {"BORG_BASE_DIR": str(home), "BORG_PASSPHRASE": PASSWORD, "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
        return Command(("borg", *words), environment(home, self.outer) | own, cwd)


def borg_mode() -> str:
    """HMAC-SHA256 where the processor has SHA instructions, BLAKE2b elsewhere: borg's manual advises the faster."""
    cpu = Path("/proc/cpuinfo")
    return "repokey" if cpu.exists() and "sha_ni" in cpu.read_text() else "repokey-blake2"


def choose(names: list[str], outer: Mapping[str, str], covenant: str) -> list[Peer]:
    """The peers of these names, in this order. Raises BenchError for one that is unknown or not installed."""
    known: dict[str, Peer] = {each.name: each for each in (Covenant(outer, covenant), Restic(outer), Borg(outer))}
    for name in names:
        if name not in known:
            raise BenchError(f"no peer '{name}'; there are {', '.join(known)}")
        program = known[name].version().argv[0]
        if shutil.which(program) is None:
            raise BenchError(
                f"'{program}' is not installed; install it (apt-get install restic borgbackup) or use --peers"
            )
    return [known[name] for name in names]


def default_covenant() -> str:
    """The command that was installed beside this interpreter."""
    return shlex.quote(str(Path(sys.executable).with_name("covenant")))


def version(peer: Peer) -> str:
    """What the peer says of itself, on one line."""
    command = peer.version()
    done = subprocess.run(command.argv, env=dict(command.env), capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{peer.name} does not start: {' '.join(command.argv)}\n{done.stderr.strip()}")
    return done.stdout.strip().splitlines()[0]
