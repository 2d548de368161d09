"""Loading what comes next while a password is hashed, which takes a core for a good while, on purpose.

What hashing itself needs is loaded before: two threads that load at once share one interpreter, and hashing would begin
40 ms later.
"""

from __future__ import annotations

import contextlib
import threading
from importlib import import_module


def load_meanwhile(modules: tuple[str, ...]) -> None:
    """Load modules beside whatever comes next."""
    import_module("covenant.vault.vault")
    threading.Thread(target=_load, args=(modules,), daemon=True).start()


def _load(modules: tuple[str, ...]) -> None:
    with contextlib.suppress(Exception):  # whoever needs it loads it again, and meets the error where it belongs
        for module in modules:
            import_module(module)
