"""An attacker whose SQL runs as a hospital's role, and what comes of it for the hospital next door."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from tests.proofs.isolation import stamp
from tests.proofs.isolation.ground import Ground, Stamped
from tests.proofs.isolation.rows import TABLES
from zoapets.core.database import UnitOfWork
from zoapets.core.tenancy import tenant_gate

DENIED = "42501"
# What a hospital writes to all day; who holds it up, holds up everything.
WRITTEN = ", ".join(sorted(TABLES.keys() - {"auditoria", "auditoria_selos"}))
# PostgreSQL's own tables and views, as far as they can be read.
CATALOGS = """
select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'v', 'm', 'p') and has_schema_privilege(n.oid, 'usage') and n.nspname <> current_schema()
and has_table_privilege(c.oid, 'select') and format('%I.%I', n.nspname, c.relname) like $1 order by 1
"""
# Functions that could run text as SQL, read files, hold others up, keep bytes outside of tables, or be heard elsewhere.
SHUT = (
    "(_to_xml|^lo_|^lo(read|write)$|advisory|^pg_read_|^pg_ls_|^pg_stat_file|^pg_sleep|^pg_notify$|^set_config$"
    "|^ts_(stat|rewrite)$|^dblink|^pg_export_snapshot|^pg_logical_emit|^pg_(reload|rotate|switch|promote|backup)"
    "|^pg_stat_reset|^pg_replication_origin)"
)


@asynccontextmanager
async def as_hospital(pool: Any, hospital: Stamped) -> AsyncIterator[Any]:
    """A connection in a unit of work of this hospital, which is rolled back: errors come out as they are."""
    work = UnitOfWork(pool, tenant_gate(hospital.schema, read_only=False))
    connection = await work._begin()
    try:
        yield connection.link
    finally:
        await work.rollback()


def filled(payload: str, hospital: Stamped, other: Stamped, **pids: int) -> str:
    text = payload.replace("{s}", hospital.schema).replace("{o}", other.schema)
    for name, pid in pids.items():
        text = text.replace(f"{{{name}}}", str(pid))
    return text


async def broken_out(
    ground: Ground, pool: Any, hospital: Stamped, other: Stamped, payloads: list[str]
) -> dict[str, str]:
    """Those of the payloads that were not refused, or that held the other hospital up, and how."""
    found: dict[str, str] = {}
    owner = await ground.stage.owner.fetchval("select pg_backend_pid()")
    async with as_hospital(pool, other) as bystander:
        app = await bystander.fetchval("select pg_backend_pid()")
        for payload in payloads:
            async with as_hospital(pool, hospital) as attacker:
                try:
                    rows = await attacker.fetch(filled(payload, hospital, other, owner=owner, app=app))
                except (asyncpg.PostgresError, asyncpg.InternalClientError) as error:
                    if getattr(error, "sqlstate", None) != DENIED:
                        found[payload] = repr(error)
                else:
                    found[payload] = f"answered {rows[:3]}"
                # Whatever locks it has taken, it still holds.
                if held_up := await _held_up(pool, other):
                    found[payload] = held_up
    return found


async def _held_up(pool: Any, hospital: Stamped) -> str | None:
    async with as_hospital(pool, hospital) as connection:
        try:
            await connection.execute(f"lock table {WRITTEN} in row exclusive mode nowait")
        except asyncpg.PostgresError as error:
            return f"held up {hospital.number}: {error!r}"
    return None


async def names_told(pool: Any, hospital: Stamped, called: str = "%") -> tuple[list[str], int]:
    """The catalogs that tell this hospital's role what another has written, and how many were read."""
    found: list[str] = []
    async with as_hospital(pool, hospital) as connection:
        catalogs = [row[0] for row in await connection.fetch(CATALOGS, called)]
    for catalog in catalogs:
        async with as_hospital(pool, hospital) as connection:
            statement = f"select count(*) from {catalog} t where t::text ~ $1"  # noqa: S608 - PostgreSQL's own names
            try:
                told = await connection.fetchval(statement, stamp.foreign_to(hospital.number))
            except asyncpg.InsufficientPrivilegeError:
                continue
            found += [catalog] if told else []
    return found, len(catalogs)


async def open_functions(pool: Any, hospital: Stamped) -> set[str]:
    """Functions of the kinds in `SHUT` that this hospital's role may call."""
    async with as_hospital(pool, hospital) as connection:
        rows = await connection.fetch(
            "select oid::regprocedure::text from pg_proc"
            " where proname ~ $1 and has_schema_privilege(pronamespace, 'usage') and has_function_privilege(oid,"
            " 'execute')",
            SHUT,
        )
    return {row[0] for row in rows}
