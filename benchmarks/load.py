"""A client that is cheap beside what it measures: prebuilt bytes over kept connections, one answer awaited on each.

    async with Load(port, connections=10) as load:
        run = await load.run(cycled(requests), seconds=2)

It reads what our servers write: HTTP/1.1 with `content-length`. An answer that does not say its length, and has no
status that goes without, breaks its connection: the run is counted as failed.
"""

import asyncio
import itertools
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

HOST = "127.0.0.1"
BODILESS = frozenset({204, 304})
# Bounds a failure: no run waits longer than this for an answer.
PATIENCE_S = 30.0


class BadAnswerError(RuntimeError):
    """What came back is no answer that this client can read."""


def request(method: str, path: str, token: str = "", *, body: bytes | None = None, **headers: str) -> bytes:
    """One request, as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "host: benchmarks"]
    lines += [f"authorization: Bearer {token}"] if token else []
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class Source(Protocol):
    """Where requests come from, and answers go."""

    def take(self) -> tuple[bytes, Any] | None:
        """The next request and a mark of one's own, or None when there is none left."""

    def answered(self, mark: Any, status: int, head: bytes) -> None:
        """What became of it."""


class Requests:
    """Requests in turn, with nothing to learn from their answers."""

    def __init__(self, requests: Iterable[bytes]) -> None:
        self._requests: Iterator[bytes] = iter(requests)

    def take(self) -> tuple[bytes, Any] | None:
        found = next(self._requests, None)
        return None if found is None else (found, None)

    def answered(self, mark: Any, status: int, head: bytes) -> None:
        """Nothing."""


def cycled(requests: Sequence[bytes]) -> Requests:
    return Requests(itertools.cycle(requests))


@dataclass
class Run:
    """What a run saw; the latencies are in seconds."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    bytes: int = 0
    broken: int = 0

    @property
    def answers(self) -> int:
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    @property
    def failed(self) -> int:
        """Answers that were neither 2xx nor 3xx, and connections that broke."""
        return self.broken + sum(count for status, count in self.statuses.items() if not 200 <= status < 400)  # noqa: PLR2004 - classes of status

    def percentile(self, share: float) -> float:
        """The latency (s) that this share of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    def checked(self) -> Self:
        """Itself; BadAnswerError when anything failed: a fast refusal is no speed."""
        if self.failed or not self.latencies:
            raise BadAnswerError(f"{self.failed} of {self.answers} answers failed: {dict(self.statuses)}")
        return self


class _Connection(asyncio.Protocol):
    def __init__(self, load: "Load") -> None:
        self._load = load
        self._transport: Any = None
        self._mark: Any = None
        self._sent = 0.0
        self._head = b""
        self._status = 0
        self._missing = 0
        self.busy = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        if self.busy:
            self._load.current.broken += 1
            self._rest()

    def send(self) -> None:
        """The next request of the run, or rest."""
        load = self._load
        if self._transport is None or load.over() or (taken := load.source.take()) is None:
            self._rest()
            return
        self.busy = True
        wanted, self._mark = taken
        self._transport.write(wanted)
        self._sent = time.perf_counter()

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            data = self._head + data if self._head else data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._head = data
                return
            self._head = data[: end + 2]
            self._status = int(data[9:12])
            self._missing = end + 4 + self._length() - len(data)
        if self._missing <= 0:
            self._answered()

    def _length(self) -> int:
        at = self._head.find(b"content-length: ")
        if at < 0:
            if self._status in BODILESS:
                return 0
            raise BadAnswerError(self._head.decode(errors="replace"))
        found = int(self._head[at + 16 : self._head.index(b"\r\n", at)])
        self._load.current.bytes += found
        return found

    def _answered(self) -> None:
        run = self._load.current
        run.latencies.append(time.perf_counter() - self._sent)
        run.statuses[self._status] += 1
        self._load.source.answered(self._mark, self._status, self._head)
        self._head, self._missing = b"", 0
        self.send()

    def _rest(self) -> None:
        self.busy = False
        self._load.rests()

    def close(self) -> None:
        self.busy = False
        if self._transport is not None:
            self._transport.abort()


class Load:
    """Connections that stay open from run to run."""

    def __init__(self, port: int, *, connections: int) -> None:
        self._port = port
        self._count = connections
        self._connections: list[_Connection] = []
        self._until = 0.0
        self._resting = 0
        self._done: asyncio.Future[None] | None = None
        self.current = Run()
        self.source: Source = Requests(())

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for _ in range(self._count):
            _, connection = await loop.create_connection(lambda: _Connection(self), HOST, self._port)
            self._connections.append(connection)
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()

    async def run(self, source: Source, *, seconds: float = PATIENCE_S) -> Run:
        """Send for so long, or until the source has no more; every answer that was asked for is counted."""
        self.current, self.source = Run(), source
        self._resting, self._done = 0, asyncio.get_running_loop().create_future()
        started = time.perf_counter()
        self._until = started + seconds
        for connection in self._connections:
            connection.send()
        await asyncio.wait_for(self._done, seconds + PATIENCE_S)
        self.current.seconds = time.perf_counter() - started
        return self.current

    def over(self) -> bool:
        return time.perf_counter() >= self._until

    def rests(self) -> None:
        """A connection has nothing more to do; the last one ends the run."""
        self._resting += 1
        if self._resting >= self._count and self._done is not None and not self._done.done():
            self._done.set_result(None)
