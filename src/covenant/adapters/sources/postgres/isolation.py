"""The settings under which a restored data directory is started, so that nothing leaves it and nobody reaches it.

A copy of a server brings that server's habits along: jobs that call others, subscriptions, an archive that it would
write into, standbys that its commits would wait for, commands that run at the end of a recovery. All of it is switched
off on the command line, which goes before every file, ``postgresql.auto.conf`` in the data directory among them; the
original's ``postgresql.conf`` and ``pg_hba.conf`` are not read at all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from covenant.adapters.sources.postgres.control import ControlFile

PORT = 5432
HBA = "local all all trust\n"
"""Whoever reaches the socket may connect: it lies in a folder that lets nobody else in."""

_SILENT = {
    "log_line_prefix": "",
    "archive_mode": "off",
    "archive_command": "",
    "archive_cleanup_command": "",
    "recovery_end_command": "",
    "restore_command": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
    "synchronous_standby_names": "",  # a commit would wait for ever
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "local_preload_libraries": "",
    "max_logical_replication_workers": "0",
    "listen_addresses": "",
    "external_pid_file": "",
    "ssl": "off",
}
_NO_TARGET = {
    f"recovery_target{kind}": ""
    for kind in ("", "_time", "_lsn", "_xid", "_name")  # what an earlier recovery left behind
}
_OURS = {
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "unix_socket_group": "",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # a probe's own questions are nobody's news
    "log_statement": "none",
    "log_checkpoints": "off",
    "log_connections": "off",
    "lc_messages": "C",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "restart_after_crash": "off",
    "hot_standby": "on",
    "wal_level": "logical",  # nothing that the log says of itself is then too little
    "max_replication_slots": "64",  # the origins that the copy remembers need room
    "autovacuum": "off",  # what is looked at stays as it came
    "fsync": "off",  # the file system is written out as a whole, once the work is done
    "full_page_writes": "off",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "huge_pages": "off",
    "bgwriter_lru_maxpages": "0",
}
_AT_LEAST = {"max_connections": 20, "max_worker_processes": 8, "max_wal_senders": 10}
_MOST_MEMORY = 1 << 30
_SINCE = {
    15: {"archive_library": ""},
    17: {"event_triggers": "off", "sync_replication_slots": "off", "summarize_wal": "off"},
}
_PRELOADED = re.compile(r"^\s*shared_preload_libraries\s*=?\s*'((?:[^'\\]|''|\\.)*)'", re.MULTILINE | re.IGNORECASE)


def isolated(major: int, control: ControlFile, private: Path, more: Mapping[str, str]) -> dict[str, str]:
    """Every setting of a private server whose socket and own files lie in ``private``. ``more`` goes before ours."""
    settings = {**_SILENT, **_NO_TARGET, **_OURS}
    for since, added in _SINCE.items():
        settings |= added if major >= since else {}
    for name, value in control.inherited.items():
        settings[name] = str(max(int(value), _AT_LEAST.get(name, 0))) if value.isdecimal() else value
    settings = {name: value for name, value in settings.items() if name not in more}
    settings["shared_buffers"] = f"{_memory() >> 10}kB"
    return {  # what is set comes after what is unset: two goals at a time are refused, however briefly
        **settings,
        "config_file": str(private / "postgresql.conf"),
        "hba_file": str(private / "pg_hba.conf"),
        "ident_file": str(private / "pg_ident.conf"),
        "unix_socket_directories": str(private),
        **more,
    }


def preloaded(data: Path) -> tuple[str, ...]:
    """The libraries that the original loads at its start, as its own files say; a private server goes without them."""
    said = ""
    for name in ("postgresql.conf", "postgresql.auto.conf"):
        try:
            found = _PRELOADED.findall((data / name).read_text(errors="replace"))
        except OSError:
            continue
        said = found[-1] if found else said
    return tuple(word for word in (part.strip().strip('"') for part in said.split(",")) if word)


def _memory() -> int:
    """How many bytes a private server keeps pages in: a part of the machine's, which others use too."""
    return min(_MOST_MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 8)
