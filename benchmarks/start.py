"""From the command to the first answer, and what a worker holds after work."""

from benchmarks.figures import Figure, Spread
from benchmarks.ground import Ground
from benchmarks.limit import scenarios
from benchmarks.load import Load, Requests, cycled
from benchmarks.servers import proportional_mib, resident_mib

STARTS = 5
MOST_S, MOST_MIB = 2.0, 150.0
CONNECTIONS = 16
SECONDS = 2.0


async def cold(ground: Ground) -> list[Figure]:
    """`zoapets serve` as it starts by default: two workers behind a supervisor."""
    seconds, cpu = [], []
    for _ in range(STARTS):
        async with ground.serving("start", WORKERS="2") as server:
            seconds.append(server.started)
            cpu.append(server.cpu_seconds())
    return [
        Figure(
            name="start",
            compares="`zoapets serve` (2 workers) until /health/ready answers 200",
            value=Spread.of(seconds),
            unit="s",
            target=MOST_S,
            note=f"{sorted(cpu)[STARTS // 2]:.1f} s of CPU, of all its processes",
            detail={"s": seconds, "cpu s": cpu},
        )
    ]


async def memory(ground: Ground) -> list[Figure]:
    """One worker, after it has answered all kinds of requests for a while."""
    hospital = await ground.bench()
    token = await ground.token(hospital, "vet")
    async with ground.serving("memory") as server, Load(server.port, connections=CONNECTIONS) as load:
        before = proportional_mib(server.process.pid)
        for scenario in await scenarios(ground, hospital, token):
            once = Requests(scenario.requests[-scenario.one_round :])
            source = once if scenario.one_round else cycled(scenario.requests)
            (await load.run(source, seconds=ground.seconds(SECONDS))).checked()
        pids = server.processes()
        held = sum(proportional_mib(pid) for pid in pids)
        resident = sum(resident_mib(pid) for pid in pids)
    return [
        Figure(
            name="memory",
            compares="a worker after load, PSS",
            value=Spread.of([held]),
            unit="MiB",
            target=MOST_MIB,
            detail={"before": before, "rss": resident},
        )
    ]
