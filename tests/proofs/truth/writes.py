"""SQL that a hospital's role may run, made up from the tables and from the rights that it has on them."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from sqlalchemy import ARRAY, Column, Enum, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import Boolean, Date, DateTime, Integer, LargeBinary, Numeric, Text, Uuid

from tests.cast import Hospital, number
from tests.proofs.truth.replay import TABLES

RIGHTS = """
select c.relname, r, coalesce(array_agg(a.attname::text) filter (
  where r = 'DELETE' or has_column_privilege('{s}', c.oid, a.attnum, r)), '{}') as columns
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped,
unnest(array['INSERT', 'UPDATE', 'DELETE']) r
where c.relnamespace = '{s}'::regnamespace and c.relname = any($1::text[])
  and (has_table_privilege('{s}', c.oid, r) or (r <> 'DELETE' and has_any_column_privilege('{s}', c.oid, r)))
group by 1, 2 order by 1, 2
"""
WORDS = ("Ação", "ünïcode", 'a"b\\c', "texto")


@dataclass(frozen=True)
class Verb:
    """Something that a hospital's role may do to a table, and in which columns."""

    table: str
    verb: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.verb.lower()} {self.table}"


async def verbs(hospital: Hospital) -> list[Verb]:
    """All of them, as the rights say."""
    found = await hospital.sql(RIGHTS, list(TABLES))
    return [Verb(table, right, tuple(columns)) for table, right, columns in found]


def statement(verb: Verb, rng: random.Random) -> str:
    """One statement, on one row or a few."""
    table = TABLES[verb.table]
    some = f"(select * from {verb.table} order by md5(row({verb.table}.*)::text || '{rng.random()}') limit"  # noqa: S608 - names of ours
    keys = ", ".join(column.name for column in table.primary_key)
    if verb.verb == "DELETE":
        # One row stays: an insert makes its like.
        some = f"{some} {rng.randint(1, 2)} offset 1"
        return f"delete from {verb.table} where ({keys}) in (select {keys} from {some}) as s)"  # noqa: S608 - as above
    columns = [column for column in table.columns if column.name in verb.columns and column.computed is None]
    if verb.verb == "UPDATE":
        chosen = rng.sample(columns, rng.randint(1, min(3, len(columns))))
        changes = ", ".join(f"{column.name} = {_value(table, column, rng)}" for column in chosen)
        return (
            f"update {verb.table} set {changes} where ({keys}) in (select {keys} from {some} {rng.randint(1, 3)}) as s)"  # noqa: S608 - names of ours
        )
    changed = {column.name for column in columns if column.primary_key or rng.random() < 0.4}
    values = [_value(table, column, rng) if column.name in changed else column.name for column in columns]
    rows = 1 if rng.random() < 0.6 else 3
    names = ", ".join(column.name for column in columns)
    return f"insert into {verb.table} ({names}) select {', '.join(values)} from {some} {rows}) as s"  # noqa: S608 - names of ours


async def run(connection: Any, hospital: Hospital, sql: str) -> bool:
    """Whether the database took it, as the hospital's role and in a transaction of its own."""
    try:
        async with connection.transaction():
            await connection.execute(f"set local role {hospital.schema}; set local search_path = {hospital.schema}")
            status: str = await connection.execute(sql)
    except asyncpg.PostgresError as error:
        if isinstance(error, asyncpg.SyntaxOrAccessError) and not isinstance(error, asyncpg.InsufficientPrivilegeError):
            raise
        return False
    return not status.endswith(" 0")


def _value(table: Table, column: Column[Any], rng: random.Random) -> str:  # noqa: C901, PLR0911 - one line a type
    """An expression for a column, which the rules of the table may well refuse."""
    kind, name = column.type, column.name
    if column.nullable and rng.random() < 0.2:
        return "null"
    if column.foreign_keys:
        (key,) = column.foreign_keys
        other = key.column.table.name
        return (
            f"(select {key.column.name} from {other} order by md5({key.column.name}::text || '{rng.random()}') limit 1)"  # noqa: S608 - names of ours
        )
    if column.primary_key and isinstance(kind, Uuid):
        return "gen_random_uuid()"
    if isinstance(kind, Uuid):
        return name
    if isinstance(kind, Enum):
        return f"'{rng.choice(kind.enums)}'"
    if isinstance(kind, ARRAY):
        return f"{name} || '{{pets:ler}}'"
    if isinstance(kind, JSONB):
        return """'{"a": null, "b": [1, {"c": null}]}'"""
    if isinstance(kind, Boolean):
        return f"not {name}"
    if isinstance(kind, Numeric):
        return f"{name} + {rng.randint(1, 9)}.5"
    if isinstance(kind, Integer):
        return f"{name} + {rng.randint(1, 9)}"
    if isinstance(kind, DateTime | Date):
        return f"'{datetime.now(UTC) - timedelta(minutes=rng.randint(0, 1000))}'"
    if isinstance(kind, LargeBinary):
        return "'\\x00ff'"
    assert isinstance(kind, Text), f"{table.name}.{name}: no value is known for {kind!r}"
    return f"'{rng.choice(WORDS)} {number()}'"
