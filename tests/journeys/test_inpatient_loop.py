"""The whole loop, over HTTP and a real socket, in two hospitals at once; and what must not happen on the way."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, ClassVar

import httpx
import pytest
import uvicorn

from tests.cast import PASSWORD, Hospital, Stage

pytestmark = pytest.mark.usefixtures("noon")


@pytest.fixture
async def address(stage: Stage) -> AsyncIterator[str]:
    """The application behind a real server, on a free port."""
    config = uvicorn.Config(stage.app, host="127.0.0.1", port=0, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    while Browser.open:
        await Browser.open.pop().aclose()
    await server.shutdown()


class Browser:
    """A person at a computer: signs in with e-mail and password, and carries the token."""

    open: ClassVar[list[httpx.AsyncClient]] = []

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    @classmethod
    async def signed_in(cls, address: str, email: str) -> "Browser":
        http = httpx.AsyncClient(base_url=address)
        cls.open.append(http)
        answer = await http.post("/auth/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        http.headers["authorization"] = f"Bearer {answer.json()['accessToken']}"
        return cls(http)

    async def made(self, path: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        answer = await self.http.post(path, json=body, headers=headers)
        assert answer.status_code in {200, 201}, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def read(self, path: str, **params: Any) -> dict[str, Any]:
        answer = await self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        read: dict[str, Any] = answer.json()
        return read


async def staff(hospital: Hospital, address: str, *roles: str) -> list[Browser]:
    people = [await hospital.signed_in(role, new=True) for role in roles]
    return [await Browser.signed_in(address, person.email) for person in people]


async def admit(reception: Browser, admin: Browser, name: str) -> dict[str, Any]:
    """Reception knows the owner and the pet; the pet goes to a bed."""
    tutor = await reception.made("/tutores", {"nome": f"Tutor de {name}", "telefone": "+5511987654321"})
    pet = await reception.made("/pets", {"nome": name, "especie": "felina", "tutorId": tutor["id"]})
    unit = await admin.made("/unidades", {"nome": f"Unidade de {name}"})
    ward = await admin.made("/alas", {"nome": "UTI", "unidadeId": unit["id"]})
    bed = await admin.made("/leitos", {"codigo": f"UTI {name}", "alaId": ward["id"]})
    return await reception.made(
        "/internacoes", {"petId": pet["id"], "motivo": "Intoxicação", "prioridade": "alta", "leitoId": bed["id"]}
    )


async def prescribe(vet: Browser, stay: dict[str, Any], drug: dict[str, Any], start: str) -> dict[str, Any]:
    await vet.made(f"/pets/{stay['petId']}/pesos", {"pesoKg": 4})
    item = {
        "medicamentoId": drug["id"],
        "dose": 2,
        "unidade": "mg/kg",
        "via": "IV",
        "frequenciaHoras": 12,
        "duracaoDias": 2,
        "inicio": start,
    }
    body = {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar", "itens": [item]}
    return await vet.made("/prescricoes", body, **{"idempotency-key": f"prescrever-{stay['id']}"})


async def play(hospital: Hospital, address: str, name: str) -> dict[str, Any]:
    """From the door to the discharge; what was given, for the neighbour to look for."""
    admin, reception, vet, nurse, second = await staff(
        hospital, address, "Administrador", "Recepcionista", "Veterinário", "Enfermeiro", "Enfermeiro"
    )
    stay = await admit(reception, admin, name)
    body = {"principioAtivo": "Maropitant", "apresentacao": "Frasco 20 mL", "vias": ["IV"]}
    drug = await admin.made(
        "/medicamentos",
        {"nome": f"Maropitant {name}", "concentracao": 10, "concentracaoUnidade": "mg/mL"} | body,
    )
    start = (hospital.stage.now - timedelta(minutes=5)).isoformat()
    ordered = await prescribe(vet, stay, drug, start)
    assert ordered["administracoesGeradas"] == 4

    panel = await nurse.read("/administracoes/painel-enfermagem")
    [row] = [row for row in panel["pendentes"] if row["prescricao"]["id"] == ordered["id"]]
    assert row["prescricao"]["internacao"]["pet"]["nome"] == name
    assert (row["item"]["doseCalculada"], row["item"]["volumeMl"]) == (8, 0.8)

    both = await asyncio.gather(
        nurse.http.patch(f"/administracoes/{row['id']}/realizar", json={}),
        second.http.patch(f"/administracoes/{row['id']}/realizar", json={}),
    )
    assert sorted(answer.status_code for answer in both) == [200, 409]

    left = await vet.made(f"/internacoes/{stay['id']}/alta", {"observacoes": "Boa evolução"})
    assert left["status"] == "alta"
    doses = await vet.read("/administracoes", prescricaoId=ordered["id"])
    assert [dose["status"] for dose in doses["data"]] == ["realizada", "suspensa", "suspensa", "suspensa"]
    history = await vet.read(f"/pets/{stay['petId']}/historico")
    kinds = {entry["tipo"] for entry in history["data"]}
    assert {"peso", "internacao", "prescricao", "administracao:realizada", "alta"} <= kinds
    return {"stay": stay, "prescription": ordered, "dose": row, "vet": vet, "nurse": nurse, "reception": reception}


async def test_two_hospitals_play_the_loop_at_once_and_neither_sees_the_other(
    hospital: Hospital, other_hospital: Hospital, address: str
) -> None:
    mine, theirs = await asyncio.gather(play(hospital, address, "Thor"), play(other_hospital, address, "Luna"))

    for me, them in ((mine, theirs), (theirs, mine)):
        for path in (
            f"/pets/{them['stay']['petId']}",
            f"/internacoes/{them['stay']['id']}",
            f"/prescricoes/{them['prescription']['id']}",
            f"/administracoes/{them['dose']['id']}",
        ):
            assert (await me["vet"].http.get(path)).status_code == 404
        void = await me["vet"].http.patch(f"/administracoes/{them['dose']['id']}/anular", json={"motivo": "Não é meu"})
        assert void.status_code == 404
        found = await me["vet"].read("/pets", busca=them["dose"]["prescricao"]["internacao"]["pet"]["nome"])
        assert found["data"] == []


async def test_the_wrong_role_the_stale_edit_and_the_repeated_post(hospital: Hospital, address: str) -> None:
    admin, reception, vet, nurse = await staff(
        hospital, address, "Administrador", "Recepcionista", "Veterinário", "Enfermeiro"
    )
    stay = await admit(reception, admin, f"Nina {hospital.stage.now:%H%M%S%f}")
    body = {"nome": f"Dipirona {stay['id']}", "principioAtivo": "Dipirona", "apresentacao": "Ampola", "vias": ["IV"]}
    drug = await admin.made("/medicamentos", body)
    start = hospital.stage.now.isoformat()

    forbidden = await nurse.http.post("/prescricoes", json={})
    assert forbidden.status_code == 403

    first = await prescribe(vet, stay, drug, start)
    again = await prescribe(vet, stay, drug, start)
    assert again == first
    listed = await vet.read("/prescricoes", internacaoId=stay["id"])
    assert listed["meta"]["total"] == 1

    path = f"/internacoes/{stay['id']}"
    etag = (await vet.http.get(path)).headers["etag"]
    edited = await vet.http.patch(path, json={"prioridade": "critica"}, headers={"if-match": etag})
    stale = await vet.http.patch(path, json={"prioridade": "baixa"}, headers={"if-match": etag})
    assert (edited.status_code, stale.status_code) == (200, 412)
    assert (await vet.read(path))["prioridade"] == "critica"


async def test_a_commit_that_fails_is_an_error_and_leaves_no_row(new_hospital: Hospital, address: str) -> None:
    [reception] = await staff(new_hospital, address, "Recepcionista")
    await new_hospital.sql(
        """create function {s}.recusar() returns trigger language plpgsql as
           $$ begin raise exception 'refused at the commit' using errcode = 'serialization_failure'; end $$"""
    )
    await new_hospital.sql(
        """create constraint trigger recusar after insert on {s}.tutores deferrable initially deferred
           for each row execute function {s}.recusar()"""
    )

    answer = await reception.http.post("/tutores", json={"nome": "Ana", "telefone": "+5511987654321"})

    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    for table in ("tutores", "eventos", "idempotencia"):
        assert await new_hospital.sql(f"select 1 from {{s}}.{table}") == []  # noqa: S608 - names of ours
    assert await new_hospital.sql("select 1 from {s}.auditoria where tabela = 'tutores'") == []
