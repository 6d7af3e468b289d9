"""Ours against the limit: the same answers from `limit_app`, which is Litestar and asyncpg by hand and nothing else."""

import itertools
import random
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from benchmarks.figures import Figure, Spread, interleaved, not_measured
from benchmarks.ground import Ground, said
from benchmarks.load import BadAnswerError, Load, Requests, Run, cycled, request
from benchmarks.meter import Meter, by_cpu, measured
from benchmarks.servers import serving
from benchmarks.statements import seen
from zoapets.core.owner.hospitals import HospitalRow

READ, WRITE = 0.75, 0.6
CONNECTIONS = 16
SECONDS = 1.5
PETS, PAGES = 1000, 20
# Of one round; each can be given, or is made, once.
GIVEN, MADE, PRESCRIBED = 400, 400, 150
PANEL = "/administracoes/painel-enfermagem"
PANELS = [f"{PANEL}?limite={limite}&horas={horas}" for limite in range(41, 51) for horas in range(1, 25)]


@dataclass(frozen=True)
class Scenario:
    """Requests without end; or, for writes, as many as one round asks."""

    name: str
    target: float
    requests: list[bytes]
    one_round: int = 0
    # Answered out of what is kept, where the limit asks PostgreSQL each time.
    kept: bool = False

    async def measure(self, load: Load, seconds: float, taken: "itertools.count[int]") -> Run:
        if not self.one_round:
            return (await load.run(cycled(self.requests), seconds=seconds)).checked()
        start = next(taken) * self.one_round
        return (await load.run(Requests(self.requests[start : start + self.one_round]))).checked()


async def run(ground: Ground) -> list[Figure]:
    hospital = await ground.bench()
    token = await ground.token(hospital, "vet")
    limit = [sys.executable, "-m", "benchmarks.limit_app"]
    async with (
        ground.serving() as ours,
        serving(limit, ground.environ(), ground.folder / "limit.log", ready="/ready") as theirs,
        Load(ours.port, connections=CONNECTIONS) as our_load,
        Load(theirs.port, connections=CONNECTIONS) as their_load,
    ):
        return [
            await compared(ground, scenario, Side(ours, load=our_load), Side(theirs, load=their_load))
            for scenario in await scenarios(ground, hospital, token)
        ]


@dataclass
class Side(Meter):
    """One of the two, with the load on it."""

    load: Load = field(kw_only=True)


async def compared(ground: Ground, scenario: Scenario, ours: Side, theirs: Side) -> Figure:
    """Requests per second of ours over the limit's."""
    said(f"limit {scenario.name}")
    taken, seconds = itertools.count(), ground.seconds(SECONDS)
    compares = "ours / Litestar + asyncpg by hand, req/s"
    try:
        same = await same_work(ground, scenario, ours.load, theirs.load, taken)
        for side in (ours, theirs):
            await scenario.measure(side.load, seconds / 3, taken)
        pairs = await interleaved(
            ground.rounds,
            lambda: ours.rate(scenario.measure(ours.load, seconds, taken)),
            lambda: theirs.rate(scenario.measure(theirs.load, seconds, taken)),
        )
    except BadAnswerError as error:
        return not_measured(f"limit {scenario.name}", compares, str(error))
    return Figure(
        name=f"limit {scenario.name}",
        compares=compares,
        value=Spread.of_ratios(pairs),
        target=scenario.target,
        at_least=True,
        note=by_cpu(ours, theirs) if same is True else "not the same SQL or bytes: bring limit_app up to date",
        detail={
            "same": same,
            **measured(ours, theirs),
        },
    )


