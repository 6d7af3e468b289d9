"""Whether two hospitals hold the same, and whether all else is as it was: asked of PostgreSQL, not of what copied."""

from typing import Any

from tests.cast import Hospital
from zoapets.core.owner.catalog import catalog

# What differs in a copy on purpose, and why. The audit goes on with what the import itself does.
ON_PURPOSE = {"sessoes": ("revogada_em", "motivo_revogacao")}  # open ones are ended
GROWS = "auditoria"
# Not a hospital's row: what its schema is.
REVISION = "alembic_version"

TABLES = """
select relname::text from pg_class where relnamespace = $1::text::regnamespace and relkind in ('r', 'p') order by 1
"""
# Every column of every row, those that are computed too, in whatever order the rows are.
DIGEST = """
select count(*) || ' ' || coalesce(md5(string_agg(r, '' order by r)), '-') as digest
from (select md5((to_jsonb(t) - $1::text[])::text) as r from {table} t where {which}) as rows
"""
COUNTERS = """
select relname::text as name, pg_sequence_last_value(oid) as last from pg_class
where relnamespace = $1::text::regnamespace and relkind = 'S'
"""
FOREIGN_KEYS = """
select conname::text as name, conrelid::regclass::text as child, confrelid::regclass::text as parent,
  (select array_agg(attname::text) from unnest(conkey) k join pg_attribute on attrelid = conrelid and attnum = k)
  as own,
  (select array_agg(attname::text) from unnest(confkey) k join pg_attribute on attrelid = confrelid and attnum = k)
  as its
from pg_constraint where contype = 'f' and connamespace = $1::text::regnamespace
"""
# Each table that is audited has as many rows as the audit says were inserted, less those removed.
COUNTED = """
select (select count(*) from {schema}.{table})::int as there,
  coalesce(sum(case acao when 'inserir' then coalesce(cardinality(registros), 1) when 'remover' then -1 else 0 end), 0)
  ::int as told from {schema}.auditoria where tabela = '{table}'
"""
# Each row that was edited is at the version that the audit saw last.
VERSIONS = """
with last as (
  select distinct on (registro_id) registro_id, depois->>'versao' as versao from {schema}.auditoria
  where tabela = '{table}' and acao = 'alterar' and depois ? 'versao' order by registro_id, id desc)
select count(*)::int from {schema}.{table} t join last on last.registro_id = t.id::text
where last.versao <> t.versao::text
"""
AUDITED = """
select c.relname::text as table,
  exists (select from pg_attribute where attrelid = c.oid and attname = 'versao') as edited
from pg_trigger t join pg_class c on c.oid = t.tgrelid
where c.relnamespace = $1::text::regnamespace and t.tgname = 'auditar_insercao' order by 1
"""


async def tables(owner: Any, schema: str) -> list[str]:
    return [name for (name,) in await owner.fetch(TABLES, schema)]


async def digest(owner: Any, table: str, which: str = "true", *, without: tuple[str, ...] = ()) -> str:
    """How many rows a table has, and what they come to."""
    found: str = await owner.fetchval(DIGEST.format(table=table, which=which), list(without))
    return found


async def differing(owner: Any, source: str, copy: str, *, on_purpose: bool = True) -> set[str]:
    """The tables and counters of two schemas that are not equal; but for ON_PURPOSE, where it is to be left out."""
    found = set(await tables(owner, source)) ^ set(await tables(owner, copy))
    last = await owner.fetchval(f"select coalesce(max(id), 0) from {source}.{GROWS}")  # noqa: S608 - names of ours
    for table in await tables(owner, source):
        without = ON_PURPOSE.get(table, ()) if on_purpose else ()
        which = f"id <= {last}" if on_purpose and table == GROWS else "true"
        ours = await digest(owner, f"{source}.{table}", which, without=without)
        theirs = await digest(owner, f"{copy}.{table}", which, without=without)
        if ours != theirs:
            found.add(table)
    counters = {row["name"]: row["last"] for row in await owner.fetch(COUNTERS, source)}
    for row in await owner.fetch(COUNTERS, copy):
        if (row["last"] or 0) < (counters[row["name"]] or 0):
            found.add(row["name"])
    return found


async def orphans(owner: Any, schema: str) -> list[str]:
    """Foreign keys of a schema that some row breaks, whatever the constraints themselves say."""
    faults = []
    keys = await owner.fetch(FOREIGN_KEYS, schema)
    assert keys
    for key in keys:
        same = " and ".join(f"p.{its} = c.{own}" for own, its in zip(key["own"], key["its"], strict=True))
        is_set = " and ".join(f"c.{own} is not null" for own in key["own"])
        held = f"not exists (select from {key['parent']} p where {same})"
        if lost := await owner.fetchval(f"select count(*) from {key['child']} c where {is_set} and {held}"):  # noqa: S608
            faults.append(f"{key['name']}: {lost} rows")
    return faults


async def torn(owner: Any, schema: str) -> list[str]:
    """Where a hospital's rows and its audit are not of one moment."""
    faults = await orphans(owner, schema)
    for row in await owner.fetch(AUDITED, schema):
        table, names = row["table"], {"schema": schema, "table": row["table"]}
        there, told = await owner.fetchrow(COUNTED.format(**names))
        if there != told:
            faults.append(f"{table}: {there} rows, {told} in the audit")
        if row["edited"] and (stale := await owner.fetchval(VERSIONS.format(**names))):
            faults.append(f"{table}: {stale} rows of another version than in the audit")
    return faults


async def all_else(owner: Any, *, but: Hospital | None = None) -> dict[str, str]:
    """Every table, every definition and every right in the database; without those of one hospital."""
    found: dict[str, str] = {}
    schema, tenant = (but.schema, but.id) if but else ("-", None)
    names = await owner.fetch(
        "select nspname::text from pg_namespace where nspname !~ '^pg_(toast|temp)' and nspname <> all($1::text[])"
        " order by 1",
        ["information_schema", "pg_catalog", schema],
    )
    for (name,) in names:
        found[name] = str(hash(await catalog(owner, name)))
        for row in await owner.fetch(COUNTERS, name):
            found[f"{name}.{row['name']}"] = str(row["last"])
        for table in await tables(owner, name):
            which = "true"
            if but and name == "public":
                which = f"to_jsonb(t)->>'{'id' if table == 'tenants' else 'tenant_id'}' is distinct from '{tenant}'"
            found[f"{name}.{table}"] = await digest(owner, f"{name}.{table}", which)
    return found


async def registry(owner: Any) -> list[Any]:
    """The schemas that there are, and every row of `public`: what changes as soon as a hospital is begun."""
    schemas: list[Any] = await owner.fetch("select nspname::text from pg_namespace order by 1")
    rows = [(table, await digest(owner, f"public.{table}")) for table in await tables(owner, "public")]
    return [schemas, rows]
