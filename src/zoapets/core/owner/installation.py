"""What must be true of an installation, asked of the database itself.

`zoapets doctor` tells all of it; `zoapets serve` does not start on a failure of `SERVING`. Most questions can be asked
by anyone who may connect: the serving role asks them of itself.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec

from zoapets.common.clock import Clock
from zoapets.core.owner.migrations import SHARED, TENANT, current, head, is_behind
from zoapets.core.owner.provisioning import FORBIDDEN_FUNCTIONS, OLDEST_POSTGRES, STILL_OPEN
from zoapets.core.tenancy import APP_ROLE

CONNECT_TIMEOUT_S = 10
LARGEST_CLOCK_DIFFERENCE_S = 5.0
NAMED_AT_MOST = 5
MIGRATE = "run: zoapets migrate"


class UnreachableError(Exception):
    """PostgreSQL did not let us in; the message names the variable, and never a password."""


class Level(StrEnum):
    """`warn` works, with less; `fail` must be mended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Check(msgspec.Struct, frozen=True):
    """One question, its answer, and what to do about it (empty when all is well)."""

    name: str
    level: Level
    detail: str
    advice: str = ""


def verdict(name: str, faults: Iterable[str], *, fine: str, advice: str, level: Level = Level.FAIL) -> Check:
    """`fine` when there are no faults; at most five are named."""
    found = list(faults)
    if not found:
        return Check(name, Level.OK, fine)
    more = f" and {len(found) - NAMED_AT_MOST} more" if len(found) > NAMED_AT_MOST else ""
    return Check(name, level, "; ".join(found[:NAMED_AT_MOST]) + more, advice)


@asynccontextmanager
async def connected(url: str, variable: str) -> AsyncIterator[Any]:
    """A connection for a command, apart from any pool; `variable` is where `url` comes from.

    Raises:
        UnreachableError: it cannot be had.
    """
    try:
        connection = await asyncpg.connect(
            url, timeout=CONNECT_TIMEOUT_S, server_settings={"application_name": "zoapets-cli"}
        )
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise UnreachableError(f"{variable}: no connection to {place(url)}: {_reason(error)}") from error
    try:
        yield connection
    finally:
        await connection.close()


def place(url: str) -> str:
    """Where an address leads, without the login."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    if parts.scheme == "unix":
        return parts.path
    query = dict(part.partition("=")[::2] for part in parts.query.split("&") if part)
    host = parts.netloc.rpartition("@")[2] or query.get("host", "localhost")
    return f"{host}{parts.path}"


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_TIMEOUT_S} s"
    # An address that cannot be parsed is repeated in asyncpg's message, with its password.
    if isinstance(error, ValueError):
        return "it is not a PostgreSQL address"
    return f"{str(error) or type(error).__name__}".replace("\n", " ")


async def server_version(connection: Any) -> Check:
    """PostgreSQL 16 or later: GRANT ... WITH INHERIT FALSE, SET TRUE."""
    number, text = (
        await connection.fetchval("show server_version_num"),
        await connection.fetchval("show server_version"),
    )
    faults = [f"PostgreSQL {text}"] if int(number) < OLDEST_POSTGRES else []
    return verdict("postgresql", faults, fine=f"PostgreSQL {text}", advice="use PostgreSQL 16 or later")


async def durability(connection: Any) -> Check:
    """Whether what was acknowledged survives a loss of power."""
    wanted = ("fsync", "full_page_writes", "synchronous_commit")
    rows = await connection.fetch("select name, setting from pg_settings where name = any($1::text[])", list(wanted))
    return verdict(
        "durability",
        [f"{row['name']} is off" for row in rows if row["setting"] == "off"],
        fine=f"{', '.join(wanted)} are on",
        advice="set them to on in postgresql.conf: a loss of power would lose acknowledged doses",
    )


async def login(connection: Any) -> Check:
    """Whether the connection of DATABASE_URL is the one role that by itself can read no hospital."""
    user = await connection.fetchval("select session_user::text")
    return verdict(
        "login",
        [f"DATABASE_URL signs in as {user}, not as {APP_ROLE}"] if user != APP_ROLE else [],
        fine=f"signed in as {APP_ROLE}",
        advice=f"serve as {APP_ROLE}, which zoapets migrate makes: isolation between hospitals rests on it",
    )


_ATTRIBUTES = f"""
select array_remove(array[
  case when rolsuper then 'superuser' end, case when rolinherit then 'inherit' end,
  case when rolcreaterole then 'createrole' end, case when rolcreatedb then 'createdb' end,
  case when rolbypassrls then 'bypassrls' end, case when rolreplication then 'replication' end], null)
