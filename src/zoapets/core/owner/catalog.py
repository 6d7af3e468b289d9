"""What a schema is made of, as text: to prove that every hospital has the same."""

from typing import Any

import msgspec


class CatalogLine(msgspec.Struct, frozen=True):
    """One thing in a schema, with the schema's own name taken out."""

    kind: str
    text: str


# Columns, constraints, indexes, triggers, functions and rights, as text.
CATALOG = """
with s as (select oid, nspname from pg_namespace where nspname = $1::text)
select kind, replace(line, $1::text, '__tenant__') as line from (
  select 'column' as kind, format('%s.%s %s%s default %s %s', c.relname, a.attname,
    format_type(a.atttypid, a.atttypmod), case when a.attnotnull then ' not null' else '' end,
    pg_get_expr(d.adbin, d.adrelid), concat(a.attgenerated, a.attidentity)) as line
  from s join pg_class c on c.relnamespace = s.oid and c.relkind in ('r', 'v')
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  union all
  select 'constraint', format('%s %s: %s', c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid))
  from s join pg_constraint c on c.connamespace = s.oid
  union all
  select 'index', pg_get_indexdef(i.indexrelid) from s join pg_class c on c.relnamespace = s.oid
  join pg_index i on i.indrelid = c.oid
  union all
  select 'trigger', pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
  from s join pg_class c on c.relnamespace = s.oid
  join pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal
  union all
  select 'function', pg_get_functiondef(p.oid) from s join pg_proc p on p.pronamespace = s.oid
  union all
  select 'right', format('%s %s %s', c.relname, c.relacl::text, pg_get_userbyid(c.relowner))
  from s join pg_class c on c.relnamespace = s.oid and c.relkind in ('r', 'S')
  union all
  select 'right', format('%s.%s %s', c.relname, a.attname, a.attacl::text) from s
  join pg_class c on c.relnamespace = s.oid join pg_attribute a on a.attrelid = c.oid and a.attacl is not null
) as lines order by 1, 2
"""


async def catalog(connection: Any, schema: str) -> frozenset[CatalogLine]:
    """All that a schema is made of, comparable with another hospital's."""
    rows = await connection.fetch(CATALOG, schema)
    return frozenset(CatalogLine(row["kind"], row["line"]) for row in rows)
