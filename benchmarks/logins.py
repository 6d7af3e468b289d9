"""Whether people who sign in hold up those who are at work."""

import asyncio

import msgspec

from benchmarks.figures import Figure, Spread, interleaved
from benchmarks.ground import BENCH, Ground
from benchmarks.limit import PANEL
from benchmarks.load import Load, Run, cycled, request
from zoapets.demo.installation import PASSWORD

IN_FLIGHT, NURSES = 8, 4
SECONDS = 2.0


async def run(ground: Ground) -> list[Figure]:
    hospital = await ground.bench()
    panel = cycled([request("GET", PANEL, await ground.token(hospital, "enfermagem"))])
    body = msgspec.json.encode({"email": f"vet@{BENCH}.test", "password": PASSWORD})
    login = cycled([request("POST", "/auth/login", body=body)])
    seconds, logins = ground.seconds(SECONDS), []
    async with (
        ground.serving() as server,
        Load(server.port, connections=NURSES) as nurses,
        Load(server.port, connections=IN_FLIGHT) as people,
    ):

        async def without() -> float:
            return p99(await nurses.run(panel, seconds=seconds))

        async def among_logins() -> float:
            done, signed_in = await asyncio.gather(
                nurses.run(panel, seconds=seconds), people.run(login, seconds=seconds)
            )
            logins.append(round(signed_in.checked().rate, 1))
            return p99(done)

        await without()
        pairs = await interleaved(ground.rounds, among_logins, without)
    return [
        Figure(
            name="logins",
            compares=f"panel with {IN_FLIGHT} logins in flight / without, p99",
            value=Spread.of_ratios(pairs),
            target=2,
            detail={
                "p99 ms": [[round(1000 * second, 2) for second in pair] for pair in pairs],
                "logins a second": logins,
            },
        )
    ]


def p99(run: Run) -> float:
    return run.checked().percentile(0.99)
