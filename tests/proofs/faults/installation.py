"""An installation that may be hurt: servers of its own, which keep what was acknowledged, and the API as a process."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.cast import Stage
from tests.cli.test_serve import free_port
from tests.proofs.faults.processes import children, command, runs, send, wait_until
from tests.proofs.faults.proxy import Proxy
from tests.proofs.ledger import is_full
from zoapets.core.owner.installation import Check, durability
from zoapets.embedded import EmbeddedServers

ROOT = Path(__file__).resolve().parents[3]
PER_MINUTE = 1_000_000
full_only = pytest.mark.skipif(not is_full(), reason="takes many seconds: make proofs")


class Servers(EmbeddedServers):
    """PostgreSQL and Valkey, each of which can be killed and started again on the same data."""

    def _start_postgres(self, programs: Path, data: Path, sockets: Path, said: Callable[[str], None]) -> None:
        self._postgres_again = partial(super()._start_postgres, programs, data, sockets, said)
        # A killed one leaves its socket's lock, as it does for `start`.
        for left in sockets.glob(".s.PGSQL.*"):
            left.unlink()
        self._postgres_again()

    def _start_valkey(self, program: Path, data: Path, socket: Path) -> None:
        self._valkey_again = partial(super()._start_valkey, program, data, socket)
        self.valkey_socket = socket
        self._valkey_again()

    def kill_postgres(self) -> None:
        """SIGKILL for the postmaster and all of its children; they have ended when this returns."""
        family = self._postgres_family()
        send(family, signal.SIGKILL)
        assert self._postgres is not None
        self._postgres.wait()
        wait_until(lambda: not any(map(runs, family)), "PostgreSQL's processes end")

    def start_postgres(self) -> None:
        """On the data that a killed one has left; returns when it lets clients in."""
        programs, data, sockets, said = self._postgres_again.args
        self._start_postgres(programs, data, sockets, said)

    @contextmanager
    def frozen_postgres(self) -> Iterator[None]:
        with _frozen(self._postgres_family()):
            yield

    def kill_valkey(self) -> None:
        assert self._valkey is not None
        self._valkey.kill()
        self._valkey.wait()

    def start_valkey(self) -> None:
        self._valkey_again()

    @contextmanager
    def frozen_valkey(self) -> Iterator[None]:
        assert self._valkey is not None
        with _frozen([self._valkey.pid]):
            yield

    def _postgres_family(self) -> list[int]:
        assert self._postgres is not None
        return [self._postgres.pid, *children(self._postgres.pid)]


@contextmanager
def _frozen(pids: list[int]) -> Iterator[None]:
    send(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        send(pids, signal.SIGCONT)


@dataclass
class Api:
    """A running `zoapets serve`."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    count: int

    def workers(self) -> list[int]:
        """The processes that serve."""
        if self.count == 1:
            return [self.process.pid]
        return [pid for pid in children(self.process.pid) if "spawn_main" in command(pid)]

    def started(self) -> int:
        """How many workers have ever begun to serve."""
        return self.log.read_text().count("Application startup complete.")

    def health(self) -> str:
        """What `/health/ready` says: ok, degraded or unavailable."""
        answer = httpx.get(f"{self.url}/health/ready", timeout=10)
        status: str = answer.json()["status"]
        assert answer.status_code == (503 if status == "unavailable" else 200), answer.text
        return status

    def metric(self, name: str) -> float:
        """A counter of `/metrics`, over all workers."""
        lines = httpx.get(f"{self.url}/metrics", timeout=10).text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.split(" ")[0] == name)


class Installation:
    """Its servers, one database, and no hospital yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers = Servers(folder / "servers")
        addresses = self.servers.start()
        self.owner_url = addresses.postgres.replace("/postgres?", "/zoapets?", 1)
        self.app_url = self.owner_url.replace("postgres@", "zoapets_app@", 1)
        self.valkey = Proxy(self.servers.valkey_socket)
        self.valkey_url = self.valkey.url
        asyncio.run(self._prepare(addresses.postgres))
        self._apis = 0

    def close(self) -> None:
        self.valkey.close()
        self.servers.stop()

    async def _prepare(self, server: str) -> None:
        admin = await asyncpg.connect(server)
        await admin.execute("create database zoapets")
        await admin.close()
        stage = await Stage.open(self.owner_url, self.valkey_url)
        # So that who is signed in on a stage is signed in at the API.
        self._secrets = {
            "JWT_SECRET": stage.settings.jwt_secret,
            "JWT_REFRESH_SECRET": stage.settings.jwt_refresh_secret,
        }
        await stage.close()

    def sql(self, statement: str, *args: Any, within: str = "public") -> list[Any]:
        """As the owner, behind the application's back, with this search_path."""
        found: list[Any] = self._as_owner(lambda connection: connection.fetch(statement, *args), within)
        return found

    def script(self, statements: str, *, within: str = "public") -> None:
        """Several of them, which cannot have parameters."""
        self._as_owner(lambda connection: connection.execute(statements), within)

    @contextmanager
    def configured(self, **settings: str) -> Iterator[None]:
        """PostgreSQL with these settings, for those who connect from now on and those who are connected."""
        before = {name: self.sql(f"show {name}")[0][0] for name in settings}
        try:
            for name, value in settings.items():
                self.script(f"alter system set {name} = '{value}'")
            self._reload(settings)
            yield
        finally:
            for name in settings:
                self.script(f"alter system reset {name}")
            self._reload(before)

    def _reload(self, expected: dict[str, str]) -> None:
        self.sql("select pg_reload_conf()")
        wait_until(
            lambda: all(self.sql(f"show {name}")[0][0] == value for name, value in expected.items()), f"{expected}"
        )

    def durability(self) -> str:
        """What `zoapets doctor` thinks of what a loss of power would lose: ok or fail."""
        check: Check = self._as_owner(durability, "public")
        return check.level.value

    def _as_owner(self, ask: Callable[[Any], Awaitable[Any]], within: str) -> Any:
        async def run() -> Any:
            connection = await asyncpg.connect(self.owner_url, server_settings={"search_path": within})
            try:
                return await ask(connection)
            finally:
                await connection.close()

        return asyncio.run(run())

    @contextmanager
    def serving(self, *, workers: int = 2, broken: str | None = None, pool: int = 8) -> Iterator[Api]:
        """The API as production runs it; `broken` names one of `breaks`, which all of its workers then have."""
        self._apis += 1
        port, log = free_port(), self.folder / f"api-{self._apis}.log"
        environ = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": self.app_url,
            "REDIS_URL": self.valkey_url,
            "STORAGE_URL": f"file://{self.folder / 'files'}",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "WORKERS": str(workers),
            "DATABASE_POOL_SIZE": str(pool),
            "RATE_LIMIT_PER_MINUTE": str(PER_MINUTE),
            **self._secrets,
        }
        module = ["zoapets", "serve"] if broken is None else ["tests.proofs.faults.breaks", broken]
        with log.open("wb") as output:
            process = subprocess.Popen([sys.executable, "-m", *module], env=environ, cwd=ROOT, stderr=output)  # noqa: S603 - ours
        api = Api(process, f"http://127.0.0.1:{port}", log, workers)
        try:
            wait_until(lambda: process.poll() is not None or api.started() >= workers, f"the API starts: {log}")
            assert process.poll() is None, log.read_text()
            yield api
        finally:
            ours = [*api.workers(), process.pid]
            process.kill()
            process.wait()
            send(ours, signal.SIGKILL)
