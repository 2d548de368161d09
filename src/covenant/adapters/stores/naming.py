"""Which names an object may have, checked at the door of every store.

A name is segments of ASCII letters, digits, ``-``, ``_`` and ``.`` joined by ``/``. Nothing else reaches a file
system or a URL, so no name that a damaged or hostile vault invents leads out of the store. What lies in a store
under any other name (``lost+found``, our unfinished writes) is not an object, and is never listed.
"""

from __future__ import annotations

import re

from covenant.kernel.errors import StoreError

_SEGMENT = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._-]+"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")


def is_name(text: str) -> bool:
    """Whether ``text`` may name an object."""
    return _NAME.fullmatch(text) is not None


def checked(name: str) -> str:
    """The name itself. Raises ``StoreError`` where it is none."""
    if _NAME.fullmatch(name) is None:
        raise StoreError(
            f"{name!r} cannot name an object",
            "Names are ASCII letters, digits, '-', '_' and '.' in segments joined by '/'.",
        )
    return name


def folder(prefix: str) -> str:
    """The folder ``prefix`` without a closing slash; ``""`` is the whole store. Raises ``StoreError``."""
    bare = prefix.removesuffix("/")
    return checked(bare) if bare else ""
