"""Connections to PostgreSQL: at most `size`, each lent to one unit of work at a time.

A library's pool resets what comes back. Here nothing needs it, as all that a unit of work sets dies with its
transaction, and so three things can be done that a general pool cannot (docs/adr/0012-a-pool-of-our-own.md):

- a read leaves its transaction open, and whoever comes next ends it in the same message that begins its own;
- a hospital gets, if it can, a connection that it had before, whose backend has its tables in memory;
- a connection that has seen `MOST_PLACES` hospitals is replaced, as each leaves its tables in the backend's memory.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self

import asyncpg

MOST_PLACES = 200
MOST_STATEMENTS = 1000
LIFETIME_S = 1800.0
# How long a read's transaction may stay open after its answer, when nobody comes to end it.
LEFT_OPEN_S = 0.02
CLOSE_TIMEOUT_S = 5.0
# What a database that goes away raises. `InternalClientError` is what a message meets that is sent while its connection
# is being lost; a timeout is an OSError.
FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


@dataclass(frozen=True, slots=True)
class Gate:
    """The message that begins a unit of work, the schema that it is about, and whether it only reads."""

    text: str
    place: str
    read_only: bool


class Connection:
    """One connection, with the statements that were prepared on it."""

    __slots__ = ("_until", "left_open", "link", "place", "places", "statements")

    def __init__(self, link: Any, until: float) -> None:
        self.link = link
        self.statements: dict[str, Any] = {}
        self.place = ""
        self.places: set[str] = set()
        self.left_open = False
        self._until = until

    async def begin(self, gate: Gate) -> None:
        """Send the gate, and with it the end of a transaction that was left open."""
        text = gate.text
        if self.left_open:
            text, self.left_open = f"rollback; {text}", False
        self.place = gate.place
        self.places.add(gate.place)
        await self.link.execute(text)

    async def prepare(self, sql: str) -> Any:
        """The prepared statement, once for each connection."""
        statement = self.statements[sql] = await self.link.prepare(sql)
        return statement

    async def settle(self) -> None:
        """End a transaction that was left open."""
        if self.left_open:
            self.left_open = False
            await self.link.execute("rollback")

    def is_worn(self, now: float) -> bool:
        """Whether it has grown, or lived, enough."""
        return len(self.places) > MOST_PLACES or len(self.statements) > MOST_STATEMENTS or now > self._until


class Pool:
    """Lends connections, the one used last first; who finds none waits in turn."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._loop = asyncio.get_running_loop()
        # Where something was committed since whoever cares last looked.
        self.written: set[str] = set()
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._opening = 0
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def acquire(self, place: str = "", patience: float = 5) -> Connection:
        """A connection, the hospital's last one if it is free. TimeoutError when none comes within `patience` (s).

        Raises also what connecting raises.
        """
        if (found := self._take(place)) is not None:
            return found
        async with asyncio.timeout(patience):
            while True:
                if (found := self._take(place)) is not None:
                    return found
                if len(self._all) + self._opening < self._size:
                    return await self._open()
                if (found := await self._wait()) is not None:
                    return found

    def release(self, connection: Connection, *, left_open: bool = False) -> None:
        """Take it back; with `left_open` its transaction, which only read, is still to be ended."""
        connection.left_open = left_open
        if connection.link.is_closed():
            self.discard(connection)
        elif connection.is_worn(self._loop.time()):
            self._all.discard(connection)
            self._later(_close(connection))
            self._wake(None)
        elif not self._wake(connection):
            self._idle.append(connection)
            if left_open and self._sweep is None:
                self._sweep = self._loop.call_later(LEFT_OPEN_S, self._end_left_open)

    def discard(self, connection: Connection) -> None:
        """Destroy it: nobody knows where it stands."""
        connection.link.terminate()
        self._all.discard(connection)
        self._wake(None)

    async def close(self) -> None:
        """Close what is idle, and cut off what is not."""
        if self._sweep is not None:
            self._sweep.cancel()
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_close(connection) for connection in idle), *self._tasks)
        self.terminate()

    def terminate(self) -> None:
        """Cut all of them off."""
        for connection in self._all:
            connection.link.terminate()
        self._all.clear()
        self._idle.clear()

    def _take(self, place: str) -> Connection | None:
        idle, known = self._idle, None
        # Last in, first out; but rather the one where the hospital's statements are planned, or its tables known.
        for connection in reversed(idle):
            if connection.place == place:
                known = connection
                break
            if known is None and place in connection.places:
                known = connection
        if known is not None:
            idle.remove(known)
            idle.append(known)
        while idle:
            connection = idle.pop()
            if not connection.link.is_closed():
                return connection
            self._all.discard(connection)
        return None

    async def _open(self) -> Connection:
        self._opening += 1
        try:
            link = await self._connect()
        except BaseException:
            self._wake(None)
            raise
        finally:
            self._opening -= 1
        # Not all of them at once: the lifetimes differ by a fifth.
        connection = Connection(link, self._loop.time() + LIFETIME_S * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
        self._all.add(connection)
        return connection

    async def _wait(self) -> Connection | None:
        """What somebody gives back, or None when there is room for a new one."""
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                # Given to somebody who has just left.
                given = waiter.result()
                self._wake(None) if given is None else self.release(given, left_open=given.left_open)
            raise

    def _wake(self, connection: Connection | None) -> bool:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _end_left_open(self) -> None:
        self._sweep = None
        for connection in [connection for connection in self._idle if connection.left_open]:
            self._idle.remove(connection)
            self._later(self._settle(connection))

    async def _settle(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await connection.settle()
        except FAULTS:
            self.discard(connection)
        else:
            self.release(connection)

    def _later(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def _close(connection: Connection) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await connection.settle()
            await connection.link.close()
    except FAULTS:
        connection.link.terminate()
