"""Beds and rivals: one patient in a bed and one bed for a patient, however many ask at once; and the map of them."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cast import Hospital, Person, Stage
from zoapets.core.database import as_problem
from zoapets.modules.internacoes.service import PetJaInternado
from zoapets.modules.leitos.service import LeitoOcupado

OVERLAPS = """
select count(*) from {s}.ocupacoes a join {s}.ocupacoes b on a.id < b.id and (a.leito_id = b.leito_id
  or a.pet_id = b.pet_id) and tstzrange(a.inicio, a.fim) && tstzrange(b.inicio, b.fim)
"""
# The bed of a stay is that of its one open occupation; a stay that is not in a bed has neither.
DISAGREEMENTS = """
select count(*) from {s}.internacoes i
left join {s}.ocupacoes o on o.internacao_id = i.id and o.fim is null
where i.leito_id is distinct from o.leito_id or (i.status = 'em_andamento') <> (o.id is not null)
"""


async def contradictions(hospital: Hospital) -> list[int]:
    return [(await hospital.sql(question))[0]["count"] for question in (OVERLAPS, DISAGREEMENTS)]


def statuses(answers: list[httpx.Response]) -> Counter[int]:
    """How many of each; no answer may come from a deadlock or a lock that was waited for in vain."""
    assert not [answer.text for answer in answers if answer.is_error and answer.json()["type"] == "/problemas/conflict"]
    return Counter(answer.status_code for answer in answers)


async def test_of_sixteen_rivals_for_a_bed_one_wins(new_hospital: Hospital) -> None:
    leito, admin = await new_hospital.leito(), await new_hospital.signed_in()
    pets = [await new_hospital.pet() for _ in range(8)]
    waiting = [await new_hospital.internacao(leitoId=None) for _ in range(8)]
    bed = {"leitoId": leito["id"]}

    answers = await asyncio.gather(
        *(admin.post("/internacoes", {"petId": pet["id"], "motivo": "Urgência"} | bed) for pet in pets),
        *(admin.post(f"/internacoes/{stay['id']}/admitir", bed) for stay in waiting),
    )

    found = statuses(answers)
    assert (found[200] + found[201], found[409]) == (1, 15)
    assert {answer.json()["type"] for answer in answers if answer.is_error} == {"/problemas/leito-ocupado"}
    assert await contradictions(new_hospital) == [0, 0]


async def test_a_pet_that_is_admitted_twice_at_once_comes_in_once(new_hospital: Hospital) -> None:
    pet, admin = await new_hospital.pet(), await new_hospital.signed_in()
    beds = [await new_hospital.leito() for _ in range(6)]

    answers = await asyncio.gather(
        *(admin.post("/internacoes", {"petId": pet["id"], "motivo": "Trauma", "leitoId": bed["id"]}) for bed in beds)
    )

    assert statuses(answers) == {201: 1, 409: 5}
    assert {answer.json()["type"] for answer in answers if answer.is_error} == {"/problemas/pet-ja-internado"}
    assert await contradictions(new_hospital) == [0, 0]


async def test_a_stay_ends_once_however_many_end_it(new_hospital: Hospital) -> None:
    stay, vet = await new_hospital.internacao(), await new_hospital.signed_in("Veterinário")
    path = f"/internacoes/{stay['id']}"

    answers = await asyncio.gather(
        *(vet.post(f"{path}/alta") for _ in range(4)),
        *(vet.post(f"{path}/obito", {"causa": "Choque"}) for _ in range(4)),
    )

    assert statuses(answers) == {200: 1, 409: 7}
    ended = await new_hospital.sql("select tipo from {s}.eventos where tipo in ('alta-dada', 'obito-registrado')")
    assert len(ended) == 1


async def test_two_patients_that_want_each_other_s_bed_both_stay(new_hospital: Hospital) -> None:
    first, second = await new_hospital.internacao(), await new_hospital.internacao()
    nurse = await new_hospital.signed_in("Enfermeiro")

    def swap(stay: dict[str, Any], other: dict[str, Any]) -> Any:
        body = {"leitoId": other["leitoId"], "motivo": "trocar"}
        return nurse.post(f"/internacoes/{stay['id']}/transferir", body)

    answers = await asyncio.gather(*(swap(*pair) for pair in ((first, second), (second, first)) * 4))

    assert statuses(answers) == {409: 8}
    assert await contradictions(new_hospital) == [0, 0]


async def test_nothing_is_ordered_or_given_past_the_end_of_a_stay(new_hospital: Hospital) -> None:
    drug, vet = await new_hospital.medicamento(), await new_hospital.signed_in("Veterinário")
    item = {"medicamentoId": drug["id"], "dose": 22, "unidade": "mg", "via": "IV", "frequenciaHoras": 8}
    times = {"duracaoDias": 1, "inicio": new_hospital.stage.now.isoformat()}

    async def race() -> Counter[int]:
        stay = await new_hospital.internacao()
        path, bed = f"/internacoes/{stay['id']}", (await new_hospital.leito())["id"]
        order = {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar", "itens": [item | times]}
        await new_hospital.made("/prescricoes", order)
        doses = (await vet.get("/administracoes", internacaoId=stay["id"])).json()["data"]
        return statuses(
            await asyncio.gather(
                *(vet.post("/prescricoes", order) for _ in range(3)),
                *(vet.patch(f"/administracoes/{dose['id']}/realizar", {}) for dose in doses),
                vet.post(f"/pets/{stay['petId']}/pesos", {"pesoKg": 4}),
                vet.post(f"{path}/transferir", {"leitoId": bed, "motivo": "mudar"}),
                vet.post(f"{path}/obito", {"causa": "Choque"}),
            )
        )

    for _ in range(5):
        assert (await race()).keys() <= {200, 201, 409}
    left = await new_hospital.sql("select 1 from {s}.administracoes where status = 'pendente'")
    open_orders = await new_hospital.sql("select 1 from {s}.prescricoes where status <> 'encerrada'")
    assert (left, open_orders) == ([], [])
    assert await contradictions(new_hospital) == [0, 0]


async def test_a_pet_is_put_away_or_admitted_not_both(hospital: Hospital) -> None:
    admin = await hospital.signed_in()

    async def race() -> tuple[int, int]:
        pet = await hospital.pet()
        came, gone = await asyncio.gather(
            admin.post("/internacoes", {"petId": pet["id"], "motivo": "Trauma"}),
            admin.delete(f"/pets/{pet['id']}", {"motivo": "duplicado"}),
        )
        return came.status_code, gone.status_code

    assert {await race() for _ in range(8)} <= {(201, 409), (422, 204)}


async def test_a_clock_behind_another_s_makes_no_overlap(hospital: Hospital) -> None:
    stage, stay, admin = hospital.stage, await hospital.internacao(), await hospital.signed_in()
    waiting = await hospital.internacao(leitoId=None)

    stage.clock.offset = timedelta(seconds=3)
    left = await admin.post(f"/internacoes/{stay['id']}/alta")
    stage.clock.offset = timedelta()
    came = await admin.post(f"/internacoes/{waiting['id']}/admitir", {"leitoId": stay["leitoId"]})
    stage.clock.offset = timedelta(minutes=-1)
    gone = await admin.post(f"/internacoes/{waiting['id']}/alta")

    assert [answer.status_code for answer in (left, came, gone)] == [200] * 3
    assert came.json()["movimentacoes"][0]["inicio"] == left.json()["dataAlta"]


async def test_the_database_is_the_net_under_the_locks(hospital: Hospital) -> None:
    first, second = await hospital.internacao(), await hospital.internacao()
    copy = (
        "insert into {s}.ocupacoes (id, internacao_id, pet_id, leito_id, inicio)"
        " select gen_random_uuid(), internacao_id, $2, $3, inicio from {s}.ocupacoes where internacao_id = $1"
    )

    with pytest.raises(asyncpg.ExclusionViolationError) as bed:
        await hospital.sql(copy, second["id"], (await hospital.pet())["id"], first["leitoId"])
    with pytest.raises(asyncpg.ExclusionViolationError) as pet:
        await hospital.sql(copy, second["id"], first["petId"], (await hospital.leito())["id"])

    assert isinstance(as_problem(bed.value), LeitoOcupado)
    assert isinstance(as_problem(pet.value), PetJaInternado)


# Who does what to whom: a verb, a pet and a bed. What stands in one inner list is asked at once.
ASK = st.tuples(st.sampled_from(("internar", "esperar", "admitir", "transferir", "alta")), *[st.integers(0, 2)] * 2)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.lists(ASK, min_size=1, max_size=4), min_size=1, max_size=6))
async def test_no_sequence_of_asks_puts_two_in_a_bed_or_one_in_two(
    stage: Stage, asks: list[list[tuple[str, int, int]]]
) -> None:
    hospital = await stage.hospital()
    admin = await hospital.signed_in()
    pets = [(await hospital.pet())["id"] for _ in range(3)]
    beds = [(await hospital.leito())["id"] for _ in range(3)]

    for at_once in asks:
        answers = await asyncio.gather(*(_ask(admin, verb, pets[pet], beds[bed]) for verb, pet, bed in at_once))
        assert statuses([answer for answer in answers if answer is not None]).keys() <= {200, 201, 409}
        assert await contradictions(hospital) == [0, 0]


async def _ask(admin: Person, verb: str, pet: str, bed: str) -> httpx.Response | None:
    if verb in {"internar", "esperar"}:
        return await admin.post(
            "/internacoes", {"petId": pet, "motivo": "Trauma", "leitoId": bed if verb == "internar" else None}
        )
    stays = (await admin.get("/internacoes", petId=pet, limit=1)).json()["data"]
    if not stays:
        return None
    bodies = {"admitir": {"leitoId": bed}, "transferir": {"leitoId": bed, "motivo": "mudar"}, "alta": None}
    return await admin.post(f"/internacoes/{stays[0]['id']}/{verb}", bodies[verb])


# --- the map


async def test_the_map_shows_every_bed_and_who_lies_in_it(new_hospital: Hospital) -> None:
    unidade, admin = await new_hospital.unidade(nome="Matriz"), await new_hospital.signed_in()
    uti = await new_hospital.ala(unidadeId=unidade["id"], nome="UTI", isolamento=True)
    empty = await new_hospital.ala(unidadeId=unidade["id"], nome="Gatil")
    elsewhere = await new_hospital.leito(codigo="Z-1")
    beds = [await new_hospital.leito(alaId=uti["id"], codigo=f"UTI-{n}") for n in range(1, 6)]
    for bed, situacao in ((beds[1], "bloqueado"), (beds[2], "higienizacao")):
        await admin.patch(f"/leitos/{bed['id']}", {"situacao": situacao})
    await admin.delete(f"/leitos/{beds[4]['id']}", {"motivo": "quebrado"})
    pet = await new_hospital.pet(nome="Mia", especie="felina")
    stay = await new_hospital.internacao(
        petId=pet["id"], leitoId=beds[0]["id"], prioridade="critica", isolamento=True, motivoIsolamento="cinomose"
    )
    for peso in (3.9, 4.2):
        await admin.post(f"/pets/{pet['id']}/pesos", {"pesoKg": peso})
    await admin.post(f"/internacoes/{(await new_hospital.internacao(leitoId=beds[3]['id']))['id']}/alta")

    new_hospital.stage.clock.offset = timedelta(days=3, hours=23)
    nurse = await new_hospital.signed_in("Enfermeiro")
    whole = (await nurse.get("/internacoes/mapa-leitos")).json()["unidades"]
    ward = (await nurse.get("/internacoes/mapa-leitos", alaId=uti["id"])).json()["unidades"]
    unit = (await nurse.get("/internacoes/mapa-leitos", unidadeId=unidade["id"])).json()["unidades"]

    matriz = next(found for found in whole if found["id"] == unidade["id"])
    assert [(ala["nome"], ala["isolamento"], ala["totais"]) for ala in matriz["alas"]] == [
        ("Gatil", False, {"leitos": 0, "ocupados": 0, "livres": 0}),
        ("UTI", True, {"leitos": 4, "ocupados": 1, "livres": 1}),
    ]
    shown = matriz["alas"][1]["leitos"]
    assert [(bed["codigo"], bed["estado"]) for bed in shown] == [
        *(("UTI-1", "ocupado"), ("UTI-2", "bloqueado"), ("UTI-3", "higienizacao"), ("UTI-4", "livre")),
    ]
    assert [bed["ocupante"] for bed in shown[1:]] == [None] * 3
    assert shown[0]["ocupante"] == {
        "internacaoId": stay["id"],
        "pet": {"id": pet["id"], "nome": "Mia", "especie": "felina", "pesoKg": 4.2},
        "prioridade": "critica",
        "isolamento": True,
        "dataEntrada": stay["dataEntrada"],
        "desde": stay["movimentacoes"][0]["inicio"],
        "dias": 3,
    }
    assert {found["id"] for found in whole} == {unidade["id"], elsewhere["unidade"]["id"]}
    assert (unit, [ala["id"] for ala in ward[0]["alas"]]) == ([matriz], [uti["id"]])
    assert empty["id"] in {ala["id"] for ala in matriz["alas"]}


async def test_the_map_and_the_lists_ask_the_database_a_fixed_number_of_times(new_hospital: Hospital) -> None:
    nurse = await new_hospital.signed_in("Enfermeiro")
    paths = ("/internacoes/mapa-leitos", "/internacoes", "/leitos")
    scopes: list[dict[str, Any]] = []

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        await new_hospital.stage.app(scope, receive, send)
        scopes.append(scope)

    async def statements() -> list[int]:
        scopes.clear()
        transport = httpx.ASGITransport(watched)
        async with httpx.AsyncClient(transport=transport, base_url="http://zoapets.test") as http:
            for path in paths:
                answer = await http.get(path, headers={"authorization": f"Bearer {nurse.token}"})
                assert answer.status_code == 200
        return [scope["statements"] for scope in scopes]

    few = await statements()
    for _ in range(3):
        await new_hospital.internacao()

    assert few == await statements() == [1, 1, 1]
