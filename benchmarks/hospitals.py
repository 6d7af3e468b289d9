"""Reads spread over many hospitals at random, against one of them; and what that does to PostgreSQL's memory."""

import random

from benchmarks import many
from benchmarks.figures import Figure, Spread, interleaved
from benchmarks.ground import Ground
from benchmarks.limit import PANEL
from benchmarks.load import Load, cycled, request
from benchmarks.servers import own_mib
from zoapets.core.owner.hospitals import HospitalRow

SHARE = 0.6
MOST_MIB = 150.0
CONNECTIONS = 16
ASKED_OF_EACH = 20
SECONDS = 2.5
PETS_EACH = 10
# All of them more than the doses there are.
PANELS = range(100, 1000)
KINDS = ("pet", "pets20", "painel")


async def run(ground: Ground) -> list[Figure]:
    found = await many.filled(ground)
    chance = random.Random(500)
    asked: dict[str, list[list[bytes]]] = {kind: [] for kind in KINDS}
    for hospital in found:
        for kind, requests in (await _requests(ground, hospital)).items():
            asked[kind].append(requests)
    figures = []
    async with ground.serving() as server, Load(server.port, connections=CONNECTIONS) as load:
        for kind, each in asked.items():
            spread = [chance.choice(requests) for requests in each for _ in range(ASKED_OF_EACH)]
            chance.shuffle(spread)
            compares = f"over {len(each)} hospitals at random / one hospital, req/s"
            figures.append(await _compared(ground, load, kind, compares, (spread, each[0])))
        return [*figures, await _backends(ground)]


async def _compared(
    ground: Ground, load: Load, kind: str, compares: str, asked: tuple[list[bytes], list[bytes]]
) -> Figure:
    spread, one = asked

    async def rate(requests: list[bytes]) -> float:
        return (await load.run(cycled(requests), seconds=ground.seconds(SECONDS))).checked().rate

    await rate(spread)
    pairs = await interleaved(ground.rounds, lambda: rate(spread), lambda: rate(one))
    return Figure(
        name=f"hospitals {kind}",
        compares=compares,
        value=Spread.of_ratios(pairs),
        target=SHARE,
        at_least=True,
        detail={"req/s": [[round(rate) for rate in pair] for pair in pairs]},
    )


async def _requests(ground: Ground, hospital: HospitalRow) -> dict[str, list[bytes]]:
    token = await ground.token(hospital, "admin")
    async with ground.owner(hospital.schema_name) as connection:
        pets = await connection.fetch(f"select id from pets order by id limit {PETS_EACH}")
    return {
        "pet": [request("GET", f"/pets/{pet['id']}", token) for pet in pets],
        "pets20": [request("GET", f"/pets?page={page}", token) for page in (1, 2)],
        # Each asks for another panel: none is answered from what is kept for a second.
        "painel": [request("GET", f"{PANEL}?limite={limite}", token) for limite in PANELS],
    }


async def _backends(ground: Ground) -> Figure:
    """While the worker still holds its connections."""
    async with ground.owner() as connection:
        rows = await connection.fetch("select pid from pg_stat_activity where application_name = 'zoapets'")
    sizes = sorted(own_mib(row["pid"]) for row in rows)
    return Figure(
        name="backends",
        compares="the largest PostgreSQL backend afterwards, its own memory",
        value=Spread.of(sizes[-1:]),
        unit="MiB",
        target=MOST_MIB,
        detail={"MiB": [round(size, 1) for size in sizes]},
    )
