"""The probe of a restored server: what is whole passes, what is not is named, what cannot be asked is never passed."""

from __future__ import annotations

from pathlib import Path

from covenant.adapters.sources.postgres.asking import connected
from covenant.adapters.sources.postgres.probing import Statement, Wanted, checksum_of, checksums_hold, probe
from covenant.adapters.sources.postgres.questions import Database
from covenant.adapters.sources.postgres.server import PrivateServer, running
from covenant.kernel.answers import Answer, Result
from tests.adapters.sources.postgres.clusters import BOSS, CLOCK, a_shop, copy, do, programs

PASSED, FAILED, NOT_KNOWN = Result.PASSED, Result.FAILED, Result.COULD_NOT_VERIFY


def of_shop(answers: tuple[Answer, ...]) -> dict[str, tuple[Result, str]]:
    """What was answered for the shop's database, by question."""
    return {
        answer.question.removeprefix("shop: "): (answer.result, answer.detail)
        for answer in answers
        if answer.question.startswith("shop: ")
    }


def not_passed(answers: tuple[Answer, ...]) -> dict[str, tuple[Result, str]]:
    """The same, of what did not pass."""
    return {question: said for question, said in of_shop(answers).items() if said[0] is not PASSED}


def ruined(server: PrivateServer, *statements: str) -> dict[str, tuple[Result, str]]:
    """What does not pass after statements that no constraint saw."""
    do(server, "shop", "SET session_replication_role = replica", *statements)
    return not_passed(probe(server, (BOSS,)))


def test_a_whole_server_passes() -> None:
    """Every question about a sound database passes, with its evidence, and asking leaves nothing behind."""
    with running(copy(a_shop()), CLOCK, BOSS) as server:
        answers = probe(server, (BOSS,))
        left = do(server, "shop", "SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'")

    assert {} == not_passed(answers)
    assert (PASSED, "the server answers") == (answers[0].result, answers[0].question)
    assert "400" not in of_shop(answers)["every sequence is ahead of the column that it fills"][1]
    assert "2 sequences" == of_shop(answers)["every sequence is ahead of the column that it fills"][1]
    assert "1 foreign keys" == of_shop(answers)["every foreign key finds its row"][1]
    assert [(0,)] == left


def test_what_breaks_a_constraint_is_named() -> None:
    """Rows that a check, a reference or a NOT NULL forbids, and a sequence that was overtaken, fail by name."""
    with running(copy(a_shop()), CLOCK, BOSS) as server:
        found = ruined(
            server,
            "DELETE FROM customers WHERE id = 7",
            "ALTER TABLE customers DROP CONSTRAINT customers_name_check",
            "UPDATE customers SET name = '' WHERE id IN (8, 9)",
            "ALTER TABLE customers ADD CONSTRAINT customers_name_check CHECK (name <> '') NOT VALID",
            "UPDATE pg_constraint SET convalidated = true WHERE conname = 'customers_name_check'",
            "SELECT setval('orders_id_seq', 12)",
        )

    assert {
        "every row keeps its table's checks, and no column is null that must not be": (
            FAILED,
            "public.customers: 2 rows break customers_name_check",
        ),
        "every foreign key finds its row": (
            FAILED,
            "public.orders: 1 rows of orders_customer_fkey find nothing in public.customers",
        ),
        "every sequence is ahead of the column that it fills": (
            FAILED,
            "public.orders_id_seq stands at 12, public.orders.id at 400",
        ),
    } == found


def relation(data: Path, name: str) -> Path:
    """The file of a relation of the shop, the server not running."""
    with running(data, CLOCK, BOSS) as server:
        return data / str(do(server, "shop", f"SELECT pg_relation_filepath('{name}')")[0][0])


def test_a_damaged_page_is_found() -> None:
    """A page of a table that is not what was written fails, by the server's reading and by its checksum."""
    data = copy(a_shop())
    path = relation(data, "customers")
    page = bytearray(path.read_bytes())
    page[4000:4016] = b"not what it was!"
    path.write_bytes(page)

    with running(data, CLOCK, BOSS) as server:
        answers = of_shop(probe(server, (BOSS,)))
    by_checksum = checksums_hold(programs(), data, CLOCK)

    read = answers["every relation reads, with every value in it"]
    assert FAILED is read[0]
    assert "public.customers: invalid page in block 0" in read[1]
    assert FAILED is by_checksum.result
    assert "checksum verification failed" in by_checksum.detail


