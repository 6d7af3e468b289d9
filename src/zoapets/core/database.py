"""The way to PostgreSQL: one pool, one gate per unit of work, statements in, structs out.

Nothing outside `core/` opens a connection or commits.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import msgspec

from zoapets.common.errors import Conflict, Problem, Unavailable, Unprocessable
from zoapets.core.statements import Query

T = TypeVar("T")

# Everything that a unit of work sets dies with it, so there is nothing to reset when a connection comes back.
ASSERT_CLEAN = "select 1 / (current_user = session_user)::int"


class TaintedError(RuntimeError):
    """A connection was left in another role: it is destroyed before any row is touched."""


async def _no_reset(_: Any) -> None:
    """The pool resets nothing: session state is forbidden on its connections."""


# Meeting a type for the first time, asyncpg looks it up with `set_config`, which no hospital's role may call.
ARRAYS = (
    "uuid",
    "text",
    "varchar",
    "timestamptz",
    "date",
    "integer",
    "bigint",
    "smallint",
    "numeric",
    "boolean",
    "jsonb",
)


def _to_json(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


async def prepare(connection: Any) -> None:
    """Teach a new connection its types, while it is still nobody."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=_to_json, decoder=str, schema="pg_catalog")
    await connection.prepare("select " + ", ".join(f"${n}::{name}[]" for n, name in enumerate(ARRAYS, start=1)))


async def open_pool(dsn: str, *, size: int) -> Any:
    """A pool of at most `size` connections, opened as they are needed."""
    return await asyncpg.create_pool(
        dsn,
        # None at first: a worker that starts while the database is away says so in /health/ready, and recovers.
        min_size=0,
        max_size=size,
        init=prepare,
        reset=_no_reset,
        timeout=10,
        command_timeout=60,
        max_inactive_connection_lifetime=1800,
        statement_cache_size=1024,
        max_cached_statement_lifetime=0,
        server_settings={
            "application_name": "zoapets",
            "idle_in_transaction_session_timeout": "60000",
            "jit": "off",
            # A statement is compiled for what it asks; planning it anew for each value costs more than it gains.
            "plan_cache_mode": "force_generic_plan",
        },
    )


class UnitOfWork:
    """One transaction, begun by `gate` when the first statement comes; read-only or not, as the gate says."""

    __slots__ = ("_connection", "_gate", "_pool", "acquire_timeout", "statements")

    def __init__(self, pool: Any, gate: str, *, acquire_timeout: float = 5) -> None:
        self._pool = pool
        self._gate = gate
        self._connection: Any = None
        self.acquire_timeout = acquire_timeout
        self.statements = 0

    async def all(self, query: Query[T], /, **params: Any) -> list[T]:
        """Every row."""
        rows = await self._run("fetch", query, params)
        row = query.row
        return [row(found) for found in rows]

    async def first(self, query: Query[T], /, **params: Any) -> T | None:
        """The first row, or None."""
        found = await self._run("fetchrow", query, params)
        return None if found is None else query.row(found)

    async def page(self, query: Query[T], /, **params: Any) -> tuple[list[T], int | None]:
        """The rows, and what their last column, the same for all, counts: None when there is no row."""
        found = await self._run("fetch", query, params)
        row = query.row
        return [row(record) for record in found], found[0][-1] if found else None

    async def one(self, query: Query[T], /, **params: Any) -> T:
        """The row that must be there; LookupError when it is not."""
        found = await self._run("fetchrow", query, params)
        if found is None:
            raise LookupError(query.sql)
        return query.row(found)

    async def run(self, query: Query[Any], /, **params: Any) -> int:
        """How many rows were changed."""
        connection = self._connection or await self._begin()
        self.statements += 1
        try:
            status = await _execute(connection, query.sql, query.args(params))
        except asyncpg.PostgresError as error:
            raise as_problem(error) from error
        return int(status.rpartition(" ")[2] or 0)

    async def commit(self) -> None:
        """Make it last. An error here is the caller's answer: nothing was stored."""
        await self._end("commit")

    async def rollback(self) -> None:
        await self._end("rollback")

    async def discard(self) -> None:
        """Destroy the connection: the work was cut off at a place nobody knows."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
            await self._pool.release(connection)

    async def _run(self, method: str, query: Query[Any], params: Mapping[str, Any]) -> Any:
        connection = self._connection or await self._begin()
        self.statements += 1
        try:
            return await getattr(connection, method)(query.sql, *query.args(params))
        except asyncpg.PostgresError as error:
            raise as_problem(error) from error

    async def _begin(self) -> Any:
        try:
            connection = await self._pool.acquire(timeout=self.acquire_timeout)
        except (TimeoutError, OSError, asyncpg.PostgresError) as error:
            raise Unavailable from error
        self._connection = connection
        try:
            await connection.execute(self._gate)
        except asyncpg.DivisionByZeroError as error:
            await self.discard()
            raise TaintedError from error
        except asyncpg.PostgresError as error:
            await self.discard()
            raise as_problem(error) from error
        return connection

    async def _end(self, how: str) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            status = await connection.execute(how)
        except BaseException as error:
            await self.discard()
            if isinstance(error, asyncpg.PostgresError):
                raise as_problem(error) from error
            raise
        self._connection = None
        await self._pool.release(connection)
        # PostgreSQL answers ROLLBACK to the COMMIT of a transaction that had failed.
        if how == "commit" and status != "COMMIT":
            raise Unavailable("A gravação não foi concluída.")


async def _execute(connection: Any, sql: str, args: list[Any]) -> str:
    if args:
        return str(await connection.execute(sql, *args))
    # Without parameters `execute` would speak the simple protocol, which takes several statements at once.
    prepared = await connection.prepare(sql)
    await prepared.fetch()
    return str(prepared.get_statusmsg())


@asynccontextmanager
async def finishing(work: UnitOfWork) -> AsyncIterator[UnitOfWork]:
    """Commit when the block ends well, roll back when it raises, destroy the connection when it is cut off."""
    try:
        yield work
    except Exception:
        await work.rollback()
        raise
    except BaseException:
        await work.discard()
        raise
    await work.commit()


_MEANINGS: list[tuple[tuple[type[Exception], ...], type[Problem], str | None]] = [
    (
        (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError),
        Conflict,
        "Já existe um registro com estes dados.",
    ),
    ((asyncpg.ForeignKeyViolationError,), Unprocessable, "Um dos registros citados não existe."),
    (
        (asyncpg.CheckViolationError, asyncpg.NotNullViolationError, asyncpg.RestrictViolationError),
        Unprocessable,
        "Os dados não respeitam uma regra do registro.",
    ),
    ((asyncpg.DataError,), Unprocessable, "Um dos valores não pode ser gravado."),
    (
        (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError),
        Conflict,
        "Outra pessoa mexeu no mesmo registro agora; tente de novo.",
    ),
    ((asyncpg.QueryCanceledError,), Unavailable, "A consulta demorou demais."),
    ((asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError), Unavailable, None),
    ((asyncpg.InsufficientResourcesError,), Unavailable, None),
]


def as_problem(error: Exception) -> Exception:
    """What a database error means to the client; the error itself where it is ours to mend."""
    if name := getattr(error, "constraint_name", None):
        for problem in Problem.all():
            if problem.constraint == name:
                return problem()
    for kinds, problem, detail in _MEANINGS:
        if isinstance(error, kinds):
            return problem(detail)
    return error
