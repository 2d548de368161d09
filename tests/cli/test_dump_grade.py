"""A PostgreSQL server that does not let itself be replicated is kept by dumps, and comes back from them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from covenant.adapters.sources.postgres.client_programs import apart, environment, fed
from covenant.kernel.errors import DamageError
from tests.cli.running import Ran, here
from tests.oracle.program import Restic
from tests.servers.postgres import PASSWORD as SERVER_PASSWORD
from tests.servers.postgres import PostgresServer, postgres_server
from tests.vaults import PASSWORD, a_store, a_vault

__all__ = ["postgres_server"]

SOURCES = """\
[vault]
url = "vault"
password = { file = "password" }
[sources.shop]
kind = "postgres"
url = { env = "SHOP" }
grade = "dump"
class = "critical"
[[sources.shop.probes]]
kind = "sql"
query = "SELECT count(*) FROM public.children"
expect = 501
[sources.part]
kind = "postgres"
url = { env = "SHOP" }
schemas = ["public", "Odd ""Schema"]
class = "important"
[sources.best]
kind = "postgres"
url = { env = "SHOP" }
class = "important"
""".replace('"Odd ""Schema"', "'Odd \"Schema'")

CONTENT = """
CREATE SCHEMA "Odd ""Schema";
CREATE TABLE "Odd ""Schema"."täble; DROP" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "co l" text NOT NULL,
    twice text GENERATED ALWAYS AS (upper("co l")) STORED);
