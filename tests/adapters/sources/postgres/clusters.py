"""Data directories of PostgreSQL for tests: made once, copied for whoever changes them, started as a private server."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from covenant.adapters.sources.postgres.asking import connected, rows
from covenant.adapters.sources.postgres.programs import Programs, find_programs
from covenant.adapters.sources.postgres.server import PrivateServer, running
from covenant.adapters.sources.postgres.server_user import user_for
from covenant.kernel.clock import SystemClock

CLOCK = SystemClock()
BOSS = "boss"
"""The superuser of these clusters, which is not called ``postgres``."""

SHOP = """
CREATE DATABASE shop;
CREATE ROLE reader LOGIN;
"""
IN_SHOP = """
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL CHECK (name <> ''));
CREATE TABLE orders (id serial PRIMARY KEY, customer bigint NOT NULL REFERENCES customers, note text);
INSERT INTO customers (name) SELECT 'customer ' || n FROM generate_series(1, 400) n;
INSERT INTO orders (customer, note) SELECT n, repeat(md5(n::text), 200) FROM generate_series(1, 400) n;
CREATE UNLOGGED TABLE scratch (n int);
CREATE VIEW recent AS SELECT * FROM orders;
CHECKPOINT;
"""


def open_folder() -> Path:
    """A new folder that the server's user may reach, gone when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="covenant-cluster-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def programs() -> Programs:
    """Those of the oldest version that is installed."""
    found = sorted(int(path.name) for path in Path("/usr/lib/postgresql").glob("[0-9]*"))
    assert found, "PostgreSQL is not installed: scripts/setup.sh program postgresql"
    return find_programs(found[0])


@functools.cache
def a_shop() -> Path:
    """A data directory with a small shop in it, stopped in order. Not to be changed: take a ``copy``."""
    data = open_folder() / "data"
    data.mkdir()
    user = user_for(data)
    user.give(data)
    command = [programs().named("initdb"), "-D", data, "-U", BOSS, "-A", "trust", "-E", "UTF8", "-k", "-N"]
    subprocess.run(list(map(str, command)), check=True, capture_output=True, cwd="/", **user.process)
    with running(data, CLOCK, BOSS) as server:
        do(server, "postgres", *SHOP.strip().splitlines())
        do(server, "shop", *IN_SHOP.strip().splitlines())
    return data


def copy(data: Path) -> Path:
    """A copy of a data directory, to be changed at will."""
    target = open_folder() / "data"
    subprocess.run(["cp", "-a", str(data), str(target)], check=True)
    return target


def do(server: PrivateServer, database: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements one after another; the rows of the last."""
    found: list[tuple[Any, ...]] = []
    with connected(server, database, BOSS) as link:
        link.execute("SET search_path = public")
        for statement in statements:
            found = rows(link, statement)
    return found