async def same_work(
    ground: Ground, scenario: Scenario, ours: Load, theirs: Load, taken: "itertools.count[int]"
) -> bool | dict[str, Any]:
    """True when PostgreSQL sees the same statements of both, and both answer as many bytes; else what differs."""
    found = []
    for load in (ours, theirs):
        asked = scenario.requests
        if scenario.one_round:
            start = next(taken) * scenario.one_round
            asked = asked[start : start + scenario.one_round]
        # The first for who it is and what was never prepared, the second to be looked at, at once.
        await load.run(Requests(asked[-1:]))
        texts = await seen(ground, load, asked[:1])
        found.append((texts, load.current.bytes))
    (our_texts, our_bytes), (their_texts, their_bytes) = found
    # Not to the byte: a minute has passed, or another pet has another name.
    alike = abs(our_bytes - their_bytes) <= (0.1 if scenario.one_round else 0.02) * their_bytes
    if alike and (scenario.kept or our_texts == their_texts):
        return True
    return {
        "bytes": [our_bytes, their_bytes],
        "only ours": sorted(our_texts - their_texts),
        "only the limit's": sorted(their_texts - our_texts),
    }


async def scenarios(ground: Ground, hospital: HospitalRow, token: str) -> list[Scenario]:
    rounds = 2 * (ground.rounds + 2)
    async with ground.owner(hospital.schema_name) as connection:

        async def ids(sql: str) -> list[UUID]:
            return [row["id"] for row in await connection.fetch(sql)]

        pets = await ids(f"select id from pets order by nome, id limit {PETS}")
        owners = await ids("select id from tutores order by id")
        open_doses = await ids(
            "select a.id from administracoes a join internacoes i on i.id = a.internacao_id"
            " where a.status = 'pendente' and i.status = 'em_andamento' order by a.data_hora_agendada desc"
        )
        drugs = await ids("select id from medicamentos order by id")
        stays = await connection.fetch("select id, pet_id from internacoes where status = 'em_andamento' order by id")
    body = msgspec.json.encode
    new_pets = [
        {"nome": f"Medida {n}", "especie": "canina", "raca": "SRD", "dataNascimento": "2020-02-29", "tutorId": owner}
        for n, owner in zip(range(rounds * MADE), itertools.cycle(owners), strict=False)
    ]
    orders = [
        prescription(stay["pet_id"], stay["id"], [drugs[(n + k) % len(drugs)] for k in range(3)], hours=8, days=4)
        for n, stay in zip(range(rounds * PRESCRIBED), itertools.cycle(stays), strict=False)
    ]
    open_doses = open_doses[: rounds * GIVEN]
    random.Random(1).shuffle(open_doses)
    return [
        Scenario("me", READ, [request("GET", "/auth/me", token)]),
        Scenario("pet", READ, [request("GET", f"/pets/{key}", token) for key in pets]),
        Scenario("pets20", READ, _pages(token, 20)),
        Scenario("pets100", READ, _pages(token, 100)),
        # Each asks for another panel: none is answered from what is kept for a second.
        Scenario("painel", READ, [request("GET", path, token) for path in PANELS]),
        Scenario("painel, kept", READ, [request("GET", PANEL, token)], kept=True),
        Scenario("criar_pet", WRITE, [request("POST", "/pets", token, body=body(pet)) for pet in new_pets], MADE),
        Scenario(
            "realizar",
            WRITE,
            [request("PATCH", f"/administracoes/{key}/realizar", token, body=b"{}") for key in open_doses],
            len(open_doses) // rounds,
        ),
        Scenario(
            "prescrever",
            WRITE,
            [request("POST", "/prescricoes", token, body=body(order)) for order in orders],
            PRESCRIBED,
        ),
    ]


def prescription(pet: UUID, stay: UUID, drugs: list[UUID], *, hours: int, days: int) -> dict[str, Any]:
    """An order that begins so far ahead that no panel shows it."""
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=200)
    item = {"dose": 1.5, "unidade": "mg", "via": "IV", "frequenciaHoras": hours, "duracaoDias": days, "inicio": start}
    return {
        "petId": pet,
        "internacaoId": stay,
        "tipo": "hospitalar",
        "itens": [{"medicamentoId": drug, **item} for drug in drugs],
    }


def _pages(token: str, limit: int) -> list[bytes]:
    pages = min(PAGES, 5000 // limit)
    return [request("GET", f"/pets?page={page}&limit={limit}", token) for page in range(1, pages + 1)]
