"""What one database of a restored server is asked, to prove that it is whole.

Each question is a function whose docstring is the sentence that it proves. It returns its evidence in words, or raises
``Untrue`` with what contradicts it, or ``NotKnown`` where it could not be asked. It changes nothing that stays: what
has to be made for asking is made in a transaction that is rolled back. Foreign tables and views are left alone, for
reading them could call others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from covenant.adapters.sources.postgres.asking import rows

if TYPE_CHECKING:
    from psycopg import Connection

_SHOWN = 3
_LIBRARY_WORDS = (
    "shared_preload_libraries",
    "must be preloaded",
    "must be loaded via",
    "$libdir",
    "could not load library",
)


class Untrue(Exception):
    """It was asked, and it is not so."""


class NotKnown(Exception):
    """It could not be asked."""


@dataclass(slots=True)
class Counted:
    """What was met while asking."""

    relations: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Database:
    """One database that is being asked. ``recovering`` is whether the server only reads, being still in recovery."""

    name: str
    link: Connection[tuple[Any, ...]]
    recovering: bool = False
    counted: Counted = field(default_factory=Counted)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a statement returns."""
        return rows(self.link, statement, *values)

    def one(self, statement: str, *values: Any) -> Any:
        """The one value that a statement returns."""
        return self.rows(statement, *values)[0][0]

    def relations(self, kinds: str) -> list[tuple[int, str]]:
        """Number and full name of every relation of these kinds that outlives a crash."""
        return self.rows(_RELATIONS, list(kinds))


Question: TypeAlias = Callable[[Database], str]

_RELATIONS = """
SELECT c.oid::bigint, c.oid::regclass::text FROM pg_class c
WHERE c.relkind = ANY (%s::"char"[]) AND c.relpersistence = 'p' ORDER BY c.oid
"""


def relations_read(database: Database) -> str:
    """Every relation reads, with every value in it."""
    found = database.relations("rm")
    total, wrong, unread = 0, list[str](), list[str]()
    for _, name in found:
        try:
            total += database.one(f"SELECT count(t::text) FROM ONLY {name} AS t")
        except _errors() as error:
            (unread if wants_library(error) else wrong).append(f"{name}: {said(error)}")
    database.counted.relations += len(found)
    database.counted.rows += total
    _refuse(wrong)
    if unread:
        raise NotKnown("; ".join(_few(unread)))
    return f"{len(found):,} relations, {total:,} rows"


def structures_hold(database: Database) -> str:
    """Every table and index is as amcheck wants it."""
    import psycopg

    with database.link.transaction(force_rollback=True):
        schema = _amcheck(database)
        heaps, indexes = database.relations("rmt"), database.rows(_BTREES)
        wrong = []
        for number, name in heaps:
            messages = database.rows(f"SELECT msg FROM {schema}.verify_heapam(%s::oid::regclass) LIMIT 3", number)
            wrong += [f"{name}: {message}" for (message,) in messages]
        for number, name in indexes:
            try:
                with database.link.transaction():
                    database.rows(f"SELECT {schema}.bt_index_check(%s::oid::regclass, true)", number)
            except (psycopg.errors.IndexCorrupted, psycopg.errors.DataCorrupted, psycopg.errors.InternalError) as error:
                wrong.append(f"{name}: {said(error)}")
    _refuse(wrong)
    return f"{len(heaps):,} tables, {len(indexes):,} indexes"


_BTREES = """
SELECT c.oid::bigint, c.oid::regclass::text
FROM pg_class c JOIN pg_am a ON a.oid = c.relam JOIN pg_index i ON i.indexrelid = c.oid
WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence = 'p' AND i.indisvalid AND i.indisready ORDER BY c.oid
"""


def _amcheck(database: Database) -> str:
    """The schema that amcheck's functions are in; made for this transaction where it is not there."""
    found = database.rows("SELECT extnamespace::regnamespace::text FROM pg_extension WHERE extname = 'amcheck'")
    if found:
        return str(found[0][0])
    if not database.rows("SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'"):
        raise NotKnown("amcheck is not installed beside this server")
    if database.recovering:
        raise NotKnown("amcheck is not in this database, and cannot be made while it is in recovery")
    database.rows("CREATE SCHEMA covenant_probe")
    database.rows("CREATE EXTENSION amcheck SCHEMA covenant_probe")
    return "covenant_probe"


def collations_agree(database: Database) -> str:
    """Text sorts here as it did where the indexes were made."""
    moved = database.rows(_COLLATIONS)
    if moved:
        names = ", ".join(f"{name} ({was} there, {here} here)" for name, was, here in moved[:_SHOWN])
        raise NotKnown(f"collations are of another version: {names}; REINDEX what they sort before it is used")
    return "every collation is of the version that made it"


_COLLATIONS = """
SELECT c.collname, c.collversion, pg_collation_actual_version(c.oid) FROM pg_collation c
WHERE c.collversion IS NOT NULL AND c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid)
  AND EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_collation'::regclass AND d.refobjid = c.oid)
UNION ALL
SELECT d.datname, d.datcollversion, pg_database_collation_actual_version(d.oid) FROM pg_database d
WHERE d.datname = current_database() AND d.datcollversion IS NOT NULL
  AND d.datcollversion IS DISTINCT FROM pg_database_collation_actual_version(d.oid)
"""


