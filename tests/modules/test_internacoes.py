"""The stay: a pet comes, lies in one bed at a time, and leaves once."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.cast import Hospital


async def events_of(hospital: Hospital, stay: dict[str, Any]) -> list[str]:
    rows = await hospital.sql(
        "select tipo from {s}.eventos where dados->>'internacaoId' = $1 and tipo !~ 'prescricao' order by id",
        stay["id"],
    )
    return [row["tipo"] for row in rows]


async def test_a_pet_comes_into_its_bed(new_hospital: Hospital) -> None:
    tutor = await new_hospital.tutor(nome="Ana", telefone="+5511987654321")
    pet = await new_hospital.pet(tutorId=tutor["id"], nome="Rex", especie="felina", raca="SRD")
    leito, vet = await new_hospital.leito(), await new_hospital.signed_in("Veterinário")

    made = await vet.post(
        "/internacoes",
        {"petId": pet["id"], "motivo": "Doença renal crônica", "leitoId": leito["id"], "prioridade": "alta"},
    )

    stay = made.json()
    assert (made.status_code, stay["status"], stay["prioridade"]) == (201, "em_andamento", "alta")
    assert stay["pet"] == {"id": pet["id"], "nome": "Rex", "especie": "felina", "raca": "SRD", "tutor": {
        "id": tutor["id"], "nome": "Ana", "telefone": "+5511987654321"}}  # fmt: skip
    assert stay["leito"] == {"id": leito["id"], "codigo": leito["codigo"], "ala": leito["ala"]}
    assert (stay["veterinarioId"], stay["veterinario"]["id"]) == (str(vet.id), str(vet.id))
    assert stay["admitidaEm"] == stay["dataEntrada"]
    assert [(bed["leitoId"], bed["fim"]) for bed in stay["movimentacoes"]] == [(leito["id"], None)]
    read = await (await new_hospital.signed_in("Financeiro")).get(f"/internacoes/{stay['id']}")
    assert (read.json(), read.headers["etag"]) == (stay, '"1"')
    assert await events_of(new_hospital, stay) == ["internacao-iniciada"]


async def test_a_pet_without_a_bed_waits_and_is_admitted_once(hospital: Hospital) -> None:
    stay, leito = await hospital.internacao(leitoId=None), await hospital.leito()
    reception = await hospital.signed_in("Recepcionista")
    path = f"/internacoes/{stay['id']}/admitir"

    assert (stay["status"], stay["leito"], stay["admitidaEm"], stay["movimentacoes"]) == ("aguardando", None, None, [])
    admitted = await reception.post(path, {"leitoId": leito["id"]})
    again = await reception.post(path, {"leitoId": (await hospital.leito())["id"]})

    assert (admitted.status_code, admitted.json()["status"]) == (200, "em_andamento")
    assert admitted.json()["leitoId"] == leito["id"]
    assert admitted.json()["admitidaEm"] > stay["dataEntrada"]
    assert (again.status_code, again.json()["type"]) == (409, "/problemas/paciente-ja-admitido")
    assert await events_of(hospital, stay) == ["internacao-iniciada", "paciente-admitido"]


async def test_a_pet_has_one_open_stay(hospital: Hospital) -> None:
    stay, admin = await hospital.internacao(), await hospital.signed_in()
    body = {"petId": stay["petId"], "motivo": "De novo", "leitoId": (await hospital.leito())["id"]}

    twice = await admin.post("/internacoes", body)
    await admin.post(f"/internacoes/{stay['id']}/alta")
    back = await admin.post("/internacoes", body)

    assert (twice.status_code, twice.json()["type"]) == (409, "/problemas/pet-ja-internado")
    assert back.status_code == 201


@pytest.mark.parametrize(
    ("situacao", "problem"),
    [("bloqueado", "leito-indisponivel"), ("higienizacao", "leito-indisponivel"), ("ocupado", "leito-ocupado")],
)
async def test_a_bed_that_is_not_free_is_refused_everywhere(hospital: Hospital, situacao: str, problem: str) -> None:
    admin, pet = await hospital.signed_in(), await hospital.pet()
    staying, waiting = await hospital.internacao(), await hospital.internacao(leitoId=None)
    leito = (await hospital.internacao())["leito"] if situacao == "ocupado" else await hospital.leito()
    if situacao != "ocupado":
        await admin.patch(f"/leitos/{leito['id']}", {"situacao": situacao})
    bed = {"leitoId": leito["id"]}

    answers = [
        await admin.post("/internacoes", {"petId": pet["id"], "motivo": "Trauma"} | bed),
        await admin.post(f"/internacoes/{waiting['id']}/admitir", bed),
        await admin.post(f"/internacoes/{staying['id']}/transferir", bed | {"motivo": "perto do posto"}),
    ]

    assert {(answer.status_code, answer.json()["type"]) for answer in answers} == {(409, f"/problemas/{problem}")}
    assert (await admin.get("/internacoes", petId=pet["id"])).json()["meta"]["total"] == 0
    assert (await admin.get(f"/internacoes/{staying['id']}")).json() == staying


async def test_a_transfer_frees_the_old_bed_at_once_and_keeps_the_way(hospital: Hospital) -> None:
    stay, leito = await hospital.internacao(), await hospital.leito()
    nurse, path = await hospital.signed_in("Enfermeiro"), f"/internacoes/{stay['id']}/transferir"

    moved = await nurse.post(path, {"leitoId": leito["id"], "motivo": "precisa de oxigênio"})
    same = await nurse.post(path, {"leitoId": leito["id"], "motivo": "de novo"})
    waiting = await hospital.internacao(leitoId=None)
    no_bed = await nurse.post(f"/internacoes/{waiting['id']}/transferir", {"leitoId": leito["id"], "motivo": "sim"})

    first, second = moved.json()["movimentacoes"]
    assert (moved.status_code, moved.json()["leitoId"]) == (200, leito["id"])
    assert (first["leitoId"], second["leitoId"], second["motivo"]) == (
        *(stay["leitoId"], leito["id"], "precisa de oxigênio"),
    )
    assert (first["fim"], second["fim"]) == (second["inicio"], None)
    assert (same.status_code, same.json()["type"]) == (409, "/problemas/leito-ocupado")
    assert (no_bed.status_code, no_bed.json()["type"]) == (409, "/problemas/paciente-sem-leito")
    assert await events_of(hospital, stay) == ["internacao-iniciada", "leito-trocado"]
    assert (await hospital.internacao(leitoId=stay["leitoId"]))["status"] == "em_andamento"


async def test_dar_alta_closes_the_stay_once(hospital: Hospital) -> None:
    stay, vet = await hospital.internacao(), await hospital.signed_in("Veterinário")
    path = f"/internacoes/{stay['id']}/alta"

    first = await vet.post(path, {"observacoes": "Repouso por sete dias"})
    again = await vet.post(path)

    closed = first.json()
    assert (first.status_code, closed["status"], closed["observacoesAlta"]) == (200, "alta", "Repouso por sete dias")
    assert (closed["leitoId"], closed["movimentacoes"][0]["fim"]) == (None, closed["dataAlta"])
    assert closed["encerradaPor"].startswith("Veterinário")
    assert (again.status_code, again.json()["type"]) == (409, "/problemas/internacao-encerrada")
    assert await events_of(hospital, stay) == ["internacao-iniciada", "alta-dada"]
    assert (await hospital.internacao(leitoId=stay["leitoId"]))["status"] == "em_andamento"


async def test_what_has_ended_takes_no_other_verb(hospital: Hospital) -> None:
    stay, admin = await hospital.internacao(), await hospital.signed_in()
    path = f"/internacoes/{stay['id']}"
    await admin.post(f"{path}/alta")

    answers = [
        await admin.patch(path, {"prioridade": "alta"}),
        await admin.post(f"{path}/admitir", {"leitoId": stay["leitoId"]}),
        await admin.post(f"{path}/transferir", {"leitoId": stay["leitoId"], "motivo": "voltar"}),
        await admin.post(f"{path}/isolar", {"motivo": "parvovirose"}),
        await admin.post(f"{path}/encerrar-isolamento"),
        await admin.post(f"{path}/priorizar", {"prioridade": "alta"}),
        await admin.post(f"{path}/obito", {"causa": "choque"}),
    ]

    assert {(answer.status_code, answer.json()["type"]) for answer in answers} == {
        (409, "/problemas/internacao-encerrada")
    }
    with pytest.raises(Exception, match="the stay has ended"):
        await hospital.sql("update {s}.internacoes set status = 'em_andamento' where id = $1", stay["id"])


async def test_a_death_closes_the_stay_and_is_written_down_on_the_pet(hospital: Hospital) -> None:
    stay, vet = await hospital.internacao(), await hospital.signed_in("Veterinário")

    died = await vet.post(f"/internacoes/{stay['id']}/obito", {"causa": "Parada"})
    back = await (await hospital.signed_in()).post("/internacoes", {"petId": stay["petId"], "motivo": "Retorno"})

    assert (died.status_code, died.json()["status"], died.json()["causaObito"]) == (200, "obito", "Parada")
    pet = (await vet.get(f"/pets/{stay['petId']}")).json()
    assert (pet["obitoEm"], pet["versao"]) == (died.json()["dataAlta"], 2)
    assert (back.status_code, back.json()["errors"][0]["field"]) == (422, "petId")
    assert await events_of(hospital, stay) == ["internacao-iniciada", "obito-registrado"]


@pytest.mark.parametrize(("verb", "body"), [("alta", None), ("obito", {"causa": "Parada"})])
async def test_the_end_of_a_stay_ends_its_orders(hospital: Hospital, verb: str, body: dict[str, str] | None) -> None:
    stay, drug = await hospital.internacao(), await hospital.medicamento()
    vet = await hospital.signed_in("Veterinário")
    inicio = (hospital.stage.now + timedelta(hours=1)).isoformat()
    item = {"medicamentoId": drug["id"], "dose": 22, "unidade": "mg", "via": "IV"}
    course = {"frequenciaHoras": 8, "duracaoDias": 2, "inicio": inicio}
    order = {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar", "itens": [item | course]}
    ordered = await hospital.made("/prescricoes", order)

    closed = await vet.post(f"/internacoes/{stay['id']}/{verb}", body)

    assert closed.status_code == 200, closed.text
    prescription = (await vet.get(f"/prescricoes/{ordered['id']}")).json()
    assert (prescription["status"], prescription["motivoStatus"]) == ("encerrada", verb)
    doses = await hospital.sql("select status from {s}.administracoes where internacao_id = $1", stay["id"])
    assert [dose["status"] for dose in doses] == ["suspensa"] * 6


async def test_isolation_has_a_reason_and_an_end(hospital: Hospital) -> None:
    stay, nurse = await hospital.internacao(), await hospital.signed_in("Enfermeiro")
    path = f"/internacoes/{stay['id']}"

    unreasoned = await nurse.patch(path, {"isolamento": True})
    isolated = await nurse.post(f"{path}/isolar", {"motivo": "suspeita de parvovirose"})
    twice = await nurse.post(f"{path}/isolar", {"motivo": "outra"})
    corrected = await nurse.patch(path, {"motivoIsolamento": "parvovirose confirmada"})
    bare = await nurse.patch(path, {"motivoIsolamento": None})
    ended = await nurse.post(f"{path}/encerrar-isolamento")
    again = await nurse.post(f"{path}/encerrar-isolamento")
    useless = await nurse.patch(path, {"motivoIsolamento": "sem isolamento"})
    patched = await nurse.patch(path, {"isolamento": True, "motivoIsolamento": "giardíase"})
    off = await nurse.patch(path, {"isolamento": False})

    assert [answer.status_code for answer in (unreasoned, bare, useless)] == [422] * 3
    assert {answer.json()["errors"][0]["field"] for answer in (unreasoned, bare, useless)} == {"motivoIsolamento"}
    assert (isolated.json()["isolamento"], isolated.json()["alertas"]) == (True, ["isolamento_em_ala_comum"])
    assert (twice.status_code, twice.json()["type"]) == (409, "/problemas/paciente-ja-isolado")
    assert corrected.json()["motivoIsolamento"] == "parvovirose confirmada"
    assert [ended.json()[name] for name in ("isolamento", "motivoIsolamento", "alertas")] == [False, None, []]
    assert (again.status_code, again.json()["type"]) == (409, "/problemas/paciente-sem-isolamento")
    assert (patched.status_code, off.json()["motivoIsolamento"]) == (200, None)


async def test_an_isolated_patient_in_an_isolation_ward_is_no_alert(hospital: Hospital) -> None:
    leito = await hospital.leito(alaId=(await hospital.ala(isolamento=True))["id"])

    stay = await hospital.internacao(leitoId=leito["id"], isolamento=True, motivoIsolamento="cinomose")

    assert (stay["isolamento"], stay["alertas"]) == (True, [])


async def test_a_priority_is_said_as_often_as_needed(hospital: Hospital) -> None:
    stay, nurse = await hospital.internacao(), await hospital.signed_in("Enfermeiro")
    path = f"/internacoes/{stay['id']}/priorizar"

    answers = [await nurse.post(path, {"prioridade": "critica"}) for _ in range(2)]

    assert [(answer.status_code, answer.json()["prioridade"]) for answer in answers] == [(200, "critica")] * 2


@pytest.mark.parametrize(
    ("ahead", "status"),
    [
        (-timedelta(days=2), 201),
        (timedelta(minutes=2), 201),
        (timedelta(minutes=6), 422),
        (-timedelta(days=20_000), 422),
    ],
)
async def test_a_pet_came_in_the_past(hospital: Hospital, ahead: timedelta, status: int) -> None:
    pet, leito, admin = await hospital.pet(), await hospital.leito(), await hospital.signed_in()
    now = hospital.stage.now
    body = {"petId": pet["id"], "motivo": "Fratura", "leitoId": leito["id"], "dataEntrada": (now + ahead).isoformat()}

    answer = await admin.post("/internacoes", body)

    assert answer.status_code == status, answer.text
    if status == 422:
        assert [error["field"] for error in answer.json()["errors"]] == ["dataEntrada"]
        return
    stay = answer.json()
    came, in_bed = (datetime.fromisoformat(at) for at in (stay["dataEntrada"], stay["movimentacoes"][0]["inicio"]))
    assert came == datetime.fromisoformat(stay["admitidaEm"]) <= in_bed
    assert now <= in_bed
    assert (await admin.post(f"/internacoes/{stay['id']}/alta")).status_code == 200


async def test_who_cannot_stay_or_answer_is_refused_by_its_field(hospital: Hospital) -> None:
    admin, gone, leito = await hospital.signed_in(), await hospital.pet(), await hospital.leito()
    await admin.delete(f"/pets/{gone['id']}", {"motivo": "mudou-se"})
    await admin.delete(f"/leitos/{leito['id']}", {"motivo": "quebrado"})
    left = await hospital.signed_in("Veterinário", new=True)
    await hospital.sql("update {s}.users set ativo = false where id = $1", left.id)
    body = {"petId": (await hospital.pet())["id"], "motivo": "Trauma"}

    answers = [
        await admin.post("/internacoes", body | {"petId": gone["id"]}),
        await admin.post("/internacoes", body | {"veterinarioId": str(left.id)}),
        await admin.post("/internacoes", body | {"leitoId": leito["id"]}),
        await admin.post("/internacoes", body | {"isolamento": True}),
        await admin.post("/internacoes", body | {"motivoIsolamento": "cinomose"}),
        await admin.patch(f"/internacoes/{(await hospital.internacao())['id']}", {"veterinarioId": gone["id"]}),
    ]

    assert [(answer.status_code, answer.json()["errors"][0]["field"]) for answer in answers] == [
        (422, field)
        for field in ("petId", "veterinarioId", "leitoId", "motivoIsolamento", "motivoIsolamento", "veterinarioId")
    ]


async def test_every_filter_finds_its_own(new_hospital: Hospital) -> None:
    vet = await new_hospital.signed_in("Veterinário")
    leito = await new_hospital.leito()
    rex = await new_hospital.internacao(
        petId=(await new_hospital.pet(nome="Réx"))["id"], leitoId=leito["id"], prioridade="critica",
        isolamento=True, motivoIsolamento="cinomose", veterinarioId=str(vet.id),
    )  # fmt: skip
    mia = await new_hospital.internacao(petId=(await new_hospital.pet(nome="Mia"))["id"], leitoId=None)
    bob = await new_hospital.internacao(petId=(await new_hospital.pet(nome="Bob"))["id"])
    await vet.post(f"/internacoes/{bob['id']}/alta")

    async def found(**asked: str) -> list[str]:
        rows = (await vet.get("/internacoes", **asked)).json()
        assert rows["meta"]["total"] == len(rows["data"])
        return [row["pet"]["nome"] for row in rows["data"]]

    assert await found() == ["Bob", "Mia", "Réx"]
    assert [await found(status=status) for status in ("em_andamento", "aguardando", "alta", "obito")] == [
        *(["Réx"], ["Mia"], ["Bob"], []),
    ]
    for asked in (
        {"prioridade": "critica"}, {"isolamento": "true"}, {"alaId": leito["ala"]["id"]}, {"leitoId": leito["id"]},
        {"petId": rex["petId"]}, {"veterinarioId": str(vet.id)}, {"busca": "rex"},
    ):  # fmt: skip
        assert await found(**asked) == ["Réx"], asked
    assert await found(petId=mia["petId"], status="alta") == []


async def test_a_stale_edit_is_refused_and_changes_nothing(hospital: Hospital) -> None:
    stay, nurse = await hospital.internacao(), await hospital.signed_in("Enfermeiro")
    path = f"/internacoes/{stay['id']}"

    first = await nurse.patch(path, {"prioridade": "alta"}, if_match='"1"')
    stale = await nurse.patch(path, {"prioridade": "baixa"}, if_match='"1"')

    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert (stale.status_code, stale.json()["type"]) == (412, "/problemas/precondition-failed")
    assert (await nurse.get(path)).json() == first.json()


async def test_a_role_without_the_permission_is_told_which(hospital: Hospital) -> None:
    stay = await hospital.internacao()
    reception, nurse, finance, pharmacist = [
        await hospital.signed_in(role) for role in ("Recepcionista", "Enfermeiro", "Financeiro", "Farmacêutico")
    ]
    reader = await hospital.signed_in("Plataforma", new=True)
    path = f"/internacoes/{stay['id']}"

    answers = [
        (await reader.get(path), "internacoes:ler"),
        (await reader.get("/internacoes"), "internacoes:ler"),
        (await reader.get("/internacoes/mapa-leitos"), "internacoes:ler"),
        (await nurse.post("/internacoes", {}), "internacoes:admitir"),
        (await finance.post(f"{path}/admitir", {}), "internacoes:admitir"),
        (await reception.patch(path, {}), "internacoes:mover"),
        (await reception.post(f"{path}/transferir", {}), "internacoes:mover"),
        (await pharmacist.post(f"{path}/isolar", {}), "internacoes:mover"),
        (await reception.post(f"{path}/encerrar-isolamento"), "internacoes:mover"),
        (await reception.post(f"{path}/priorizar", {}), "internacoes:mover"),
        (await nurse.post(f"{path}/alta"), "internacoes:alta"),
        (await nurse.post(f"{path}/obito", {}), "internacoes:alta"),
    ]

    assert [(answer.status_code, answer.json()["permissao"]) for answer, _ in answers] == [
        (403, permission) for _, permission in answers
    ]


async def test_another_hospital_knows_nothing_of_it(hospital: Hospital, other_hospital: Hospital) -> None:
    stay, waiting = await hospital.internacao(), await hospital.internacao(leitoId=None)
    neighbour, theirs = await other_hospital.signed_in(), await other_hospital.leito()
    path, bed, why = f"/internacoes/{stay['id']}", {"leitoId": theirs["id"]}, {"motivo": "quero"}

    answers = [
        await neighbour.get(path),
        await neighbour.patch(path, {"prioridade": "alta"}),
        await neighbour.post(f"/internacoes/{waiting['id']}/admitir", bed),
        await neighbour.post(f"{path}/transferir", bed | why),
        await neighbour.post(f"{path}/isolar", why),
        await neighbour.post(f"{path}/encerrar-isolamento"),
        await neighbour.post(f"{path}/priorizar", {"prioridade": "alta"}),
        await neighbour.post(f"{path}/alta"),
        await neighbour.post(f"{path}/obito", {"causa": "choque"}),
        await neighbour.post("/internacoes", {"petId": stay["petId"]} | bed | why),
        await (await hospital.signed_in()).post(f"/internacoes/{waiting['id']}/admitir", bed),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert (await neighbour.get("/internacoes", petId=stay["petId"])).json()["data"] == []
