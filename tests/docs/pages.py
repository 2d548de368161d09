"""Pages of documentation as programs: what they tell a reader to type is typed, and must do what they show.

A ``console`` block is typed into one shell, line by line; ``> `` continues a line. A block with a second word on its
fence (```` ```toml covenant.toml ````) is written to that file. Blocks of other kinds are only read.

A command must end well, unless the page asks for its exit code next (``$ echo $?``). Where the page shows output, the
program's must be the same but for what differs from run to run: moments, durations, sizes, counts of blobs and such.
``…`` stands for lines left out. Ids differ too, but not at will: an id that the page shows twice must be one id here as
well, and where a later command names it, the real one is typed.

Absolute paths of the page lie below the scratch folder, as if that were the root of a machine.
"""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

DOCS = Path(__file__).resolve().parents[2] / "docs"
_SECONDS = 60.0
_LEFT_OUT = "…"
_FENCE = re.compile(r"^```(\w*) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROOTED = re.compile(r"(?:(?<![\w./:~-])|(?<=/restored))/(?=(home|srv|root|mnt)\b)")
_ID = re.compile(r"\b[0-9a-f]{8}\b")
_VOLATILE = (
    (re.compile(r"\bdata/[0-9a-f]{2}/[0-9a-f]{64}\b"), "<pack>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<object>"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d|\b\d{8}T\d{6}\b"), "<moment>"),
    (re.compile(r"\b[\d.,]+ (s|min|h|d) old\b"), "<age> old"),
    (re.compile(r"\b[\d.,]+ (B|KiB|MiB|GiB)\b"), "<size>"),
    (re.compile(r"\b[\d.,]+ s\b"), "<seconds>"),
    (re.compile(r"\b[\d,]+ (tree|blob|pack|index|folder|step)(s|es)?\b"), r"<n> \1s"),
    (re.compile(r"\b[\d.]+ %"), "<share>"),
    (re.compile(r"\((\d+) read\)"), "(<n> read)"),
    (re.compile(r"\b(keep|rewrite|remove) \d+\b"), r"\1 <n>"),
    (re.compile(r"\b\d+ with other metadata"), "<n> with other metadata"),
    (_ID, "<id>"),
    (re.compile(r"([-drwx]{10}) \S+ \S+ +\d+"), r"\1 <owner, group, size>"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True, slots=True)
class Typed:
    """A command, and what the page shows of its output (nothing: it does not say)."""

    text: str
    shown: tuple[str, ...]

    def __str__(self) -> str:
        return f"$ {self.text}"


@dataclass(frozen=True, slots=True)
class Written:
    """A file that the reader is told to write."""

    name: str
    text: str


def steps(page: str) -> Iterator[Typed | Written]:
    """What a page tells its reader to do, in order."""
    for kind, name, text in _FENCE.findall(page):
        if kind == "console":
            yield from _typed(text)
        elif name:
            yield Written(name, text)


def _typed(block: str) -> Iterator[Typed]:
    command, shown = "", list[str]()
    for line in block.splitlines():
        if line.startswith("$ "):
            if command:
                yield Typed(command, tuple(shown))
            command, shown = line[2:], []
        elif line.startswith("> ") and not shown:
            command += "\n" + line[2:]
        else:
            shown.append(line)
    if command:
        yield Typed(command, tuple(shown))


@dataclass(slots=True)
class Reader:
    """Someone who follows pages in a shell of their own, on a machine whose root is ``root``."""

    root: Path
    environment: dict[str, str]
    folder: str = "/home/you"
    ids: dict[str, str] = field(default_factory=dict)
    _shell: subprocess.Popen[str] = field(init=False, repr=False)

    def __enter__(self) -> Self:
        for made in ("home/you", "srv", "root", "mnt"):
            (self.root / made).mkdir(parents=True, exist_ok=True)
        self._shell = subprocess.Popen(
            ["bash", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=f"{self.root}{self.folder}",
            env={**self.environment, "HOME": f"{self.root}/home/you"},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.kill()
        self._shell.communicate()

    def follow(self, page: str) -> int:
        """Do what a page says; returns how many commands were typed. Fails where it is not as the page shows."""
        typed, said = 0, list(steps(page))
        for step, after in zip(said, [*said[1:], None], strict=True):
            if isinstance(step, Written):
                self.at(step.name).write_text(self.on_page(step.text))
                continue
            code, out = self.type(step.text)
            asked = isinstance(after, Typed) and after.text == "echo $?"
            assert code == 0 or asked, f"{step} ended with {code}:\n" + "\n".join(out)
            if step.shown:
                self._compare(step, out)
            typed += 1
        return typed

    def type(self, text: str) -> tuple[int, list[str]]:
        """Type a command; its exit code, and the lines that it printed to either stream."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        mark = "--- that was all:"
        patience = threading.Timer(_SECONDS, self._shell.kill)
        patience.start()
        try:
            ending = f"__code=$?; printf '\\n{mark} %s\\n' $__code; (exit $__code)"
            self._shell.stdin.write(f"{{ {self.on_page(text)}\n}} </dev/null\n{ending}\n")
            self._shell.stdin.flush()
            out = list[str]()
            for line in self._shell.stdout:
                if line.startswith(mark):
                    return int(line.removeprefix(mark)), "".join(out).removesuffix("\n").splitlines()
                out.append(line)
        finally:
            patience.cancel()
        raise AssertionError(f"$ {text} did not end, or ended the shell:\n" + "".join(out))

    def at(self, name: str) -> Path:
        """The file of that name in the folder where the shell is."""
        return Path(self.type("pwd")[1][0], name)

    def on_page(self, text: str) -> str:
        """What a page says, with this machine's paths and ids."""
        known = _ID.sub(lambda found: self.ids.get(found[0], found[0]), text)
        return _ROOTED.sub(f"{self.root}/", known)

    def _compare(self, step: Typed, out: Iterable[str]) -> None:
        real = [_on_the_pages_machine(line.replace(str(self.root), "")) for line in out]
        place = _matched([_settled(line) for line in step.shown], [_settled(line) for line in real])
        story = f"{step}\n" + "\n".join(real) + "\n--- but the page shows\n" + "\n".join(step.shown)
        assert place is not None, story
        for shown, line in zip(step.shown, place, strict=True):
            if line is not None:
                self._learn(shown, real[line], story)

    def _learn(self, shown: str, real: str, story: str) -> None:
        for on_page, here in zip(_ID.findall(shown), _ID.findall(real), strict=True):
            assert here == self.ids.setdefault(on_page, here), f"{on_page} was {self.ids[on_page]} before:\n{story}"


def _on_the_pages_machine(line: str) -> str:
    """A line as it would be on the machine called studio, for its user root."""
    line = re.sub(rf"(?<=  ){re.escape(os.uname().nodename)}(?=  )", "studio", line)
    return re.sub(rf"(?<=  ){re.escape(pwd.getpwuid(os.geteuid()).pw_name)}(?=  )", "root", line)


def _settled(line: str) -> str:
    """A line without what differs from run to run."""
    for volatile, name in _VOLATILE:
        line = volatile.sub(name, line)
    return line.strip()


def _matched(shown: list[str], real: list[str]) -> list[int | None] | None:
    """For each shown line the real line that it is (``None`` for what is left out), or ``None`` if they do not fit."""
    if not shown:
        return [] if not real else None
    if shown[0] == _LEFT_OUT:
        for skipped in range(len(real) + 1):
            rest = _matched(shown[1:], real[skipped:])
            if rest is not None:
                return [None, *(at if at is None else at + skipped for at in rest)]
        return None
    rest = _matched(shown[1:], real[1:]) if real and shown[0] == real[0] else None
    return None if rest is None else [0, *(at if at is None else at + 1 for at in rest)]
