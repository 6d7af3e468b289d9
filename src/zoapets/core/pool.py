"""Connections to PostgreSQL: at most `size`, each lent to one unit of work at a time.

A library's pool resets what comes back. Here nothing needs it, as all that a unit of work sets dies with its
transaction, and so three things can be done that a general pool cannot (docs/adr/0012-a-pool-of-our-own.md):

- a read leaves its transaction open, and whoever comes next ends it in the same message that begins its own;
- a hospital gets a connection that it had before, where its statements are planned and its tables in memory, and for
  that waits a moment (`RATHER_WAIT_S`);
- a connection that has seen `MOST_PLACES` hospitals is replaced, as each leaves its tables in the backend's memory.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

MOST_PLACES = 200
MOST_STATEMENTS = 2000
# How long to wait for a connection that knows the hospital, before another one learns it: that takes as long.
RATHER_WAIT_S = 0.02
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
    """One connection, with the statements that were prepared on it for each hospital."""

    __slots__ = ("_until", "left_open", "link", "place", "places", "statements")

    def __init__(self, link: Any, until: float) -> None:
        self.link = link
        self.place = ""
        # Of the hospital that it serves now, and of all that it knows. A plan holds for one schema: statements that
        # hospitals shared would be planned anew at each change from one to the other.
        self.statements: dict[str, Any] = {}
        self.places: dict[str, dict[str, Any]] = {}
        self.left_open = False
        self._until = until

    async def begin(self, gate: Gate) -> None:
        """Send the gate, and with it the end of a transaction that was left open."""
        text = gate.text
        if self.left_open:
            text, self.left_open = f"rollback; {text}", False
        self.place = gate.place
        self.statements = self.places.setdefault(gate.place, {})
        await self.link.execute(text)

    async def prepare(self, sql: str) -> Any:
        """The prepared statement, once for each connection and hospital."""
        # With the place in its text, as asyncpg knows statements by their text.
        statement = self.statements[sql] = await self.link.prepare(f"{sql}\n-- {self.place}")
        return statement

    async def settle(self) -> None:
        """End a transaction that was left open."""
        if self.left_open:
            self.left_open = False
            await self.link.execute("rollback")

    def is_worn(self, now: float) -> bool:
        """Whether it has grown, or lived, enough."""
        prepared = sum(map(len, self.places.values()))
        return len(self.places) > MOST_PLACES or prepared > MOST_STATEMENTS or now > self._until


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
        self._waiting: deque[tuple[asyncio.Future[Connection | None], str | None]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def acquire(self, place: str = "", patience: float = 5) -> Connection:
        """A connection, one that knows the hospital if it is to be had. TimeoutError when none comes in `patience` (s).

        Raises also what connecting raises.
        """
        if (found := self._known(place)) is not None:
            return found
        async with asyncio.timeout(patience):
            if any(place in connection.places for connection in self._all):
                with suppress(TimeoutError):
                    async with asyncio.timeout(RATHER_WAIT_S):
                        if (found := await self._wait(place)) is not None:
                            return found
            while True:
                if (found := self._known(place) or self._least_known()) is not None:
                    return found
                if len(self._all) + self._opening < self._size:
                    return await self._open()
                if (found := await self._wait(None)) is not None:
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

    def _known(self, place: str) -> Connection | None:
        """An idle one that knows the hospital: last in, first out."""
        for connection in reversed(self._idle):
            if place in connection.places:
                self._idle.remove(connection)
                if not connection.link.is_closed():
                    return connection
                self._all.discard(connection)
        return None

    def _least_known(self) -> Connection | None:
        """An idle one: of all, the one that knows the fewest, so that each hospital stays with few of them."""
        while len(self._all) + self._opening >= self._size and self._idle:
            connection = min(self._idle, key=lambda idle: len(idle.places))
            self._idle.remove(connection)
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

    async def _wait(self, place: str | None) -> Connection | None:
        """What somebody gives back, or None when there is room for a new one; with `place`, one that knows it."""
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        entry = (waiter, place)
        self._waiting.append(entry)
        try:
            return await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                # Given to somebody who has just left.
                given = waiter.result()
                self._wake(None) if given is None else self.release(given, left_open=given.left_open)
            else:
                self._waiting.remove(entry)
            raise

    def _wake(self, connection: Connection | None) -> bool:
        """Give it to whoever waits longest and would have it; whether somebody would."""
        for entry in self._waiting:
            waiter, place = entry
            if not waiter.done() and (place is None or (connection is not None and place in connection.places)):
                self._waiting.remove(entry)
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


async def _close(connection: Connection) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await connection.settle()
            await connection.link.close()
    except FAULTS:
        connection.link.terminate()
