"""`zoapets serve`: refuses to run unsafely, answers with several workers, and lets nothing in flight fall."""

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.cli.ground import PASSWORD, Ground
from zoapets.cli.serve import HEALTHCHECK_S

# Bounds a failure; nothing takes this long.
DEADLINE_SECONDS = 60
WAITING = """
select count(*) from pg_locks
where not granted and database = (select oid from pg_database where datname = current_database())
"""


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@dataclass
class Server:
    """A running `zoapets serve`, and what it has logged so far."""

    process: subprocess.Popen[str]
    url: str
    log: list[dict[str, Any]]

    def wait_for(self, message: str, times: int) -> None:
        """Read the log until this was said so often."""
        assert self.process.stderr is not None
        while sum(message in line["message"] for line in self.log) < times:
            line = self.process.stderr.readline()
            assert line, f"it ended before it said {message!r}: {self.log}"
            self.log.append(json.loads(line))

    def workers(self) -> list[int]:
        said = "Started server process ["
        return [int(line["message"].removeprefix(said)[:-1]) for line in self.log if line["message"].startswith(said)]


@contextmanager
def serving(ground: Ground, *, workers: int) -> Iterator[Server]:
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        **ground.environ,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WORKERS": str(workers),
        "DATABASE_POOL_SIZE": "3",
    }
    command = [sys.executable, "-m", "zoapets", "serve"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        server = Server(process, f"http://127.0.0.1:{port}", [])
        try:
            server.wait_for("Application startup complete.", workers)
            yield server
        finally:
            process.kill()


@pytest.fixture
def schema(ground: Ground) -> str:
    """The schema of the one hospital of these tests."""
    found = ground.sql("select schema_name from public.tenants where slug = 'servido'")
    return str(found[0]["schema_name"]) if found else ground.hospital("servido")


def signed_in(server: Server) -> dict[str, str]:
    body = {"email": "admin@servido.test", "password": PASSWORD}
    answer = httpx.post(f"{server.url}/auth/login", json=body, timeout=DEADLINE_SECONDS)
    assert answer.status_code in {200, 201}, answer.text
    return {"authorization": f"Bearer {answer.json()['accessToken']}"}


async def _held_up(
    ground: Ground, schema: str, server: Server, ask: "ThreadPoolExecutor", headers: dict[str, str]
) -> Any:
    """A request that waits for a lock; SIGTERM; the lock is given back once every worker is on its way out."""
    holder = await asyncpg.connect(ground.owner_url)
    async with holder.transaction():
        await holder.execute(f"lock table {schema}.tutores in access exclusive mode")
        waiting = ask.submit(httpx.get, f"{server.url}/tutores", headers=headers, timeout=DEADLINE_SECONDS)
        while not await holder.fetchval(WAITING):
            assert not waiting.done(), waiting.result().text
        server.process.send_signal(signal.SIGTERM)
        server.wait_for("Shutting down", 1)
        server.wait_for("Waiting for connections to close.", 1)
        assert not waiting.done()
    await holder.close()
    return waiting.result()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_request_in_flight_is_answered_after_sigterm_and_the_exit_code_is_0(
    ground: Ground, schema: str, workers: int
) -> None:
    with serving(ground, workers=workers) as server, ThreadPoolExecutor() as ask:
        headers = signed_in(server)

        answer = asyncio.run(_held_up(ground, schema, server, ask, headers))

        assert (answer.status_code, answer.json()["data"]) == (200, [])
        assert server.process.wait(DEADLINE_SECONDS) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{server.url}/health/live")


def test_the_log_is_json_and_holds_no_address_of_a_page(ground: Ground, schema: str) -> None:
    assert schema
    with serving(ground, workers=1) as server:
        httpx.get(f"{server.url}/tutores?busca=Fulano", headers=signed_in(server))
        server.wait_for("request", 2)

        line = server.log[-1]
        assert (line["method"], line["route"], line["status"]) == ("GET", "/tutores", 200)
        assert "Fulano" not in json.dumps(server.log)


def test_several_workers_are_one_server(ground: Ground, schema: str) -> None:
    assert schema
    with serving(ground, workers=2) as server:
        workers = server.workers()
        # One connection each, so that both workers take some.
        for _ in range(40):
            live = httpx.get(f"{server.url}/health/live")
            assert (live.status_code, "server" in live.headers, "date" in live.headers) == (200, False, True)
        assert httpx.get(f"{server.url}/health/ready").json()["status"] == "ok"

        # The metrics are of all of them.
        metrics = httpx.get(f"{server.url}/metrics").text
        [counted] = [line for line in metrics.splitlines() if "_count" in line and 'route="/health/live"' in line]
        assert float(counted.split()[-1]) == 40
        # None of them holds the owner's password.
        for pid in workers:
            assert b"DATABASE_OWNER_URL" not in Path(f"/proc/{pid}/environ").read_bytes()
        # One that is killed is replaced.
        os.kill(workers[0], signal.SIGKILL)
        server.wait_for("Application startup complete.", 3)
        assert httpx.get(f"{server.url}/health/ready").json()["status"] == "ok"

        # And they end with a killed supervisor.
        left = [os.pidfd_open(pid) for pid in server.workers() if pid != workers[0]]
        server.process.kill()
        while left:
            ended, _, _ = select.select(left, [], [], DEADLINE_SECONDS)
            assert ended, "a worker outlives its supervisor"
            for descriptor in ended:
                left.remove(descriptor)
                os.close(descriptor)


def test_a_worker_that_dies_while_it_is_asked_whether_it_lives_is_replaced_at_once(ground: Ground, schema: str) -> None:
    assert schema
    with serving(ground, workers=2) as server:
        os.kill(server.workers()[0], signal.SIGSTOP)
        # The supervisor asks it, and waits for the answer; "0" is what a system says that does not show it.
        deadline = time.monotonic() + DEADLINE_SECONDS
        while "poll" not in (waits := Path(f"/proc/{server.process.pid}/wchan").read_text()) and waits != "0":
            assert time.monotonic() < deadline
        os.kill(server.workers()[0], signal.SIGKILL)

        started = time.monotonic()
        server.wait_for("Application startup complete.", 3)

        assert time.monotonic() - started < HEALTHCHECK_S / 2


@pytest.mark.parametrize("name", ["JWT_SECRET", "JWT_REFRESH_SECRET"])
def test_it_refuses_default_and_short_secrets(ground: Ground, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for secret in ("super-secret-key-change-in-production", "refresh-secret", "x7"):
        monkeypatch.setenv(name, secret)
        said = ground.zoapets("serve")
        assert said.code == 2
        assert f"error: {name} " in said.err


def test_it_refuses_to_start_without_its_database(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://zoapets_app@127.0.0.1:1/zoapets")

    said = ground.zoapets("serve")

    assert said.code == 1
    assert "DATABASE_URL: no connection to 127.0.0.1:1/zoapets" in said.err
    assert "zoapets migrate" in said.err


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("update tenants set revisao = '0001'", "migrations: servido is at 0001"),
        ("grant execute on function pg_sleep(double precision) to public", "revokes: PUBLIC may call pg_sleep"),
    ],
)
def test_it_refuses_an_installation_that_is_behind_or_open(ground: Ground, schema: str, spoil: str, told: str) -> None:
    assert schema
    ground.sql(spoil)

    said = ground.zoapets("serve")

    assert (said.code, told in said.err, "run: zoapets migrate" in said.err) == (1, True, True), said.err
    assert ground.zoapets("migrate").code == 0


def test_it_refuses_to_serve_as_the_owner(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", ground.owner_url)

    said = ground.zoapets("serve")

    assert (said.code, "signs in as postgres" in said.err) == (1, True)


def test_a_port_that_is_taken_is_told_with_another(
    ground: Ground, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert schema
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("HOST", "127.0.0.1")
        monkeypatch.setenv("PORT", str(port))

        said = ground.zoapets("serve")

    assert said.code == 1
    assert f"error: port {port} is taken" in said.err
    assert "PORT=" in said.err
