"""The owner's side: roles, rights, `public`, and a new hospital in one transaction.

Runs with `DATABASE_OWNER_URL`, a superuser of this PostgreSQL; the serving processes never have it.
"""

import secrets
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import UUID

import asyncpg

from zoapets.common.errors import Conflict, NotFound
from zoapets.common.ids import new_id
from zoapets.core.owner.migrations import OWNER_ROLE, SHARED, TENANT, current, for_schema, head, render
from zoapets.core.permissions import ADMINISTRADOR, PLATFORM, PLATFORM_ROLE, ROLES
from zoapets.core.tenancy import APP_ROLE

OLDEST_POSTGRES = 160_000
PLATFORM_SLUG = "plataforma"

# With these gone from PUBLIC, every injected way into another role that was tried is shut: switching roles inside a
# SELECT, running text as SQL, holding others up by locks or sleep, large objects.
FORBIDDEN_FUNCTIONS = (
    "set_config",
    "query_to_xml",
    "query_to_xml_and_xmlschema",
    "query_to_xmlschema",
    "cursor_to_xml",
    "cursor_to_xmlschema",
    "table_to_xml",
    "table_to_xml_and_xmlschema",
    "table_to_xmlschema",
    "schema_to_xml",
    "schema_to_xml_and_xmlschema",
    "schema_to_xmlschema",
    "database_to_xml",
    "database_to_xml_and_xmlschema",
    "database_to_xmlschema",
    "ts_stat",
    "ts_rewrite",
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_advisory_unlock",
    "pg_advisory_unlock_all",
    "pg_advisory_unlock_shared",
    "pg_advisory_xact_lock",
    "pg_advisory_xact_lock_shared",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
    "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared",
    "pg_sleep",
    "pg_sleep_for",
    "pg_sleep_until",
    "pg_notify",
    "pg_logical_emit_message",
    "pg_export_snapshot",
    "lo_create",
    "lo_creat",
    "lo_open",
    "lo_from_bytea",
    "lo_get",
    "lo_put",
    "lo_unlink",
    "loread",
    "lowrite",
    "lo_lseek",
    "lo_lseek64",
    "lo_tell",
    "lo_tell64",
    "lo_truncate",
    "lo_truncate64",
    "lo_close",
)
# Those of the above that PUBLIC may still call; empty when all is well.
STILL_OPEN = """
select coalesce(array_agg(distinct p.proname::text order by p.proname::text), '{}')
from pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any($1::text[])
  and has_function_privilege('public', p.oid, 'execute')
"""

# Roles belong to the whole server: another of its databases may be making them at this moment.
_ROLES = f"""
do $$ begin
  create role {OWNER_ROLE} nologin;
exception when duplicate_object or unique_violation then null; end $$;
do $$ begin
  create role {APP_ROLE} login noinherit;
exception when duplicate_object or unique_violation then null; end $$;
do $$ begin
  if exists (select from pg_roles where rolname = '{APP_ROLE}'
             and (rolinherit or rolsuper or rolcreatedb or rolcreaterole or rolbypassrls)) then
    alter role {APP_ROLE} noinherit nosuperuser nocreatedb nocreaterole nobypassrls;
  end if;
end $$;
"""
_GROUND = f"""
revoke all on schema public from public;
grant usage, create on schema public to {OWNER_ROLE};
grant usage on schema public to {APP_ROLE};
create schema if not exists ext authorization {OWNER_ROLE};
grant usage on schema ext to public;
create extension if not exists btree_gist schema ext;
create extension if not exists pg_trgm schema ext;
create extension if not exists unaccent schema ext;
create or replace function ext.normalizar(texto text) returns text
  language sql immutable strict parallel safe
  return lower(ext.unaccent('ext.unaccent'::regdictionary, texto));
alter function ext.normalizar(text) owner to {OWNER_ROLE};
revoke execute on function ext.set_limit(real) from public;
revoke usage on language plpgsql from public;
grant usage on language plpgsql to {OWNER_ROLE};
"""


class SlugEmUso(Conflict):
    """Another hospital has this slug."""

    title = "Já existe um hospital com este identificador."
    constraint = "uq_tenants_slug"


class PlanoDesconhecido(NotFound):
    """No plan has this code."""

    title = "Não há plano com este código."
    advice = "Use o código de um dos planos de `public.plans`."


class UnfitServerError(Exception):
    """PostgreSQL cannot carry the installation."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What the registry is to know of a hospital."""

    slug: str
    nome: str
    fuso: str = "America/Sao_Paulo"
    cnpj: str | None = None
    plano: str = "hospital"
    platform: bool = False


@dataclass(frozen=True, kw_only=True)
class NewTenant(Registration):
    """What a hospital begins with. `senha_hash` is argon2id; the administrator gets every permission."""

    admin_nome: str
    admin_email: str
    admin_senha_hash: str


