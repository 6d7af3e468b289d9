"""The way to PostgreSQL: one pool, one gate per unit of work, statements in, structs out.

Nothing outside `core/` opens a connection or commits.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar, cast

import asyncpg
import msgspec

from zoapets.common.errors import Conflict, Problem, Unavailable, Unprocessable
from zoapets.core.pool import FAULTS, MOST_STATEMENTS, Connection, Gate, Pool
from zoapets.core.statements import Change, Query

T = TypeVar("T")

STATEMENT_TIMEOUT_MS = 15_000
LOCK_TIMEOUT_MS = 5_000
# For a database that has frozen, and does not see to its own timeouts.
LONGEST_WORK_S = 45
ASSERT_CLEAN = "select 1 / (current_user = session_user)::int"


class TaintedError(RuntimeError):
    """A connection was left in another role: it is destroyed before any row is touched."""


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


async def open_pool(dsn: str, *, size: int, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS) -> Pool:
    """A pool of at most `size` connections, opened as they are needed.

    None is opened here: a worker that starts while the database is away says so in /health/ready, and recovers.
    """

    async def connect() -> Any:
        link = await asyncpg.connect(
            dsn,
            timeout=10,
            # `Connection` keeps the statements; but with none of its own, asyncpg plans a statement anew each time.
            statement_cache_size=MOST_STATEMENTS,
            max_cached_statement_lifetime=0,
            server_settings={
                "application_name": "zoapets",
                "statement_timeout": str(statement_timeout_ms),
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": "60000",
                "jit": "off",
                # A statement is compiled for what it asks; planning it anew for each value costs more than it gains.
                "plan_cache_mode": "force_generic_plan",
            },
        )
        await prepare(link)
        return link

    return Pool(connect, size)


class UnitOfWork:
    """One transaction, begun by `gate` when the first statement comes; read-only or not, as the gate says."""

    __slots__ = ("_connection", "_gate", "_limit", "_pool", "acquire_timeout", "changes", "statements")

    def __init__(self, pool: Pool, gate: Gate, *, acquire_timeout: float = 5) -> None:
        self._pool = pool
        self._gate = gate
        self._connection: Connection | None = None
        self._limit: asyncio.TimerHandle | None = None
        self.acquire_timeout = acquire_timeout
        self.statements = 0
        self.changes: frozenset[Change] = frozenset()

    async def all(self, query: Query[T], /, **params: Any) -> list[T]:
        """Every row."""
        _, rows = await self._run(query, params)
        row = query.row
        return [row(found) for found in rows]

    async def first(self, query: Query[T], /, **params: Any) -> T | None:
        """The first row, or None."""
        _, rows = await self._run(query, params)
        return query.row(rows[0]) if rows else None

    async def page(self, query: Query[T], /, **params: Any) -> tuple[list[T], int | None]:
        """The rows, and what their last column, the same for all, counts: None when there is no row."""
        _, rows = await self._run(query, params)
        row = query.row
        return [row(found) for found in rows], rows[0][-1] if rows else None

    async def one(self, query: Query[T], /, **params: Any) -> T:
        """The row that must be there; LookupError when it is not."""
        _, rows = await self._run(query, params)
        if not rows:
            raise LookupError(query.sql)
        return query.row(rows[0])

    async def run(self, query: Query[Any], /, **params: Any) -> int:
        """How many rows were changed."""
        statement, _ = await self._run(query, params)
        return int(statement.get_statusmsg().rpartition(" ")[2] or 0)

    async def commit(self, first: str = "") -> None:
        """Make it last, after the statement `first`, in one message. An error here is the caller's answer."""
        if self._connection is None and first:
            await self._begin()
        status = await self._end(first + "commit")
        # PostgreSQL answers ROLLBACK to the COMMIT of a transaction that had failed.
        if status not in {None, "COMMIT"}:
            raise Unavailable("A gravação não foi concluída.")
        if status is not None:
            self._pool.written.add(self._gate.place)

    async def rollback(self) -> None:
        """Undo it. A connection that cannot is destroyed, which undoes it too: what went wrong before is the answer."""
        with contextlib.suppress(Problem, *FAULTS):
            await self._end("rollback")

    async def discard(self) -> None:
        """Destroy the connection: the work was cut off at a place nobody knows."""
        if self._connection is not None:
            self._pool.discard(self._let_go())

    async def _run(self, query: Query[Any], params: Mapping[str, Any]) -> tuple[Any, list[Any]]:
        connection = self._connection or await self._begin()
        self.statements += 1
        if query.changes:
            self.changes |= query.changes
        try:
            statement = connection.statements.get(query.sql) or await connection.prepare(query.sql)
            return statement, await statement.fetch(*query.args(params))
        except FAULTS as error:
            raise self._explained(error, connection) from error

    async def _begin(self) -> Connection:
        try:
            connection = await self._pool.acquire(self._gate.place, self.acquire_timeout)
        except FAULTS as error:
            problem = as_problem(error)
            raise (problem if isinstance(problem, Unavailable) else Unavailable()) from error
        self._connection = connection
        # The gate waits for nobody: only a database that has frozen takes long to answer it.
        self._bound(connection, self.acquire_timeout)
        try:
            await connection.begin(self._gate)
        except asyncpg.DivisionByZeroError as error:
            await self.discard()
            raise TaintedError from error
        except FAULTS as error:
            problem = self._explained(error, connection)
            await self.discard()
            raise problem from error
        self._bound(connection, LONGEST_WORK_S)
        return connection

    async def _end(self, how: str) -> str | None:
        """What PostgreSQL answers; None when it need not be asked."""
        if self._connection is None:
            return None
        if self._gate.read_only:
            # There is nothing to make last or to undo: whoever comes next ends it on the way.
            self._pool.release(self._let_go(), left_open=True)
            return None
        try:
            status: str = await self._connection.link.execute(how)
        except BaseException as error:
            connection = self._connection
            await self.discard()
            if isinstance(error, FAULTS):
                raise self._explained(error, connection) from error
            raise
        self._pool.release(self._let_go())
        return status

    def _bound(self, connection: Connection, seconds: float) -> None:
        """Cut the connection off when it still holds us up after so long."""
        if self._limit is not None:
            self._limit.cancel()
        self._limit = asyncio.get_running_loop().call_later(seconds, connection.link.terminate)

    def _let_go(self) -> Connection:
        connection, self._connection = cast("Connection", self._connection), None
        cast("asyncio.TimerHandle", self._limit).cancel()
        return connection

    @staticmethod
    def _explained(error: Exception, connection: Connection) -> Exception:
        # A migration changed the table under the statement: another connection prepares it anew. Or the connection was
        # told, while nobody asked it anything, that it is being ended.
        if isinstance(error, asyncpg.InvalidCachedStatementError | asyncpg.InternalClientError):
            connection.link.terminate()
        if isinstance(error, asyncpg.PostgresError):
            return as_problem(error)
        return Unavailable() if connection.link.is_closed() else error


@contextlib.asynccontextmanager
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
    ((asyncpg.InvalidCachedStatementError,), Unavailable, "O banco de dados acaba de ser atualizado."),
    ((asyncpg.QueryCanceledError,), Unavailable, "A consulta demorou demais."),
    ((asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError), Unavailable, None),
    ((asyncpg.DiskFullError,), Unavailable, "Não há espaço para gravar, e nada foi gravado."),
    ((asyncpg.TooManyConnectionsError,), Unavailable, "O banco de dados não aceita mais conexões agora."),
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
