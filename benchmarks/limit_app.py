"""What the machine could do: the same answers by hand, with Litestar, asyncpg and msgspec, and nothing else of ours.

The same gate, the same SQL (the text of our own statements) and the same bytes; JWT by PyJWT at every request. No
dependency injection, no permissions, no second look at who it is, no idempotency, no problems, no metrics, no logs.
Who somebody is, is asked once and believed for ever.

    python -m benchmarks.limit_app     # with the environment of `zoapets serve`
"""

import asyncio
import gc
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Self, cast
from uuid import UUID

import jwt
import msgspec
import uvicorn
from litestar import Litestar, Request, Response, get, patch, post

from zoapets.cli.serve import bound, run_alone, server_config
from zoapets.common.ids import new_id
from zoapets.common.paging import page_of
from zoapets.common.schema import changes, dec_hook
from zoapets.core import crud
from zoapets.core.auth.access import Grant
from zoapets.core.auth.service import me as person
from zoapets.core.config import from_environment
from zoapets.core.database import open_pool
from zoapets.core.events import Event, Outbox
from zoapets.core.http import ENCODER
from zoapets.core.pool import Gate
from zoapets.core.runtime import Runtime
from zoapets.core.statements import Query
from zoapets.core.tenancy import Origin, tenant_gate
from zoapets.entities.prescricoes import StatusAdministracao, StatusPrescricao
from zoapets.modules.administracoes import queries as doses
from zoapets.modules.administracoes import rules as dose_rules
from zoapets.modules.administracoes.schemas import DoseNoPainel, Estatisticas, Painel, StatusDose
from zoapets.modules.administracoes.service import DoseRealizada
from zoapets.modules.pets.schemas import PetCreate
from zoapets.modules.pets.service import TUTOR_IS_OPEN, PetsService
from zoapets.modules.prescricoes import queries as orders
from zoapets.modules.prescricoes import rules
from zoapets.modules.prescricoes.schemas import Alerta, Drug, ItemCreate, ItemRead, PrescricaoCreate, PrescricaoCriada
from zoapets.modules.prescricoes.service import PrescricaoFeita, _as_row

Asked = Request[Any, Any, Any]
Answer = Response[bytes]

SETTINGS = from_environment()
PET, PETS = crud._by_id(PetsService), crud._page(PetsService, frozenset())[0]
DUE, DAY = doses.due(by_ward=False, by_bed=False), doses.day(by_ward=False, by_bed=False)
GIVE = doses.act(
    ("status", "realizado_por_id", "registrada_em", "data_hora_realizada", "observacoes"),
    on=(StatusAdministracao.PENDENTE,),
    guarded=False,
)
new_pet = msgspec.json.Decoder(PetCreate, dec_hook=dec_hook).decode
new_prescription = msgspec.json.Decoder(PrescricaoCreate, dec_hook=dec_hook).decode


