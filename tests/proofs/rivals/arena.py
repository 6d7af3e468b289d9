"""Where rivals meet: a hospital, and a way to it that lets all of them reach PostgreSQL at the same time."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.cast import Hospital, Stage
from tests.cli.test_serve import free_port
from tests.proofs import ledger
from tests.proofs.ledger import Ledger
from tests.proofs.rivals.contest import Rival, Told, at_once, percentile

RIVALS = ledger.pick(16, 64)
ROUNDS = ledger.pick(1, 6)
# So many connections that those who wait for a lock leave some for those who hold it; together with all that a run has
# open, fewer than the embedded PostgreSQL allows.
CONNECTIONS = ledger.pick(16, 48)
MOST_MS = 500
WORKERS = 2
# Of a break that shows itself by chance, as many rounds at the most; nearly always, the first one is enough.
MOST_TRIES = 20
# Bounds a failure; nothing takes this long.
DEADLINE_S = 60


@dataclass
class Arena:
    """A hospital of its own, reached in one process or through two workers."""

    name: str
    hospital: Hospital
    seconds: list[float] = field(default_factory=list)

    @property
    def stage(self) -> Stage:
        return self.hospital.stage

    async def contest(self, rivals: list[Rival]) -> list[Told]:
        """Let them go at once; their times count."""
        told = await at_once(rivals)
        self.seconds += [one.seconds for one in told]
        return told

    async def rounds(self, one: Callable[[], Awaitable[list[str]]], count: int = ROUNDS) -> list[str]:
        """The findings of so many rounds. Of several, the first one does not count for its times.

        It is the one in which every connection meets the hospital, and every worker the route, for the first time.
        """
        counted = len(self.seconds)
        found = await one()
        if count > 1:
            del self.seconds[counted:]
        return found + [finding for _ in range(count - 1) for finding in await one()]

    def took(self, proof: Ledger, what: str, *, hashing: bool = False) -> None:
        """Take down what was shown, how fast it went, and forget the times.

        In the whole run, p99 has a bound, but where each rival's password is hashed: that is to be slow.
        """
        p50, p99 = (percentile(self.seconds, part) for part in (0.5, 0.99))
        proof.shown(f"{what}, {self.name}", rivals=RIVALS, requests=len(self.seconds), p50_ms=p50, p99_ms=p99)
        self.seconds.clear()
        if ledger.is_full() and not hashing:
            assert p99 < MOST_MS, f"{what}, {self.name}: p99 {p99} ms"


@contextmanager
def served(stage: Stage, log: Path) -> Iterator[str]:
    """The address of the same installation behind two workers, so that no lock within a process hides a race."""
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": stage.settings.database_url,
        "REDIS_URL": str(stage.settings.redis_url),
        "STORAGE_URL": f"file://{log.parent}",
        "JWT_SECRET": stage.settings.jwt_secret,
        "JWT_REFRESH_SECRET": stage.settings.jwt_refresh_secret,
        "DATABASE_POOL_SIZE": str(CONNECTIONS // 3),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WORKERS": str(WORKERS),
        "LOG_LEVEL": "warning",
    }
    command = [sys.executable, "-m", "zoapets", "serve"]
    with log.open("wb") as errors, subprocess.Popen(command, env=environ, stderr=errors) as process:  # noqa: S603 - ours
        try:
            _wait_for(f"http://127.0.0.1:{port}", process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(DEADLINE_S)


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        # Until it listens, nothing answers.
        with suppress(httpx.TransportError):
            if httpx.get(f"{address}/health/ready").status_code == httpx.codes.OK:
                return
    raise AssertionError(log.read_text())


class Doors(httpx.AsyncBaseTransport):
    """A connection for each rival, and for each a pool of its own.

    One pool goes through all of its connections for each request: with 64 at once, that took most of their time.
    """

    def __init__(self) -> None:
        self._free = [httpx.AsyncHTTPTransport(verify=False) for _ in range(RIVALS)]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        door = self._free.pop()
        try:
            answer = await door.handle_async_request(request)
            await answer.aread()
        finally:
            self._free.append(door)
        return answer

    async def aclose(self) -> None:
        for door in self._free:
            await door.aclose()


async def until_seen(words: str, one: Callable[[], Awaitable[list[str]]]) -> list[str]:
    """The findings of one round after another, until one says `words`, an expression: who wins a race is chance."""
    found = list[str]()
    for _ in range(MOST_TRIES):
        found += await one()
        if any(re.search(words, finding) for finding in found):
            return found
    raise AssertionError(f"nobody has seen {words!r}: {found}")


def client(address: str) -> httpx.AsyncClient:
    """With a connection for each rival."""
    return httpx.AsyncClient(base_url=address, transport=Doors(), timeout=DEADLINE_S)
