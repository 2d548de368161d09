"""What a command shows: text for people, or one JSON document for programs, on stdout; everything else on stderr.

On a terminal tables are drawn and coloured; in a pipe they are aligned text. What is shown is cleaned of control
characters, so that a file's name cannot steer a terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import IO, Any

from covenant.kernel.errors import CovenantError, UsageError
from covenant.kernel.findings import Finding

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


class Output:
    """Where a command's words go."""

    def __init__(self, *, json: bool = False, quiet: bool = False, out: IO[str], err: IO[str]) -> None:
        self.json = json
        self.quiet = quiet
        self.out = out
        self.err = err
        self.noticed: tuple[Finding, ...] = ()
        """What was seen of the vault's copies beside the work itself; it ends up in the document, or on stderr."""

    @classmethod
    def standard(cls) -> Output:
        """The process's own streams; what cannot be written there is written by its number."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        return cls(out=sys.stdout, err=sys.stderr)

    @property
    def speaks(self) -> bool:
        """Whether there is text for people at all."""
        return not (self.json or self.quiet)

    def say(self, text: str) -> None:
        """A line for people, unless they asked for quiet or JSON."""
        if self.speaks:
            self.out.write(text + "\n")

    def result(self, text: str) -> None:
        """A line that was asked for: shown in quiet too, but not among JSON."""
        if not self.json:
            self.out.write(text + "\n")

    def note(self, text: str) -> None:
        """A remark on stderr, which never mixes with what is piped on."""
        if self.speaks:
            self.err.write(text + "\n")

    def binary(self) -> IO[bytes]:
        """Where content goes that is not ours to spell. Raises ``UsageError`` where text alone can go."""
        self.out.flush()
        stream: IO[bytes] | None = getattr(self.out, "buffer", None)
        if stream is None:
            raise UsageError("bytes cannot be written here", "Redirect them to a file.")
        return stream

    def document(self, content: Any) -> None:
        """The JSON document that ``--json`` asks for, or one line of a stream of them. Without ``--json``, nothing."""
        if self.json:
            if self.noticed and isinstance(content, dict) and isinstance(content.get("findings"), list):
                content = {**content, "findings": [*content["findings"], *as_dicts(self.noticed)]}
            self.out.write(json_text(content) + "\n")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> None:
        """A table; ``right`` names the columns that are aligned to the right."""
        if self.json:
            return
        cells = [[clean(cell) for cell in row] for row in rows]
        if self.out.isatty():
            from covenant.cli.terminal import draw_table

            draw_table(self.out, columns, cells, right)
        else:
            self._align([[*columns], *cells], right)

    def findings(self, findings: Iterable[Finding]) -> None:
        """What a person should know, one after another, on stderr. With ``--json`` it belongs into the document."""
        if self.json:
            return
        for finding in findings:
            self.err.write(f"{clean(finding.subject)}: {clean(finding.message)} [{finding.kind}]\n")
            if finding.hint:
                self.err.write(f"  HINT: {finding.hint}\n")
            for affected in finding.affects:
                self.err.write(f"  affects {clean(affected)}\n")

    def error(self, message: str, hint: str, code: int, kind: str) -> None:
        """What stopped us."""
        self.out.flush()
        if self.json:
            problem = {"message": message, "hint": hint, "class": kind, "exit_code": code}
            self.err.write(json_text({"error": problem}) + "\n")
            return
        lines = [clean(line) for line in message.splitlines()]
        self.err.write("covenant: " + "\n".join(lines) + "\n")
        if hint:
            self.err.write(f"HINT: {clean(hint)}\n")

    def failure(self, error: CovenantError, code: int) -> None:
        """One of our own errors."""
        self.error(error.message, error.hint, code, type(error).__name__)

    def _align(self, rows: list[list[str]], right: Sequence[int]) -> None:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [
                cell.rjust(width) if place in right else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            self.out.write("  ".join(cells).rstrip() + "\n")


def clean(text: str) -> str:
    """Text whose control characters are shown as numbers instead of obeyed."""
    return text.translate(_CONTROL)


def json_text(content: Any) -> str:
    """JSON on one line. Bytes of a name that are not UTF-8 appear as escaped surrogates."""
    import json

    return json.dumps(content, default=_plain, separators=(",", ":"))


def as_dicts(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings, ready for a document."""
    return [asdict(finding) for finding in findings]


def _plain(value: Any) -> Any:
    from datetime import datetime, timedelta

    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value)
