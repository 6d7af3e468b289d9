"""One worker or two, uvicorn or granian: throughput, and how kept connections are dealt out between workers.

Granian is not a dependency. Where there is one (`GRANIAN`, or on the PATH), it serves the same application with the
same settings; it must be of the same Python, whose packages it is lent.
"""

import os
import shutil
import sys
from contextlib import AbstractAsyncContextManager

from benchmarks.figures import Figure, Spread, interleaved, not_measured
from benchmarks.ground import Ground
from benchmarks.limit import scenarios
from benchmarks.load import HOST, Load, Run, cycled
from benchmarks.meter import Meter, by_cpu, measured
from benchmarks.servers import Server, serving

CONNECTIONS = 16
SECONDS = 1.2
KINDS = ("pet", "pets20", "painel")
DEALS = 10
APPLICATION = "zoapets.cli.serve:app_from_environment"


async def run(ground: Ground) -> list[Figure]:
    async with ground.serving() as one, ground.serving("two", WORKERS="2") as two:
        figures = [*await _compared(ground, "workers", "uvicorn with 2 workers / with 1, req/s", two, one)]
        figures.append(await _dealt("workers dealt", "uvicorn", two))
    return figures


async def servers(ground: Ground) -> list[Figure]:
    program = os.environ.get("GRANIAN") or shutil.which("granian")
    if program is None:
        return [not_measured("servers", "granian / uvicorn, req/s", "granian is not installed")]
    figures = []
    async with ground.serving() as uvicorn, _granian(ground, program, 1) as granian:
        figures += await _compared(ground, "servers", "granian / uvicorn, 1 worker each, req/s", granian, uvicorn)
    async with ground.serving("two", WORKERS="2") as uvicorn, _granian(ground, program, 2) as granian:
        figures += await _compared(ground, "servers x2", "granian / uvicorn, 2 workers each, req/s", granian, uvicorn)
        figures.append(await _dealt("servers dealt", "granian", granian))
    return figures


def _granian(ground: Ground, program: str, workers: int) -> AbstractAsyncContextManager[Server]:
    command = [program, "--interface", "asgi", "--factory", "--loop", "uvloop", "--no-ws", "--log-level", "warning"]
    command += ["--host", HOST, "--port", "{port}", "--workers", str(workers), APPLICATION]
    lent = os.pathsep.join(path for path in sys.path if path)
    return serving(command, ground.environ(PYTHONPATH=lent), ground.folder / "granian.log")


async def _compared(ground: Ground, name: str, compares: str, first: Server, second: Server) -> list[Figure]:
    hospital = await ground.bench()
    figures = []
    for scenario in await scenarios(ground, hospital, await ground.token(hospital, "vet")):
        if scenario.name not in KINDS:
            continue
        ours, theirs = Meter(first), Meter(second)
        pairs = await _rates(ground, scenario.requests, ours, theirs)
        figures.append(
            Figure(
                name=f"{name} {scenario.name}",
                compares=compares,
                value=Spread.of_ratios(pairs),
                note=by_cpu(ours, theirs),
                detail=measured(ours, theirs),
            )
        )
    return figures


async def _rates(ground: Ground, requests: list[bytes], first: Meter, second: Meter) -> list[tuple[float, float]]:
    async def answered(server: Server) -> Run:
        # New connections for each round: how they fall is part of the figure.
        async with Load(server.port, connections=CONNECTIONS) as load:
            return (await load.run(cycled(requests), seconds=ground.seconds(SECONDS))).checked()

    for meter in (first, second):
        await answered(meter.server)
    return await interleaved(
        ground.rounds,
        lambda: first.rate(answered(first.server)),
        lambda: second.rate(answered(second.server)),
    )


async def _dealt(name: str, what: str, server: Server) -> Figure:
    """The share of the connections that the busier of two workers got; 0.5 is even."""
    shares = []
    for _ in range(DEALS):
        async with Load(server.port, connections=CONNECTIONS) as load:
            await load.run(cycled([b"GET /health/live HTTP/1.1\r\nhost: benchmarks\r\n\r\n"]), seconds=0.2)
            counts = server.connections().values()
            shares.append(max(counts) / sum(counts))
    return Figure(
        name=name,
        compares=f"connections of the busier of 2 {what} workers / all {CONNECTIONS}",
        value=Spread.of(shares),
        unit="of all",
        detail={"shares": shares},
    )