from pg_roles where rolname = '{APP_ROLE}'
"""  # noqa: S608 - a constant of ours
_MEMBERSHIPS = f"""
select r.rolname::text as role, m.inherit_option or m.admin_option or not m.set_option as wrong
from pg_auth_members m join pg_roles r on r.oid = m.roleid where m.member = to_regrole('{APP_ROLE}')
"""  # noqa: S608 - as above


async def app_role(connection: Any) -> Check:
    """The serving role: weak by itself, and able to become each hospital's role, never to inherit it."""
    attributes = await connection.fetchval(_ATTRIBUTES)
    if attributes is None:
        return Check("app role", Level.FAIL, f"there is no role {APP_ROLE}", MIGRATE)
    faults = [f"{APP_ROLE} is {attribute}" for attribute in attributes]
    rows = await connection.fetch(_MEMBERSHIPS)
    for row in rows:
        if not row["role"].startswith("tenant_"):
            faults.append(f"{APP_ROLE} is a member of {row['role']}")
        elif row["wrong"]:
            faults.append(f"{APP_ROLE} is a member of {row['role']} otherwise than with inherit false, set true")
    members = {row["role"] for row in rows}
    if await connection.fetchval("select to_regclass('public.tenants')") is not None:
        schemas = await connection.fetch("select schema_name from public.tenants")
        faults += [
            f"{APP_ROLE} cannot become {row['schema_name']}" for row in schemas if row["schema_name"] not in members
        ]
    return verdict(
        "app role", faults, fine=f"{APP_ROLE} is weak by itself", advice=f"{MIGRATE}; revoke what it does not repair"
    )


_OPEN_LANGUAGES = """
select coalesce(array_agg(lanname::text), '{}') from pg_language
where lanname not in ('internal', 'c', 'sql') and lanpltrusted and has_language_privilege('public', oid, 'usage')
"""
_PUBLIC_RIGHTS = """
select has_schema_privilege('public', 'public', 'create'), has_database_privilege('public', current_database(), 'temp')
"""


async def revokes(connection: Any) -> Check:
    """What PUBLIC must not be able to do: with it, an injected statement could reach another hospital."""
    faults = [f"PUBLIC may call {name}" for name in await connection.fetchval(STILL_OPEN, list(FORBIDDEN_FUNCTIONS))]
    faults += [f"PUBLIC may use the language {name}" for name in await connection.fetchval(_OPEN_LANGUAGES)]
    may_create, may_temp = await connection.fetchrow(_PUBLIC_RIGHTS)
    faults += ["PUBLIC may create in the schema public"] if may_create else []
    faults += ["PUBLIC may create temporary tables"] if may_temp else []
    return verdict("revokes", faults, fine="PUBLIC may do nothing that breaks isolation", advice=MIGRATE)


# Rights on a hospital's schema, tables, sequences and columns of anybody but its owner and its own role.
_FOREIGN_RIGHTS = """
with s as (select oid, nspname, nspowner, nspacl from pg_namespace
  where nspname in (select schema_name from public.tenants)),
rights as (
  select nspname, nspname as thing, nspowner as owner, (aclexplode(nspacl)).* from s
  union all
  select s.nspname, s.nspname || '.' || c.relname, c.relowner, (aclexplode(c.relacl)).*
  from s join pg_class c on c.relnamespace = s.oid
  union all
  select s.nspname, s.nspname || '.' || c.relname || '.' || a.attname, c.relowner, (aclexplode(a.attacl)).*
  from s join pg_class c on c.relnamespace = s.oid join pg_attribute a on a.attrelid = c.oid and a.attacl is not null)
select thing, privilege_type, case when grantee = 0 then 'PUBLIC' else grantee::regrole::text end as role from rights
where grantee <> owner
  and (grantee = 0 or grantee::regrole::text <> nspname or (thing = nspname and privilege_type = 'CREATE'))
order by 1, 2 limit 100
"""
_STRONG_ROLES = """
select coalesce(array_agg(rolname::text order by rolname), '{}') from pg_roles
where rolname in (select schema_name from public.tenants)
  and (rolcanlogin or rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication)
"""
_READABLE = f"""
select coalesce(array_agg(c.oid::regclass::text), '{{}}') from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in (select schema_name from public.tenants) and c.relkind in ('r', 'p', 'v', 'm')
  and has_table_privilege('{APP_ROLE}', c.oid, 'select, insert, update, delete, truncate')
"""  # noqa: S608 - a constant of ours


async def isolation(connection: Any) -> Check:
    """Each hospital's rows are for its own role alone; the serving role by itself reads none of them."""
    if await connection.fetchval("select to_regclass('public.tenants') is null or to_regrole($1) is null", APP_ROLE):
        return Check("isolation", Level.FAIL, "the installation is not prepared", MIGRATE)
    faults = [f"{APP_ROLE} by itself reaches {name}" for name in await connection.fetchval(_READABLE)]
    faults += [f"the role {name} may sign in, or is strong" for name in await connection.fetchval(_STRONG_ROLES)]
    for row in await connection.fetch(_FOREIGN_RIGHTS):
        faults.append(f"{row['role']} has {row['privilege_type'].lower()} on {row['thing']}")
    return verdict(
        "isolation",
        faults,
        fine="no hospital's table is in reach of anybody but its own role",
        advice="revoke these rights, and find out who granted them",
    )


