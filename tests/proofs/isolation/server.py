"""The application as it is served: processes of its own, real sockets, and what is broken in them on purpose."""

import asyncio
import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
import uvicorn

from tests.cast import Stage
from tests.proofs.isolation import faults, seed
from zoapets.app import create_app
from zoapets.cli.serve import server_config
from zoapets.common.clock import Clock
from zoapets.core.config import Settings

STARTS_WITHIN_S = 60
_processes = multiprocessing.get_context("spawn")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Any) -> None:
        super().__init__(config)
        self._started_event = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started_event.set()


def serve(settings: Settings, offset: timedelta, listener: socket.socket, started: Any, *, as_the_seed: bool) -> None:
    """What a process of the server does, until SIGTERM."""
    threading.Thread(target=_follow, daemon=True).start()
    # Faults are what is asked for here, and would fill the terminal.
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if as_the_seed:
        seed.install(settings.owner_url or "")
    else:
        faults.install()
    app: Any = faults.Faulty(create_app(settings, Clock(offset)))
    _Server(server_config(app, settings), started).run(sockets=[listener])


def _follow() -> None:
    """Nobody else would end it when the tests are killed."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _wait_for(started: Any, process: Any) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while not started.wait(0.05):
        assert process.is_alive(), "the server did not start"
        assert time.monotonic() < until, "the server starts too slowly"


@asynccontextmanager
async def serving(
    stage: Stage, *, workers: int = 1, as_the_seed: bool = False, **changed: Any
) -> AsyncIterator[list[int]]:
    """The ports of so many processes, each with one of its own, that the load is the same for all."""
    settings = replace(stage.settings, log_level="error", **changed)
    started: list[Any] = []
    processes: list[Any] = []
    ports: list[int] = []
    for _ in range(workers):
        listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        ports.append(listener.getsockname()[1])
        started.append(_processes.Event())
        given = (settings, stage.clock.offset, listener, started[-1])
        options = {"as_the_seed": as_the_seed}
        processes.append(_processes.Process(target=serve, args=given, kwargs=options, daemon=True))
        processes[-1].start()
        listener.close()
    try:
        for event, process in zip(started, processes, strict=True):
            await asyncio.to_thread(_wait_for, event, process)
        yield ports
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            await asyncio.to_thread(process.join, 10)
            if process.is_alive():
                process.kill()
                process.join()
