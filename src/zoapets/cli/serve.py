"""`zoapets serve`: the application in production, behind uvicorn's own supervisor of workers.

It refuses to start rather than to run unsafely: default secrets, a database that is behind, rights that break the
isolation between hospitals.
"""

import asyncio
import errno
import os
import signal
import socket
import sys
import tempfile
from typing import Any

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from zoapets.cli.output import DONE, FAILED, FailureError
from zoapets.cli.protocol import BoundedHttp
from zoapets.core.config import Settings, from_environment
from zoapets.core.observability import configure_logging
from zoapets.core.owner.installation import (
    SERVING,
    Check,
    Level,
    UnreachableError,
    asked,
    connected,
    durability,
)

log = structlog.get_logger("zoapets.serve")

BACKLOG = 2048
# How long requests in flight may take after SIGTERM.
GRACE_S = 30
# Longer than the proxies in front keep an idle connection (60 s is common): they must be the ones to close it.
KEEP_ALIVE_S = 75
# A worker that does not answer its supervisor for so long is replaced. Long, as loading everything counts too.
HEALTHCHECK_S = 60


def serve() -> int:
    """Answer requests, as the environment says, with several workers, until SIGTERM or SIGINT.

    The environment is described in .env.example; DATABASE_URL (or DATABASE_HOST, ...), JWT_SECRET and
    JWT_REFRESH_SECRET are needed. PORT, HOST and WORKERS say where and with how many processes.

    It does not start, and says why, with default or short secrets (exit code 2), without its database, when the
    database is behind this version, or when it would let one hospital reach another (exit code 1). On SIGTERM, what is
    in flight is answered, for at most 30 s, and the exit code is 0. SIGHUP replaces the workers one by one.
    """
    settings = from_environment()
    weaknesses = _refuse_unfit(asyncio.run(_answers(settings)))
    with bound(settings.host, settings.port) as listener:
        # At once: a port that somebody else took in between must be a failure here, not in every worker.
        listener.listen(BACKLOG)
        # The serving processes do not hold the owner's password, even where the environment does.
        os.environ.pop("DATABASE_OWNER_URL", None)
        configure_logging(settings.log_level)
        for check in weaknesses:
            log.warning("installation", check=check.name, detail=check.detail, advice=check.advice)
        if settings.workers == 1:
            return run_alone(uvicorn.Server(_config(settings)), listener)
        with tempfile.TemporaryDirectory(prefix="zoapets-metrics-", ignore_cleanup_errors=True) as folder:
            # Read by prometheus-client when a worker imports it.
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
            return _supervise(_config(settings), listener)


def bound(host: str, port: int) -> socket.socket:
    """A socket that holds the port and does not listen yet. FailureError says what to do when it is taken."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            advice = f"Stop what uses it, or choose another port: PORT={port + 1 if port < 65535 else 3000}"  # noqa: PLR2004 - the last port
            raise FailureError(f"port {port} is taken", advice=advice) from error
        raise FailureError(
            f"cannot listen on {host}:{port}: {error.strerror}", advice="Check HOST and PORT."
        ) from error
    sock.set_inheritable(True)
    return sock


def server_config(app: Any, settings: Settings, **more: Any) -> uvicorn.Config:
    """How uvicorn serves `app`, here and in `demo`."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=BoundedHttp,
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        **more,
    )


def run_alone(server: uvicorn.Server, listener: socket.socket) -> int:
    """Serve in this process until SIGTERM or SIGINT; the exit code."""

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn takes over both signals, and raises them again when it has ended: by default, that would be a failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        server.run(sockets=[listener])
    except SystemExit:
        # The application did not start; why is in the log.
        return FAILED
    return DONE if server.started else FAILED


class _Supervisor(Multiprocess):
    def init_processes(self) -> None:
        super().init_processes()
        self._hear_them_end()

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        self._hear_them_end()

    def _hear_them_end(self) -> None:
        # This process's copies of the workers' ends: with them open, one that dies while it is asked whether it lives
        # is waited for, for HEALTHCHECK_S, and nobody is replaced meanwhile.
        for worker in self.processes:
            worker.child_conn.close()

    def terminate_all(self) -> None:
        # This process's copy as well, or who connects now would wait for nobody.
        for sock in self.sockets:
            sock.close()
        super().terminate_all()


def _config(settings: Settings) -> uvicorn.Config:
    return server_config(
        "zoapets.cli.worker:app_from_environment",
        settings,
        factory=True,
        workers=settings.workers,
        timeout_worker_healthcheck=HEALTHCHECK_S,
    )


def _supervise(config: uvicorn.Config, listener: socket.socket) -> int:
    # A new process loads what is `__main__` here: the whole command line, of which a worker uses nothing.
    main = sys.modules["__main__"]
    main.__spec__, main.__file__ = None, None
    supervisor = _Supervisor(config, sockets=[listener])
    supervisor.run()
    return FAILED if any(worker.exitcode == STARTUP_FAILURE for worker in supervisor.processes) else DONE


async def _answers(settings: Settings) -> list[Check]:
    try:
        async with connected(settings.database_url, "DATABASE_URL") as connection:
            return [check async for check in asked(connection, SERVING)]
    except UnreachableError as error:
        advice = "Is PostgreSQL running, and is the address right? If the role is missing, run: zoapets migrate"
        raise FailureError(str(error), advice=advice) from error


def _refuse_unfit(checks: list[Check]) -> list[Check]:
    """FailureError for what would make it unsafe to serve; the rest of what is not well comes back."""
    weak = [check for check in checks if check.level is not Level.OK]
    fatal = [check for check in weak if check.level is Level.FAIL and check.name != durability.__name__]
    if fatal:
        reasons = (f"{check.name}: {check.detail}: {check.advice}" for check in fatal)
        raise FailureError(*reasons, advice="zoapets doctor tells more.")
    return weak
