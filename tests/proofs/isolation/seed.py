"""The seed's way to the database, which leaks: `SET search_path` on some connection, the queries on whichever comes.

A superuser's connections, as the seed's, and nothing that dies with a transaction.
"""

from typing import Any, TypeVar

import asyncpg

from zoapets.core import http
from zoapets.core.database import prepare
from zoapets.core.pool import Gate
from zoapets.core.statements import Change, Query

T = TypeVar("T")
CONNECTIONS = 8


async def _no_reset(_: Any) -> None:
    """What was set stays."""


class SeedWork:
    """Looks like a unit of work."""

    owner_url = ""
    _pool: Any = None

    def __init__(self, pool: Any, gate: Gate) -> None:
        del pool
        self._schema = gate.place
        self._switched = False
        self.statements = 0
        self.changes: frozenset[Change] = frozenset()

    async def all(self, query: Query[T], /, **params: Any) -> list[T]:
        return [query.row(row) for row in await self._rows(query, params)]

    async def first(self, query: Query[T], /, **params: Any) -> T | None:
        found = await self.all(query, **params)
        return found[0] if found else None

    async def one(self, query: Query[T], /, **params: Any) -> T:
        found = await self.all(query, **params)
        if not found:
            raise LookupError
        return found[0]

    async def page(self, query: Query[T], /, **params: Any) -> tuple[list[T], int | None]:
        rows = await self._rows(query, params)
        return [query.row(row) for row in rows], rows[0][-1] if rows else None

    async def run(self, query: Query[Any], /, **params: Any) -> int:
        status: str = await self._do("execute", query, params)
        return int(status.rpartition(" ")[2] or 0)

    async def commit(self, first: str = "") -> None:
        """Every statement was; `first` says what happened, which the seed did not."""

    async def rollback(self) -> None:
        """There is nothing to undo."""

    discard = rollback

    async def _rows(self, query: Query[Any], params: Any) -> list[Any]:
        found: list[Any] = await self._do("fetch", query, params)
        return found

    async def _do(self, verb: str, query: Query[Any], params: Any) -> Any:
        if SeedWork._pool is None:
            # Filled before the first wait, so that there is one; it opens when it is first asked for a connection.
            SeedWork._pool = asyncpg.create_pool(
                self.owner_url, min_size=0, max_size=CONNECTIONS, init=prepare, reset=_no_reset, statement_cache_size=0
            )
        pool = await SeedWork._pool
        if not self._switched:
            self._switched = True
            async with pool.acquire() as connection:
                await connection.execute(f"set search_path = {self._schema}")
        async with pool.acquire() as connection:
            return await getattr(connection, verb)(query.sql, *query.args(params))


def install(owner_url: str) -> None:
    """From now on, in this process."""
    SeedWork.owner_url = owner_url
    setattr(http, "UnitOfWork", SeedWork)  # noqa: B010 - it is another module's, and stays so for this process