INSERT INTO "Odd ""Schema"."täble; DROP" ("co l") VALUES (E'a\\tb\\nc\\\\d'), ('\\.'), (''), ('ünïcode 🙂');
CREATE TABLE parents (id bigserial PRIMARY KEY, body bytea, at timestamptz DEFAULT '2026-01-01 00:00Z');
INSERT INTO parents (body) SELECT sha256(n::text::bytea) FROM generate_series(1, 500) AS n;
INSERT INTO parents (body) SELECT string_agg(sha256(n::text::bytea), '') FROM generate_series(1, 20000) AS n;
CREATE TABLE children (parent bigint NOT NULL REFERENCES parents ON DELETE CASCADE, n numeric CHECK (n > 0));
INSERT INTO children SELECT id, id / 3.0 FROM parents;
CREATE TABLE cut (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE cut_low PARTITION OF cut FOR VALUES FROM (0) TO (10);
INSERT INTO cut VALUES (1, NULL), (2, 'two');
CREATE SEQUENCE apart START 7 INCREMENT 5;
SELECT nextval('apart'), nextval('apart');
CREATE VIEW seen AS SELECT count(*) AS n FROM children;
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no more'; END $$;
CREATE TRIGGER noted BEFORE INSERT ON children FOR EACH ROW EXECUTE FUNCTION noted();
"""
TABLES = ('"Odd ""Schema"."täble; DROP"', "public.parents", "public.children", "public.cut")


@dataclass(frozen=True, slots=True)
class Shop:
    """A server with a database that has a little of everything, a vault, and a covenant.toml."""

    home: Path
    server: PostgresServer
    database: str

    def covenant(self, *words: object, url: str = "", programs: Path | None = None) -> Ran:
        """Run a command on the folder's covenant.toml."""
        address = url or self.server.url(self.database, "keeper")
        variables = {"SHOP": address, "COVENANT_STATE_DIR": str(self.home / "state"), "PATH": "/usr/bin:/bin"}
        if programs is not None:
            variables["COVENANT_POSTGRES_PROGRAMS"] = str(programs)
        return here("-c", self.home / "covenant.toml", *words, variables=variables)

    def holds(self, url: str) -> dict[str, Any]:
        """What a database holds: a checksum of every table, and where sequences stand."""
        return contents(self.server, url.rpartition("/")[2])


def contents(server: PostgresServer, database: str) -> dict[str, Any]:
    """Rows and a checksum of each table, the constraints, and where a sequence stands."""
    found: dict[str, Any] = {
        table: server.run(f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {table} AS t", database)
        for table in TABLES
    }
    found["constraints"] = server.run(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace ORDER BY 1",
        database,
    )
    found["triggers"] = server.run("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal", database)
    found["owners"] = server.run(
        "SELECT relname, relowner::regrole::text FROM pg_class WHERE relname = 'parents'", database
    )
    found["apart"] = server.run("SELECT last_value, is_called FROM apart", database)
    found["identity"] = server.run("""SELECT last_value FROM "Odd ""Schema"."täble; DROP_id_seq" """, database)
    return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Shop:
    """The shop, whose role may read everything, and replicate or not as a test says."""
    home = tmp_path_factory.mktemp("shop")
    a_vault(a_store(home / "vault"))
    (home / "password").write_text(PASSWORD)
    (home / "covenant.toml").write_text(SOURCES)
    database = postgres_server.new_database().rpartition("/")[2]
    rights = "NOSUPERUSER CREATEDB CREATEROLE LOGIN REPLICATION BYPASSRLS"  # as a provider's customers have them
    postgres_server.run(f"CREATE ROLE keeper {rights} PASSWORD '{SERVER_PASSWORD}'")
    postgres_server.run("CREATE ROLE reader LOGIN PASSWORD 'another-password'")
    postgres_server.run("CREATE ROLE stranger LOGIN PASSWORD 'strange'")
    postgres_server.run("CREATE ROLE outsider LOGIN PASSWORD 'outside'")
    postgres_server.run("GRANT pg_read_all_data TO reader, keeper")
    for statement in CONTENT.strip().split(";\n"):
        postgres_server.run(statement, database)
    return Shop(home, postgres_server, database)


def test_a_dump_goes_into_an_empty_database(shop: Shop) -> None:
    """Every row, key, sequence and trigger comes back; what is not empty, and the source itself, are refused."""
    into = shop.server.new_database()

    kept = shop.covenant("backup", "shop", "--json")
    back = shop.covenant("restore", "shop", "--into", into, "--json")
    again = shop.covenant("restore", "shop", "--into", into)
    itself = shop.covenant("restore", "shop", "--into", "shop")

    assert 0 == kept.code, kept.err
    assert 0 == back.code, back.err
    assert contents(shop.server, shop.database) == shop.holds(into)
    assert 501 + 501 + 4 + 2 == sum(back.document["rows"].values())
    assert not any("passwords of roles" in text for text in back.document["left_out"])
    assert (22, 2) == (again.code, itself.code)
    assert "the database is not empty" in again.err
    assert SERVER_PASSWORD not in kept.out + kept.err + back.out + back.err


def test_a_dump_comes_back_as_a_server_of_its_own(shop: Shop) -> None:
    """In a drill it is loaded where nobody reaches it, has every row that was counted, and answers the user."""
    shop.covenant("backup", "shop")

    ran = shop.covenant("drill", "run", "monthly", "shop", "--json")

    (source,) = ran.document["drill"]["sources"]
    answers = {answer["question"]: answer["result"] for answer in source["answers"]}
    assert (0, "passed") == (ran.code, ran.document["result"]), ran.out
    assert "passed" == answers[f"{shop.database}: public.parents has 501 rows"]
    assert "passed" == answers[f"{shop.database}: SELECT count(*) FROM public.children"]
    assert {"passed"} == {damage["result"] for damage in source["planted"]}


def test_what_cannot_be_replicated_falls_to_a_dump(shop: Shop) -> None:
    """Nothing need be said for it, and it is a finding; a second dump of the same stores next to nothing."""
    url = shop.server.url(shop.database, "reader", "another-password")

    first, second = (shop.covenant("backup", "best", "--json", url=url) for _ in range(2))
    doctor = shop.covenant("doctor", "shop", "--json", url=url)

    assert (1, 1) == (first.code, second.code), first.err
    assert ["kept-by-dump"] == [each["kind"] for each in first.document["findings"]]
    assert second.document["data_bytes"] < first.document["bytes"] / 100
    assert 0 == doctor.code, doctor.out
    assert "another-password" not in first.out + first.err + doctor.out


def test_a_dump_that_breaks_off_is_none(shop: Shop) -> None:
    """Where the program fails after half of its output, or may not read a table, there is no snapshot."""
    programs = shop.home / "programs"
    programs.mkdir()
    real = shop.server.programs
    (programs / "pg_dumpall").symlink_to(real / "pg_dumpall")
    (programs / "pg_dump").write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {real}/pg_dump --version\n'
        "echo half; echo 'pg_dump: error: connection lost' >&2; exit 1\n"
    )
    (programs / "pg_dump").chmod(0o755)
    before = len(list((shop.home / "vault/snapshots").iterdir()))

    broken = shop.covenant("backup", "shop", programs=programs)
    denied = shop.covenant("backup", "shop", url=shop.server.url(shop.database, "outsider", "outside"))

    assert (23, 23) == (broken.code, denied.code), broken.err + denied.err
    assert "cannot be dumped (2-schema.sql): connection lost" in broken.err
    assert "permission denied" in denied.err
    assert before == len(list((shop.home / "vault/snapshots").iterdir()))


def test_only_some_schemas(shop: Shop) -> None:
    """What names schemas is kept by dumps of them, and loads into an empty database, its own public schema included."""
    into = shop.server.new_database()
    for schema in ("public", '"Odd ""Schema"'):
        shop.server.run(f"GRANT USAGE ON SCHEMA {schema} TO stranger", shop.database)
        shop.server.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO stranger", shop.database)
        shop.server.run(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO stranger", shop.database)
    url = shop.server.url(shop.database, "stranger", "strange")

    kept = shop.covenant("backup", "part", "--json", url=url)
    back = shop.covenant("restore", "part", "--into", into)
    files = shop.covenant("restore", "part", "--target", shop.home / "files")
    moment = shop.covenant("restore", "part", "--to", "2026-01-01", "--target", shop.home / "no")

    assert (0, 0, 0) == (kept.code, back.code, files.code), kept.err + back.err + files.err
    assert contents(shop.server, shop.database) == shop.holds(into)
    assert any("every schema but" in note for note in kept.document["notes"])
    assert any("passwords of roles, which stranger may not read" in note for note in kept.document["notes"])
    assert (shop.home / "files/part/3-data.sql").is_file()
    assert 2 == moment.code
    assert "no moment between two of them can be had" in moment.err


def test_half_of_a_file_is_never_committed(shop: Shop) -> None:
    """Where reading the vault breaks off, what was fed so far is not taken for the whole."""
    into = shop.server.new_database()
    conninfo, secret = apart(into)
    words = ["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--single-transaction", f"--dbname={conninfo}", "--file=-"]

    def feed(out: IO[bytes]) -> None:
        out.write(b"CREATE TABLE half (n int);\n")
        out.flush()
        raise DamageError("the rest is lost")

    with pytest.raises(DamageError):
        fed([str(shop.server.programs / "psql"), *words], environment({}, secret), feed)

    assert SERVER_PASSWORD not in conninfo
    assert [] == shop.server.run("SELECT relname FROM pg_class WHERE relname = 'half'", into.rpartition("/")[2])


def test_runbooks_say_how_a_dump_comes_back(shop: Shop) -> None:
    """Whoever follows one loads a dump into an empty database, an older one where the newest has the error in it."""
    corrupt, error = (shop.covenant("runbook", "show", name).out for name in ("database-corruption", "human-error"))

    assert "restore shop --into URL\n" in corrupt
    assert "restore shop --into URL --from SNAPSHOT\n" in error


def test_stock_programs_bring_a_dump_back(shop: Shop) -> None:
    """restic restores the files, and psql loads them in the order of their names."""
    kept = shop.covenant("backup", "shop", "--json")
    into = shop.server.new_database()
    target = shop.home / "by-restic"

    Restic(shop.home / "vault", PASSWORD).run("restore", kept.document["snapshot_id"], "--target", str(target))
    files = sorted((target / "shop").glob("[2-4]*.sql"))
    for file in files:
        words = ["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", str(file), into]
        subprocess.run([shop.server.programs / "psql", *words], check=True, capture_output=True)

    assert ["2-schema.sql", "3-data.sql", "4-constraints.sql"] == [file.name for file in files]
    assert contents(shop.server, shop.database) == shop.holds(into)