def checks_hold(database: Database) -> str:
    """Every row keeps its table's checks, and no column is null that must not be."""
    database.rows("SET constraint_exclusion = off")  # else the planner trusts what is to be proved
    tables, wrong = database.rows(_CHECKS), []
    for table, names, conditions in tables:
        counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in conditions)
        (broken,) = database.rows(f"SELECT {counts} FROM ONLY {table}")
        wrong += [f"{table}: {count:,} rows break {name}" for name, count in zip(names, broken, strict=True) if count]
    _refuse(wrong)
    return f"{sum(len(names) for _, names, _ in tables):,} checks on {len(tables):,} tables"


_CHECKS = """
SELECT t.oid::regclass::text, array_agg(x.name ORDER BY x.name), array_agg(x.condition ORDER BY x.name)
FROM pg_class t JOIN (
    SELECT conrelid, conname::text, format('NOT (%s)', pg_get_expr(conbin, conrelid)) FROM pg_constraint
    WHERE contype = 'c' AND convalidated AND conrelid <> 0
    UNION ALL
    SELECT attrelid, format('NOT NULL of %I', attname), format('num_nulls(%I) > 0', attname) FROM pg_attribute
    WHERE attnotnull AND attnum > 0 AND NOT attisdropped
) AS x (relation, name, condition) ON x.relation = t.oid
WHERE t.relkind = 'r' AND t.relpersistence = 'p' AND t.relnamespace <> 'pg_catalog'::regnamespace GROUP BY t.oid
"""


def references_hold(database: Database) -> str:
    """Every foreign key finds its row."""
    keys, wrong = database.rows(_KEYS), []
    for table, name, target, columns, matches in keys:
        given = " AND ".join(f"c.{column} IS NOT NULL" for column in columns)
        found = f"SELECT FROM {target} AS p WHERE {' AND '.join(matches)}"
        lost = database.one(f"SELECT count(*) FROM {table} AS c WHERE {given} AND NOT EXISTS ({found})")
        if lost:
            wrong.append(f"{table}: {lost:,} rows of {name} find nothing in {target}")
    _refuse(wrong)
    return f"{len(keys):,} foreign keys"


_KEYS = """
SELECT k.conrelid::regclass::text, k.conname::text, k.confrelid::regclass::text,
       array_agg(quote_ident(a.attname) ORDER BY x.place),
       array_agg(format('p.%I OPERATOR(%I.%s) c.%I', b.attname, n.nspname, o.oprname, a.attname) ORDER BY x.place)
FROM pg_constraint k
CROSS JOIN LATERAL unnest(k.conkey, k.confkey, k.conpfeqop) WITH ORDINALITY AS x (ours, theirs, operator, place)
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.ours
JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = x.theirs
JOIN pg_operator o ON o.oid = x.operator JOIN pg_namespace n ON n.oid = o.oprnamespace
JOIN pg_class t ON t.oid = k.conrelid AND t.relpersistence = 'p'
WHERE k.contype = 'f' AND k.convalidated AND k.conparentid = 0
  AND coalesce((to_jsonb(k) ->> 'conperiod')::boolean, false) = false
GROUP BY k.oid, k.conrelid, k.conname, k.confrelid ORDER BY 1, 2
"""


def sequences_ahead(database: Database) -> str:
    """Every sequence is ahead of the column that it fills."""
    found, wrong = database.rows(_SEQUENCES), []
    for sequence, table, column, upwards in found:
        last, called = database.rows(f"SELECT last_value, is_called FROM {sequence}")[0]
        most = database.one(f"SELECT {'max' if upwards else 'min'}({column}) FROM {table}")
        ahead = most is None or (most < last if upwards else most > last) or (called and most == last)
        if not ahead:
            wrong.append(f"{sequence} stands at {last:,}, {table}.{column} at {most:,}")
    _refuse(wrong)
    return f"{len(found):,} sequences"


_SEQUENCES = """
SELECT s.oid::regclass::text, t.oid::regclass::text, quote_ident(a.attname), q.seqincrement > 0
FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' AND s.relpersistence = 'p'
JOIN pg_sequence q ON q.seqrelid = s.oid AND NOT q.seqcycle
JOIN pg_class t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p') AND t.relpersistence = 'p'
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid AND a.atttypid IN (20, 21, 23)
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') ORDER BY 1
"""

QUESTIONS: tuple[Question, ...] = (
    relations_read,
    structures_hold,
    collations_agree,
    checks_hold,
    references_hold,
    sequences_ahead,
)


def wants_library(error: BaseException) -> bool:
    """Whether it could not be asked for want of a library, which the original has, or loads at its start."""
    return any(words in str(error) for words in _LIBRARY_WORDS)


def said(error: BaseException) -> str:
    """The first line of what PostgreSQL answered."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _errors() -> tuple[type[Exception], ...]:
    """What only concerns the relation that was read, not the connection."""
    import psycopg

    return (
        psycopg.errors.DataCorrupted,
        psycopg.errors.IndexCorrupted,
        psycopg.errors.InternalError,
        psycopg.errors.IoError,
        psycopg.errors.UndefinedFile,
        psycopg.errors.DataError,
    )


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise Untrue("; ".join(_few(wrong)))


def _few(lines: list[str]) -> Iterator[str]:
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"and {len(lines) - _SHOWN:,} more"