def test_an_index_that_lacks_a_row_is_found() -> None:
    """amcheck sees that a row of the table is not in the index, though both read well by themselves."""
    data = copy(a_shop())
    path = relation(data, "orders_pkey")
    before = path.read_bytes()
    with running(data, CLOCK, BOSS) as server:
        do(server, "shop", "INSERT INTO orders (customer) SELECT 1 FROM generate_series(1, 3)", "CHECKPOINT")
    path.write_bytes(before)

    with running(data, CLOCK, BOSS) as server:
        found = not_passed(probe(server, (BOSS,)))

    assert ["every table and index is as amcheck wants it"] == list(found)
    assert "orders_pkey" in str(found)
    assert FAILED is found["every table and index is as amcheck wants it"][0]


def test_the_users_own_questions_are_asked() -> None:
    """Row counts, a checksum over a table and SQL with its answer pass where they agree, and fail where they do not."""
    with running(copy(a_shop()), CLOCK, BOSS) as server:
        with connected(server, "shop", BOSS) as link:
            sum_of_orders = checksum_of(Database("shop", link), "orders")
        wanted = Wanted(
            "shop",
            rows={"public.orders": 400, "customers": 399, "gone": 1},
            checksums={"orders": sum_of_orders, "customers": sum_of_orders},
            statements=(
                Statement("SELECT 1, NULL, true UNION ALL SELECT 2, 'x', false", "1||t\n2|x|f"),
                Statement("SELECT count(*) FROM public.orders WHERE note LIKE 'a%'", "0"),
                Statement("SELECT nothing FROM public.orders", "0"),
            ),
        )
        asked = of_shop(probe(server, (BOSS,), wanted))

    own = {question: result for question, (result, _) in list(asked.items())[6:]}
    assert {
        "public.orders has 400 rows": PASSED,
        "customers has 399 rows": FAILED,
        "gone has 1 rows": FAILED,
        "orders is what it was": PASSED,
        "customers is what it was": FAILED,
        "SELECT 1, NULL, true UNION ALL SELECT 2, 'x', false": PASSED,
        "SELECT count(*) FROM public.orders WHERE note LIKE 'a%'": FAILED,
        "SELECT nothing FROM public.orders": FAILED,
    } == own


def test_what_cannot_be_asked_does_not_pass() -> None:
    """A server that is gone, has no role that we know, or keeps no checksums, could not be verified."""
    data = copy(a_shop())
    with running(data, CLOCK, BOSS) as server:
        by_nobody = probe(server, ())
        gone = server
    after = probe(gone, (BOSS,))

    assert [NOT_KNOWN] == [answer.result for answer in by_nobody]
    assert [NOT_KNOWN] == [answer.result for answer in after]


def test_a_library_that_is_missing_is_named() -> None:
    """An extension that wants a library of the original's makes its question unanswerable, not wrong."""
    data = copy(a_shop())
    (data / "postgresql.conf").write_text("shared_preload_libraries = 'clockwork'\n")
    raising = "DO $$ BEGIN RAISE EXCEPTION 'clockwork must be loaded via shared_preload_libraries'; END $$"

    with running(data, CLOCK, BOSS) as server:
        answers = of_shop(probe(server, (BOSS,), Wanted("shop", statements=(Statement(raising, ""),))))

    result, detail = answers[raising]
    assert NOT_KNOWN is result
    assert "the original preloads clockwork" in detail


IN_A_LIBRARY = "LANGUAGE c STRICT AS '$libdir/plpgsql', 'plpgsql_call_handler'"
WITHOUT_LIBRARY = (
    "CREATE TYPE secret",
    f"CREATE FUNCTION secret_in(cstring) RETURNS secret {IN_A_LIBRARY}",
    f"CREATE FUNCTION secret_out(secret) RETURNS cstring {IN_A_LIBRARY}",
    "CREATE TYPE secret (INPUT = secret_in, OUTPUT = secret_out)",
    "CREATE CAST (text AS secret) WITHOUT FUNCTION",
    "CREATE TABLE secrets (s secret)",
    "INSERT INTO secrets SELECT 'x'::text::secret",
    "UPDATE pg_proc SET probin = '$libdir/clockwork' WHERE proname LIKE 'secret_%'",
)


def test_a_relation_whose_library_is_not_here_could_not_be_read() -> None:
    """A type that only a library of the original can show is no damage: whether its table reads is not known."""
    with running(copy(a_shop()), CLOCK, BOSS) as server:
        do(server, "shop", *WITHOUT_LIBRARY)
        found = not_passed(probe(server, (BOSS,)))

    result, detail = found["every relation reads, with every value in it"]
    assert NOT_KNOWN is result
    assert "public.secrets" in detail
    assert "clockwork" in detail
