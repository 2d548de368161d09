"""Whether the user's own application works on what was restored: it is started, and one address of it is asked.

The application runs in a process group of its own, is told by environment variables where the restored data lies, and
is killed when it was asked, when its time is over, and when we die. Where the system allows it, it has no network but
its own loopback (``isolated``), for a restored system that talks to the world would send the same mails twice; the
evidence says whether that was so. What does not start, or does not answer, could not be asked.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from covenant.kernel.answers import Result
from covenant.prove.ports import Aspect, Restored, Said
from covenant.prove.probes import isolated

_POLL = 0.05
_TELLING = 0.5
"""So many seconds before its time is over the watcher says why there is no answer."""


@dataclass(frozen=True, slots=True)
class Application:
    """A command, the address that is asked once it runs, and the answer that it must give.

    ``places`` names environment variables: each is set to where a path of a source lies in the restore. ``inherited``
    is what of our own environment it sees.
    """

    command: tuple[str, ...]
    url: str
    status: int = 200
    text: str = ""
    places: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    inherited: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    source: str = ""
    within: float = 60.0
    aspect: Aspect = Aspect.EXPERIENCE

    @property
    def question(self) -> str:
        """Which address is asked."""
        return self.name or f"Does the application answer at {self.url}?"

    @property
    def needs(self) -> tuple[str, ...]:
        """The other sources whose places it is told."""
        return tuple(sorted({source for source, _ in self.places.values()} - {self.source}))

    def ask(self, restored: Restored, hurry: Callable[[], None]) -> Said:
        """Start it, ask it, end it."""
        answer = self._run(restored, hurry)
        network = answer.get("network", "nothing is known of its network")
        if "status" not in answer:
            return Said(Result.COULD_NOT_VERIFY, f"{answer.get('error', 'it said nothing')}; {network}")
        said = f"status {answer['status']} after {answer['seconds']:.1f} s; {network}"
        if answer["status"] != self.status:
            return Said(Result.FAILED, f"{said}; expected status {self.status}: {answer['body'][:200]}")
        if self.text not in answer["body"]:
            return Said(Result.FAILED, f"{said}; its answer does not contain '{self.text}': {answer['body'][:200]}")
        return Said(Result.PASSED, said)

    def _run(self, restored: Restored, hurry: Callable[[], None]) -> dict[str, Any]:
        """Have it run and asked in a process that can be ended with everything it started."""
        asked = {
            "command": self.command,
            "environment": {**self.inherited, **self._places(restored)},
            "url": self.url,
            "within": max(self.within / 2, self.within - _TELLING),
            "folder": str(restored.folder),
        }
        process = subprocess.Popen(
            [sys.executable, "-I", isolated.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(asked).encode())
            process.stdin.close()
            process.stdin = None
            while True:
                hurry()
                with suppress(subprocess.TimeoutExpired):
                    out, _ = process.communicate(timeout=_POLL)
                    break
            return dict(json.loads(out)) if out else {"error": f"its watcher ended with {process.returncode}"}
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def _places(self, restored: Restored) -> dict[str, str]:
        found = {restored.source: restored, **restored.beside}
        return {name: str(found[source].place(path)) for name, (source, path) in self.places.items()}