class Link:
    """A connection, what was prepared on it, and whether a read left its transaction open."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.prepared: dict[str, Any] = {}
        self.left_open = False


class Links:
    """Lends connections, the one used last first."""

    def __init__(self) -> None:
        self._connect: Any = None
        self._idle: list[Link] = []
        self._room = asyncio.Semaphore(SETTINGS.pool_size)
        self.runtime: Any = None
        self.people: dict[str, Grant] = {}

    async def open(self) -> None:
        # The very connection of ours, without the pool around it.
        pool = await open_pool(SETTINGS.database_url, size=1, statement_timeout_ms=SETTINGS.statement_timeout_ms)
        self._connect = pool._connect
        self.runtime = await Runtime.open(SETTINGS)
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)

    async def take(self) -> Link:
        await self._room.acquire()
        return self._idle.pop() if self._idle else Link(await self._connect())

    def give_back(self, link: Link) -> None:
        self._idle.append(link)
        self._room.release()


LINKS = Links()


class Work:
    """One transaction of one person."""

    def __init__(self, grant: Grant, *, reads: bool) -> None:
        self.grant = grant
        self.now = datetime.now(UTC)
        self._gate: Gate = tenant_gate(
            grant.hospital.tenant.schema_name,
            read_only=reads,
            actor=grant.actor.id,
            origin=Origin(str(new_id()), "127.0.0.1"),
        )
        self._outbox = Outbox()
        self._link: Any = None

    async def __aenter__(self) -> Self:
        self._link = link = await LINKS.take()
        text = f"rollback; {self._gate.text}" if link.left_open else self._gate.text
        link.left_open = False
        await link.connection.execute(text)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        link = self._link
        if kind is not None:
            await link.connection.execute("rollback")
        elif self._gate.read_only:
            link.left_open = True
        else:
            actor, now = self.grant.actor, self.now
            events = self._outbox.statement(actor_id=actor.id, now=now, request_id="-")
            await link.connection.execute(events + "commit")
        LINKS.give_back(link)

    def emit(self, event: Event) -> None:
        self._outbox.add(event)

    async def rows(self, query: Query[Any], **params: Any) -> list[Any]:
        link = self._link
        statement = link.prepared.get(query.sql)
        if statement is None:
            statement = link.prepared[query.sql] = await link.connection.prepare(query.sql)
        found: list[Any] = await statement.fetch(*query.args(params))
        return found

    async def all(self, query: Query[Any], **params: Any) -> list[Any]:
        return [query.row(row) for row in await self.rows(query, **params)]

    async def one(self, query: Query[Any], **params: Any) -> Any:
        return query.row((await self.rows(query, **params))[0])


async def who(asked: Asked) -> Grant:
    header = asked.headers["authorization"]
    claims = jwt.decode(header[7:], SETTINGS.jwt_secret, algorithms=["HS256"], issuer="zoapets")
    grant = LINKS.people.get(claims["sid"])
    if grant is None:
        found: Grant = await LINKS.runtime.access.authenticate(header)
        grant = LINKS.people[claims["sid"]] = found
    return grant


def answer(body: Any, status: int = 200) -> Answer:
    return Response(ENCODER.encode(body), status_code=status, media_type="application/json")


@get("/ready")
async def ready() -> None:
    """It answers."""


@get("/auth/me")
async def me(request: Asked) -> Answer:
    return answer(person(await who(request)))


@get("/pets/{id:uuid}")
async def pet(request: Asked) -> Answer:
    async with Work(await who(request), reads=True) as work:
        return answer(await work.one(PET, id=request.path_params["id"]))


@get("/pets")
async def pets(request: Asked) -> Answer:
    page, limit = int(request.query_params.get("page", 1)), int(request.query_params.get("limit", 20))
    async with Work(await who(request), reads=True) as work:
        rows = await work.rows(PETS, page_limit=limit, page_offset=(page - 1) * limit)
    return answer(page_of([PETS.row(row) for row in rows], rows[0][-1], page, limit))


@get("/administracoes/painel-enfermagem")
async def panel(request: Asked) -> Answer:
    asked = request.query_params
    most, hours = int(asked.get("limite", 50)), int(asked.get("horas", 2))
    async with Work(await who(request), reads=True) as work:
        now, ajustes = work.now, work.grant.hospital.ajustes
        late = now - timedelta(minutes=ajustes.tolerancia_atraso_minutos)
        horizon = now + timedelta(hours=hours)
        due = await work.all(
            DUE, agora=now, tolerancia=late, horizonte=horizon, limite=most, ala_id=None, leito_id=None
        )
        item_ids = list({dose.prescricao_item_id for dose in due})
        prescription_ids = list({dose.prescricao_id for dose in due})
        items = {item.id: item for item in await work.all(doses.ITEMS, ids=item_ids)}
        prescriptions = {found.id: found for found in await work.all(doses.PRESCRIPTIONS, ids=prescription_ids)}
        start, end = dose_rules.day_of(now, work.grant.hospital.fuso)
        day = await work.one(DAY, inicio=start, fim=end, tolerancia=late, janela=now - late, ala_id=None, leito_id=None)
    lists: tuple[list[DoseNoPainel], ...] = ([], [], [])
    for dose in due:
        lists[dose.lista].append(
            DoseNoPainel(
                dose.id,
                dose.data_hora_agendada,
                StatusDose.PENDENTE if dose.lista else StatusDose.ATRASADA,
                dose_rules.minutes_late(dose.data_hora_agendada, now),
                dose.versao,
                items[dose.prescricao_item_id],
                prescriptions[dose.prescricao_id],
            )
        )
    late_ones, due_ones, coming = lists
    return answer(Painel(late_ones, due_ones, coming, _statistics(day)))


def _statistics(day: doses.DayCounts) -> Estatisticas:
    due = day.realizadas + day.nao_realizadas + day.atrasadas
    return Estatisticas(
        day.total,
        day.realizadas,
        day.no_prazo,
        day.realizadas - day.no_prazo,
        day.pendentes,
        day.atrasadas,
        day.nao_realizadas,
        day.suspensas,
        dose_rules.adherence(on_time=day.no_prazo, due=due),
    )


@post("/pets")
async def create_pet(request: Asked) -> Answer:
    data = new_pet(await request.body())
    async with Work(await who(request), reads=False) as work:
        values = {**changes(data), "id": new_id()}
        insert = crud._insert(PetsService, frozenset(values), TUTOR_IS_OPEN)
        return answer(await work.one(insert, now=work.now, **values), 201)


@patch("/administracoes/{id:uuid}/realizar")
async def give(request: Asked) -> Answer:
    await request.body()
    async with Work(await who(request), reads=False) as work:
        now, actor = work.now, work.grant.actor
        late = now - timedelta(minutes=work.grant.hospital.ajustes.tolerancia_atraso_minutos)
        given = await work.one(
            GIVE,
            a_id=request.path_params["id"],
            a_versao=None,
            agora=now,
            tolerancia=late,
            new_status=StatusAdministracao.REALIZADA,
            new_realizado_por_id=actor.id,
            new_registrada_em=now,
            new_data_hora_realizada=now,
            new_observacoes=None,
        )
        work.emit(DoseRealizada(given.id, given.internacao_id, now))
        return answer(given)


@post("/prescricoes")
async def prescribe(request: Asked) -> Answer:
    data = new_prescription(await request.body())
    async with Work(await who(request), reads=False) as work:
        made = await _prescribed(work, data)
        work.emit(PrescricaoFeita(made.id, data.pet_id, data.internacao_id, made.administracoes_geradas))
        return answer(made, 201)


async def _prescribed(work: Work, data: PrescricaoCreate) -> PrescricaoCriada:
    now, actor, stay_id = work.now, work.grant.actor, data.internacao_id
    patient = await work.one(orders.PATIENT_HELD, pet_id=data.pet_id, internacao_id=stay_id)
    ids = list({item.medicamento_id for item in data.itens})
    found = await work.all(orders.DRUGS, ids=ids, especie=patient.especie, internacao_id=stay_id)
    drugs = {drug.id: drug for drug in found}
    items = [_item(item, drugs[item.medicamento_id], patient.peso_kg) for item in data.itens]
    fuso = work.grant.hospital.fuso
    times = [
        (item.id, at)
        for item in items
        for at in rules.times(item.inicio, item.frequencia_horas, item.duracao_dias, fuso)
    ]
    made = PrescricaoCriada(
        id=new_id(),
        tipo=data.tipo,
        status=StatusPrescricao.ATIVA,
        motivo_status=None,
        observacoes=data.observacoes,
        pet_id=data.pet_id,
        internacao_id=stay_id,
        veterinario_id=cast("UUID", actor.id),
        veterinario=actor.nome,
        itens=items,
        created_at=now,
        updated_at=now,
        versao=1,
        administracoes_geradas=len(times),
    )
    await work.rows(
        orders.PRESCRIBE_DOSES,
        **{name: getattr(made, name) for name in ("id", "pet_id", "internacao_id", "veterinario_id")},
        tipo=made.tipo,
        observacoes=made.observacoes,
        now=now,
        itens=[_as_row(item) for item in items],
        dose_ids=[new_id() for _ in times],
        dose_itens=[item for item, _ in times],
        dose_instantes=[at for _, at in times],
    )
    return made


def _item(item: ItemCreate, drug: Drug, peso_kg: Decimal | None) -> ItemRead:
    """With the warnings that the made-up hospital gives cause for."""
    result = rules.calculate(
        item.dose,
        item.unidade,
        peso_kg=peso_kg,
        concentracao=drug.concentracao,
        concentracao_unidade=drug.concentracao_unidade,
    )
    warnings = []
    if drug.vias and item.via not in drug.vias:
        warnings.append(Alerta("via_incomum", f"Vias do cadastro: {', '.join(drug.vias)}.", grave=False))
    if drug.em_uso:
        warnings.append(Alerta("duplicidade", f"Já há {drug.principio_ativo} ativo nesta internação.", grave=False))
    return ItemRead(
        new_id(),
        drug.id,
        drug.nome,
        drug.alta_vigilancia,
        item.dose,
        item.unidade,
        item.via,
        item.frequencia_horas,
        item.duracao_dias,
        item.inicio,
        peso_kg,
        result.dose,
        result.unidade,
        result.volume_ml,
        item.orientacoes,
        item.justificativa_alerta,
        warnings,
        StatusPrescricao.ATIVA,
        None,
    )


HANDLERS = [ready, me, pet, pets, panel, create_pet, give, prescribe]


def main() -> int:
    app = Litestar(HANDLERS, on_startup=[LINKS.open], openapi_config=None, logging_config=None)
    with bound(SETTINGS.host, SETTINGS.port) as listener:
        return run_alone(uvicorn.Server(server_config(app, SETTINGS)), listener)


if __name__ == "__main__":
    sys.exit(main())
