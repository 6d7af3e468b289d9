"""Migrations: Alembic writes each tree's SQL once; it is replayed in `public` and in every hospital.

Every hospital is migrated in a transaction of its own, several at a time, with a bound on waiting for locks. A run
that was cut off, or in which a hospital failed, is finished by running it again.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any, cast

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


class UnknownRevisionError(Exception):
    """A schema was migrated by a newer version than this one."""


def _config(tree: str, written: StringIO | None = None) -> Config:
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(TREES / tree))
    config.set_main_option("path_separator", "os")
    return config


@lru_cache
def head(tree: str) -> str:
    """The newest revision."""
    return cast("str", ScriptDirectory.from_config(_config(tree)).get_current_head())


@lru_cache
def history(tree: str) -> frozenset[str]:
    """Every revision that this version knows."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config(tree)).walk_revisions())


def is_behind(tree: str, revision: str | None) -> bool:
    """Whether a schema at `revision` is to be migrated before this version serves it.

    A revision that only a newer version knows is ahead: during a deployment the version before must go on serving.
    """
    return revision is None or (revision != head(tree) and revision in history(tree))


@lru_cache(maxsize=64)
def render(tree: str, revision: str | None, until: str | None = None) -> str:
    """The SQL that leads from `revision` (None: nothing) to `until` (None: the newest); empty when it is there already.

    Raises:
        UnknownRevisionError: this version has no such revision.
    """
    until = until or head(tree)
    if revision == until:
        return ""
    for known in filter(None, (revision, until)):
        if known not in history(tree):
            raise UnknownRevisionError(f"at revision {known}, which this version does not know: use a newer zoapets")
    written = StringIO()
    command.upgrade(_config(tree, written), f"{revision or 'base'}:{until}", sql=True)
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
    attempt = 1
    while True:
        try:
            async with connection.transaction():
                before = await _upgrade(connection, schema)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if attempt == TRIES:
                return Outcome(schema, None, None, f"locked by others {TRIES} times: {error}")
            await asyncio.sleep(0.2 * attempt)
            attempt += 1
        else:
            return Outcome(schema, before, head(TENANT))


async def _upgrade(connection: Any, schema: str) -> str | None:
    """Within a transaction; the revision that the schema was at."""
    await connection.execute(f"set local lock_timeout = {LOCK_TIMEOUT_MS}")
    # Two `migrate` at once take turns: the second one finds the work done.
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 20260713))", schema)
    before = await current(connection, schema)
    sql = render(TENANT, before)
    await connection.execute(f"set local role {OWNER_ROLE}; set local search_path = {schema};")
    if sql:
        await connection.execute(for_schema(sql, schema))
    # Even when there was nothing to do: a schema restored from a backup is at another revision than the registry says.
    await connection.execute(
        "update public.tenants set revisao = $1 where schema_name = $2 and revisao is distinct from $1",
        head(TENANT),
        schema,
    )
    return before


async def migrate_all(
    owner_url: str, schemas: Iterable[str], done: Callable[[Outcome], None], *, at_once: int = AT_ONCE
) -> list[Outcome]:
    """Every schema, `at_once` at a time; `done` hears of each as it ends. One that fails stops no other."""
    waiting = deque(schemas)
    outcomes: list[Outcome] = []

    async def work() -> None:
        connection: Any = None
        try:
            while waiting:
                schema = waiting.popleft()
                try:
                    if connection is None or connection.is_closed():
                        connection = await asyncpg.connect(owner_url)
                    outcome = await migrate_schema(connection, schema)
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, UnknownRevisionError) as error:
                    outcome = Outcome(schema, None, None, f"{type(error).__name__}: {error}")
                outcomes.append(outcome)
                done(outcome)
        finally:
            if connection is not None:
                await connection.close()

    await asyncio.gather(*(work() for _ in range(min(at_once, len(waiting)))))
    return outcomes
