"""What it costs to schedule a thousand doses in one prescription, against ten."""

import statistics

import msgspec

from benchmarks.figures import Figure, Spread, interleaved
from benchmarks.ground import Ground
from benchmarks.limit import prescription
from benchmarks.load import Load, Requests, request

MANY = {"hours": 1, "days": 42}
FEW = {"hours": 24, "days": 10}
EACH = 8


async def run(ground: Ground) -> list[Figure]:
    hospital = await ground.bench()
    token = await ground.token(hospital, "vet")
    async with ground.owner(hospital.schema_name) as connection:
        stay = await connection.fetchrow("select id, pet_id from internacoes where status = 'em_andamento' limit 1")
        drug = await connection.fetchval("select id from medicamentos order by nome limit 1")

    def order(course: dict[str, int]) -> bytes:
        wanted = prescription(stay["pet_id"], stay["id"], [drug], **course)
        return request("POST", "/prescricoes", token, body=msgspec.json.encode(wanted))

    async with ground.serving() as server, Load(server.port, connections=1) as load:

        async def cost(course: dict[str, int]) -> float:
            done = (await load.run(Requests([order(course)] * EACH))).checked()
            return statistics.median(done.latencies)

        await cost(MANY)
        pairs = await interleaved(ground.rounds, lambda: cost(MANY), lambda: cost(FEW))
    return [
        Figure(
            name="schedule",
            compares="a prescription of 1,008 doses / one of 10, latency",
            value=Spread.of_ratios(pairs),
            target=10,
            detail={"ms": [[round(1000 * second, 2) for second in pair] for pair in pairs]},
        )
    ]