class Place(NamedTuple):
    """Where a hospital lives: its id in the registry, and the name of its schema and role."""

    id: UUID
    schema: str


async def prepare_installation(connection: Any, app_url: str) -> None:
    """Roles, rights, extensions, revokes and `public`, as this version wants them. Again does no harm."""
    if int(await connection.fetchval("show server_version_num")) < OLDEST_POSTGRES:
        raise UnfitServerError("PostgreSQL 16 or later is needed: GRANT ... WITH INHERIT FALSE, SET TRUE.")
    async with connection.transaction():
        # One at a time: two `migrate` at once would meet in the catalogs.
        await connection.execute("select pg_advisory_xact_lock(20260713)")
        await connection.execute(_ROLES)
        if (password := urlsplit(app_url).password) is not None:
            quoted = await connection.fetchval("select quote_literal($1)", unquote(password))
            await connection.execute(f"alter role {APP_ROLE} password {quoted}")
        database = await connection.fetchval("select quote_ident(current_database())")
        await connection.execute(f"revoke all on database {database} from public")
        await connection.execute(f"grant connect on database {database} to {APP_ROLE}")
        await connection.execute(_GROUND)
        functions = await connection.fetch(
            "select oid::regprocedure::text as name from pg_proc"
            " where pronamespace = 'pg_catalog'::regnamespace and proname = any($1::text[])",
            list(FORBIDDEN_FUNCTIONS),
        )
        for function in functions:
            await connection.execute(f"revoke execute on function pg_catalog.{function['name']} from public")
        # asyncpg calls it when it meets a type for the first time, before any role is taken.
        await connection.execute(f"grant execute on function pg_catalog.set_config(text, text, boolean) to {APP_ROLE}")
        await connection.execute(f"set local role {OWNER_ROLE}; set local search_path = public;")
        if sql := render(SHARED, await current(connection, "public")):
            await connection.execute(sql)


async def provision(connection: Any, new: NewTenant) -> UUID:
    """A hospital, whole or not at all: role, schema, tables, rights, roles, settings, administrator, registry row."""
    async with connection.transaction():
        place = await establish(connection, new, origem="zoapets")
        await connection.execute(for_schema(render(TENANT, None), place.schema))
        await _people(connection, new)
    return place.id


async def establish(connection: Any, new: Registration, *, origem: str) -> Place:
    """Role, schema, registry row and subscription; what follows in the caller's transaction is the schema's owner's.

    The tables are the caller's to make. `origem` is what the audit is to say of where they came from.
    """
    tenant_id, schema = new_id(), f"tenant_{secrets.token_hex(6)}"
    await connection.execute(f"create role {schema} nologin")
    await connection.execute(f"grant {schema} to {APP_ROLE} with inherit false, set true")
    await connection.execute(f"create schema {schema} authorization {OWNER_ROLE}")
    await connection.execute(f"grant usage on schema {schema} to {schema}")
    try:
        await connection.execute(
            "insert into public.tenants (id, slug, nome, cnpj, tipo, schema_name, fuso, revisao)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8)",
            tenant_id,
            new.slug,
            new.nome,
            new.cnpj,
            "plataforma" if new.platform else "hospital",
            schema,
            new.fuso,
            head(TENANT),
        )
    except asyncpg.UniqueViolationError as error:
        # The other name that is unique is the schema's, drawn above.
        raise SlugEmUso from error
    subscribed = await connection.execute(
        "insert into public.subscriptions (id, tenant_id, plan_id)"
        " select $1, $2, id from public.plans where codigo = $3",
        new_id(),
        tenant_id,
        new.plano,
    )
    if subscribed != "INSERT 0 1":
        raise PlanoDesconhecido
    await connection.execute(
        f"set local role {OWNER_ROLE}; set local search_path = {schema}; set local zoapets.origem = '{origem}';"
    )
    return Place(tenant_id, schema)


async def _people(connection: Any, new: NewTenant) -> None:
    await connection.execute("insert into configuracoes default values")
    roles = {PLATFORM_ROLE: PLATFORM | ROLES[ADMINISTRADOR]} if new.platform else ROLES
    rows = [(new_id(), name, sorted(permission.value for permission in held)) for name, held in roles.items()]
    await connection.executemany("insert into roles (id, nome, permissoes, sistema) values ($1, $2, $3, true)", rows)
    admin = new_id()
    await connection.execute(
        "insert into users (id, nome, email, senha_hash) values ($1, $2, $3, $4)",
        admin,
        new.admin_nome,
        new.admin_email.lower(),
        new.admin_senha_hash,
    )
    await connection.execute("insert into user_roles (user_id, role_id) values ($1, $2)", admin, rows[0][0])
