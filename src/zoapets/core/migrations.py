"""Migrations: Alembic writes each tree's SQL once; it is replayed in `public` and in every hospital.

Every hospital is migrated in a transaction of its own, several at a time, with a bound on waiting for locks. A run
that was cut off, or in which a hospital failed, is finished by running it again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

import zoapets.migrations

TREES = Path(zoapets.migrations.__file__).parent
SHARED, TENANT = "shared", "tenant"
OWNER_ROLE = "zoapets_owner"
LOCK_TIMEOUT_MS = 2000
TRIES = 5
AT_ONCE = 2


def _config(tree: str, written: StringIO | None = None) -> Config:
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(TREES / tree))
    config.set_main_option("path_separator", "os")
    return config


@lru_cache
def head(tree: str) -> str:
    """The newest revision."""
    revision = ScriptDirectory.from_config(_config(tree)).get_current_head()
    if revision is None:
        raise RuntimeError(f"the migration tree {tree!r} is empty")
    return revision


@lru_cache(maxsize=64)
def render(tree: str, revision: str | None) -> str:
    """The SQL that leads from `revision` (None: nothing) to the newest; empty when it is there already."""
    if revision == head(tree):
        return ""
    written = StringIO()
    command.upgrade(_config(tree, written), f"{revision or 'base'}:head", sql=True)
    return written.getvalue()


def for_schema(sql: str, schema: str) -> str:
    """`sql` of the tenant tree, for one hospital."""
    return sql.replace("__tenant__", schema)


async def current(connection: Any, schema: str) -> str | None:
    """The revision that `schema` is at; None when nothing was ever migrated there."""
    table = f"{schema}.alembic_version"
    if await connection.fetchval("select to_regclass($1)", table) is None:
        return None
    revision: str | None = await connection.fetchval(f"select version_num from {table}")  # noqa: S608 - from the registry
    return revision


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one schema: `before` and `after` are revisions, `error` is empty when it went well."""

    schema: str
    before: str | None
    after: str | None
    error: str = ""


async def migrate_schema(connection: Any, schema: str) -> Outcome:
    """Bring one hospital's schema to the newest revision, or leave it as it was."""
    before = await current(connection, schema)
    sql = render(TENANT, before)
    if not sql:
        return Outcome(schema, before, before)
    for attempt in range(1, TRIES + 1):
        try:
            async with connection.transaction():
                await connection.execute(
                    f"set local lock_timeout = {LOCK_TIMEOUT_MS}; set local role {OWNER_ROLE}; "
                    f"set local search_path = {schema};"
                )
                await connection.execute(for_schema(sql, schema))
                await connection.execute(
                    "update public.tenants set revisao = $1 where schema_name = $2", head(TENANT), schema
                )
        except asyncpg.LockNotAvailableError as error:
            if attempt == TRIES:
                return Outcome(schema, before, before, f"locked by others: {error}")
            await asyncio.sleep(0.2 * attempt)
        except asyncpg.PostgresError as error:
            return Outcome(schema, before, before, f"{type(error).__name__}: {error}")
        else:
            break
    return Outcome(schema, before, head(TENANT))


async def migrate_all(owner_url: str, schemas: Iterable[str], done: Callable[[Outcome], None]) -> list[Outcome]:
    """Every schema, `AT_ONCE` at a time; `done` hears of each."""
    waiting = list(schemas)
    outcomes: list[Outcome] = []

    async def work() -> None:
        connection = await asyncpg.connect(owner_url)
        with contextlib.suppress(IndexError):
            while True:
                outcome = await migrate_schema(connection, waiting.pop(0))
                outcomes.append(outcome)
                done(outcome)
        await connection.close()

    await asyncio.gather(*(work() for _ in range(min(AT_ONCE, len(waiting)))))
    return outcomes