_WRITABLE_TRAILS = f"""
select format('%s may %s %s', r.role, lower(p.privilege), c.oid::regclass) as fault
from public.tenants t join pg_class c on c.relnamespace = to_regnamespace(t.schema_name)
  and c.relname in ('auditoria', 'auditoria_selos'),
lateral (values (t.schema_name), ('{APP_ROLE}')) r(role),
unnest(array['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) p(privilege)
where has_table_privilege(r.role, c.oid, p.privilege)
  or (p.privilege in ('INSERT', 'UPDATE') and has_any_column_privilege(r.role, c.oid, p.privilege))
  or (p.privilege = 'UPDATE' and pg_has_role(r.role, c.relowner, 'usage'))
order by 1 limit 100
"""  # noqa: S608 - a constant of ours


async def audit(connection: Any) -> Check:
    """Whether nobody who serves can write, mend or empty an audit trail or its seals."""
    return verdict(
        "audit",
        [row["fault"] for row in await connection.fetch(_WRITABLE_TRAILS)],
        fine="audit trails and their seals can be read, and written by triggers alone",
        advice="revoke these rights, find out who granted them, and run: zoapets audit verify --all",
    )


async def migrations(connection: Any) -> Check:
    """Whether `public` and every active hospital are as new as this version needs them."""
    revision = await current(connection, "public")
    if revision is None:
        return Check("migrations", Level.FAIL, "the database is not prepared", MIGRATE)
    faults = ["public is at " + revision] if is_behind(SHARED, revision) else []
    rows = await connection.fetch("select slug, revisao, status from public.tenants order by slug")
    behind = [row for row in rows if is_behind(TENANT, row["revisao"])]
    faults += [f"{row['slug']} is at {row['revisao']}" for row in behind if row["status"] == "ativo"]
    if not faults and (asleep := [f"{row['slug']} (suspended) is at {row['revisao']}" for row in behind]):
        return verdict("migrations", asleep, fine="", advice=MIGRATE, level=Level.WARN)
    ahead = [row["slug"] for row in rows if row["revisao"] != head(TENANT) and row not in behind]
    if not faults and (ahead or revision != head(SHARED)):
        where = ", ".join(ahead[:NAMED_AT_MOST]) or "public"
        return Check("migrations", Level.WARN, f"migrated by a newer version: {where}", "finish the deployment")
    fine = f"{len(rows)} tenants at {head(TENANT)}, public at {head(SHARED)}"
    return verdict("migrations", faults, fine=fine, advice=MIGRATE)


async def clock(connection: Any) -> Check:
    """The database's clock against this machine's: sessions, locks of logins and late doses are reckoned by both."""
    here, before = Clock(), Clock().now()
    there = await connection.fetchval("select clock_timestamp()")
    seconds = (there - (before + (here.now() - before) / 2)).total_seconds()
    return verdict(
        "clock",
        [f"the database's clock differs by {seconds:+.1f} s"] if abs(seconds) >= LARGEST_CLOCK_DIFFERENCE_S else [],
        fine=f"the database's clock differs by {seconds:+.3f} s",
        advice="synchronise both machines (NTP): doses would be late or early by this much",
    )


async def connections(connection: Any, *, needed: int) -> Check:
    """Whether PostgreSQL grants as many connections as all workers of one `serve` may open."""
    there = await connection.fetchval(
        "select sum(case name when 'max_connections' then setting::int else -setting::int end)::int from pg_settings"
        " where name in ('max_connections', 'superuser_reserved_connections', 'reserved_connections')"
    )
    return verdict(
        "connections",
        [f"WORKERS times DATABASE_POOL_SIZE is {needed}, PostgreSQL has {there}"] if needed > there else [],
        fine=f"{needed} of {there}",
        advice="lower DATABASE_POOL_SIZE, or raise max_connections",
        level=Level.WARN,
    )


Question = Callable[[Any], Awaitable[Check]]
# What must hold before a request is answered, asked by the serving role itself.
SERVING: tuple[Question, ...] = (server_version, login, app_role, revokes, migrations, durability)
OWNING: tuple[Question, ...] = (
    server_version,
    durability,
    app_role,
    revokes,
    isolation,
    audit,
    migrations,
    clock,
)


async def asked(connection: Any, questions: Iterable[Question]) -> AsyncIterator[Check]:
    """The answers in turn; a question that PostgreSQL refuses is a failure of its own."""
    for question in questions:
        try:
            yield await question(connection)
        except asyncpg.PostgresError as error:
            name = question.__name__.replace("_", " ")
            yield Check(name, Level.FAIL, f"{type(error).__name__}: {error}", MIGRATE)
