"""What a hospital's schema holds, as PostgreSQL's catalog knows it: a new room's table is in it unasked."""

from typing import Any, NamedTuple

# How values are written: two PostgreSQLs must write the same value in the same way.
TEXT_FORM = (
    "set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres'; set local timezone = 'UTC'; "
    "set local bytea_output = 'hex'; set local extra_float_digits = 1; set local statement_timeout = 0; "
)
# It says what the schema is, not what the hospital did: the manifest holds it.
REVISION = "alembic_version"

# Partitions come with the table that they are parts of. What is computed is computed anew.
_COLUMNS = """
select c.relname::text as name, format('%I.%I', $1::text, c.relname) as quoted, a.attname::text as column,
  quote_ident(a.attname) as quoted_column
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = to_regnamespace($1::text) and c.relkind in ('r', 'p') and not c.relispartition
  and a.attgenerated = '' and c.relname <> $2::text
order by c.relname, a.attnum
"""
_SEQUENCES = """
select c.relname::text as name, format('%I.%I', $1::text, c.relname) as quoted,
  d.refobjid::regclass::text as table, quote_ident(a.attname) as column
from pg_class c
left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')
  and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
where c.relnamespace = to_regnamespace($1::text) and c.relkind = 'S' order by c.relname
"""
_FOREIGN_KEYS = """
select conrelid::regclass::text as table, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
from pg_constraint where connamespace = to_regnamespace($1::text) and contype = 'f' and conparentid = 0
order by 1, 2
"""
# Triggers that keep `public` in step, such as the directory of e-mails.
_ANNOUNCERS = r"""
select t.tgrelid::regclass::text as table, quote_ident(t.tgname) as name
from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
where c.relnamespace = to_regnamespace($1::text) and not t.tgisinternal and t.tgenabled = 'O'
  and p.prosrc ~ '\mpublic\.' order by 1, 2
"""


class TableShape(NamedTuple):
    """A table; `columns` are quoted by name, but for those that are computed."""

    name: str
    quoted: str
    columns: dict[str, str]

    def rows(self, columns: list[str]) -> str:
        """The statement that reads these columns, in this order."""
        return f"select {', '.join(self.columns[column] for column in columns)} from {self.quoted}"  # noqa: S608 - quoted


class Counter(NamedTuple):
    """A sequence, and the column that takes its numbers, if one does."""

    name: str
    quoted: str
    table: str | None
    column: str | None


class Rule(NamedTuple):
    """A foreign key or a trigger, by name: quoted, as `table` is. `definition` makes the foreign key anew."""

    table: str
    name: str
    definition: str = ""


async def tables(connection: Any, schema: str) -> dict[str, TableShape]:
    """Every table that holds rows of the hospital's, by name."""
    found: dict[str, TableShape] = {}
    for row in await connection.fetch(_COLUMNS, schema, REVISION):
        shape = found.setdefault(row["name"], TableShape(row["name"], row["quoted"], {}))
        shape.columns[row["column"]] = row["quoted_column"]
    return found


async def counters(connection: Any, schema: str) -> dict[str, Counter]:
    rows = await connection.fetch(_SEQUENCES, schema)
    return {row["name"]: Counter(*row.values()) for row in rows}


async def foreign_keys(connection: Any, schema: str) -> list[Rule]:
    return [Rule(*row.values()) for row in await connection.fetch(_FOREIGN_KEYS, schema)]


async def announcers(connection: Any, schema: str) -> list[Rule]:
    """Triggers on the hospital's tables that write to `public` what it must know of them."""
    return [Rule(*row.values()) for row in await connection.fetch(_ANNOUNCERS, schema)]
