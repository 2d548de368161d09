"""A finding: something seen that a person should know, and that did not stop the work.

Work that looks at many things returns all its findings instead of raising at the first one.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing seen.

    ``kind`` is a short fixed word for machines (``"file-vanished"``, ``"blob-damaged"``), ``subject`` names the
    thing (a path, an object), ``message`` says what is the matter, ``hint`` what to do, and ``affects`` lists the
    files (``snapshot:path``) that suffer from it.
    """

    kind: str
    subject: str
    message: str
    hint: str = ""
    affects: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}"
