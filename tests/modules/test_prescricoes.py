"""Prescriptions: ordered whole or not at all, for a weight that is frozen, with every dose on the schedule."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.cast import Hospital


def item(hospital: Hospital, medicamento: dict[str, Any], **given: Any) -> dict[str, Any]:
    """Three doses, eight hours apart, the first in an hour."""
    start = hospital.stage.now + timedelta(hours=1)
    return {
        "medicamentoId": medicamento["id"],
        "dose": 25,
        "unidade": "mg/kg",
        "via": "IV",
        "frequenciaHoras": 8,
        "duracaoDias": 1,
        "inicio": start.isoformat(),
    } | given


async def order(hospital: Hospital, **given: Any) -> dict[str, Any]:
    """A prescription of one item for a new patient of 10 kg."""
    stay = await hospital.internacao()
    await hospital.made(f"/pets/{stay['petId']}/pesos", {"pesoKg": 10})
    drug = await hospital.medicamento(concentracao=500, concentracaoUnidade="mg/mL", vias=["IV"])
    body = {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar", "itens": [item(hospital, drug)]}
    return await hospital.made("/prescricoes", body | given)


async def doses_of(hospital: Hospital, prescription: dict[str, Any]) -> list[dict[str, Any]]:
    admin = await hospital.signed_in()
    found = await admin.get("/administracoes", prescricaoId=prescription["id"], limit=100)
    doses: list[dict[str, Any]] = found.json()["data"]
    return doses


async def test_a_hospital_prescription_schedules_every_dose(hospital: Hospital) -> None:
    made = await order(hospital)

    assert made["administracoesGeradas"] == 3
    [ordered] = made["itens"]
    assert (ordered["pesoKg"], ordered["doseCalculada"], ordered["doseCalculadaUnidade"]) == (10, 250, "mg")
    assert ordered["volumeMl"] == 0.5
    at = [datetime.fromisoformat(dose["dataHoraAgendada"]) for dose in await doses_of(hospital, made)]
    assert [b - a for a, b in pairwise(at)] == [timedelta(hours=8)] * 2
    assert {dose["status"] for dose in await doses_of(hospital, made)} == {"pendente"}


async def test_reading_it_back_gives_what_was_ordered(hospital: Hospital) -> None:
    made = await order(hospital)
    nurse = await hospital.signed_in("Enfermeiro")

    read = (await nurse.get(f"/prescricoes/{made['id']}")).json()
    listed = (await nurse.get("/prescricoes", internacaoId=made["internacaoId"])).json()["data"]

    assert read["itens"][0] | {"inicio": None} == made["itens"][0] | {"inicio": None}
    assert [(row["id"], row["itens"]) for row in listed] == [(made["id"], 1)]


async def test_an_outpatient_prescription_schedules_nothing(hospital: Hospital) -> None:
    pet, drug = await hospital.pet(), await hospital.medicamento()

    made = await hospital.made(
        "/prescricoes",
        {"petId": pet["id"], "tipo": "ambulatorial", "itens": [item(hospital, drug, unidade="mg", dose=50)]},
    )

    assert made["administracoesGeradas"] == 0


async def test_a_dose_per_kg_needs_a_weight(hospital: Hospital) -> None:
    stay, drug, vet = await hospital.internacao(), await hospital.medicamento(), await hospital.signed_in("Veterinário")

    refused = await vet.post(
        "/prescricoes",
        {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar", "itens": [item(hospital, drug)]},
    )

    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["itens[0].unidade"]


async def test_the_weight_it_was_ordered_on_stays_on_it(hospital: Hospital) -> None:
    made = await order(hospital)
    await hospital.made(f"/pets/{made['petId']}/pesos", {"pesoKg": 12})
    admin = await hospital.signed_in()

    assert (await admin.get(f"/prescricoes/{made['id']}")).json()["itens"][0]["pesoKg"] == 10


async def test_a_grave_warning_needs_a_written_reason_that_the_nurse_then_sees(hospital: Hospital) -> None:
    stay, drug = await hospital.internacao(), await hospital.medicamento(principioAtivo="Dipirona sódica")
    await hospital.made(f"/pets/{stay['petId']}/alergias", {"substancia": "Dipirona", "gravidade": "grave"})
    vet = await hospital.signed_in("Veterinário")
    body = {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar"}
    plain = item(hospital, drug, unidade="mg", dose=50)

    refused = await vet.post("/prescricoes", body | {"itens": [plain]})
    reasoned = plain | {"justificativaAlerta": "Sem alternativa disponível"}
    made = await vet.post("/prescricoes", body | {"itens": [reasoned]})

    assert (refused.status_code, refused.json()["type"]) == (409, "/problemas/alerta-exige-justificativa")
    assert made.status_code == 201
    assert [warning["codigo"] for warning in made.json()["itens"][0]["alertas"]] == ["alergia"]
    panel = (await vet.get("/administracoes/painel-enfermagem", limite=1000, horas=24)).json()
    [row] = [row for row in panel["proximas"] if row["prescricao"]["id"] == made.json()["id"]][:1]
    assert row["item"]["justificativaAlerta"] == "Sem alternativa disponível"
    assert row["prescricao"]["internacao"]["pet"]["alergias"] == ["Dipirona"]


async def test_dose_ranges_warn_only_where_the_hospital_has_switched_them_on(new_hospital: Hospital) -> None:
    made = await order(new_hospital)
    drug = made["itens"][0]["medicamentoId"]
    await new_hospital.made(
        f"/medicamentos/{drug}/faixas",
        {"especie": "canina", "via": "IV", "doseMin": 1, "doseMax": 5, "unidade": "mg/kg", "fonte": "Formulário"},
    )
    admin = await new_hospital.signed_in()
    body = {"petId": made["petId"], "internacaoId": made["internacaoId"], "tipo": "hospitalar"}
    above = body | {"itens": [item(new_hospital, {"id": drug})]}

    silent = await admin.post("/prescricoes", above)
    assert (await admin.patch("/configuracoes", {"verificarFaixasDeDose": True})).status_code == 200
    warned = await admin.post("/prescricoes", above)

    assert silent.status_code == 201
    assert (warned.status_code, warned.json()["errors"][0]["field"]) == (409, "itens[0].justificativaAlerta")


async def test_every_wrong_item_is_named_and_nothing_is_stored(hospital: Hospital) -> None:
    stay, drug, vet = await hospital.internacao(), await hospital.medicamento(), await hospital.signed_in("Veterinário")
    wrong = item(hospital, drug, dose=0, via="XX", frequenciaHoras=0, inicio="amanhã")

    refused = await vet.post(
        "/prescricoes",
        {
            "petId": stay["petId"],
            "internacaoId": stay["id"],
            "tipo": "hospitalar",
            "itens": [item(hospital, drug), wrong],
        },
    )

    assert refused.status_code == 422
    fields = {error["field"] for error in refused.json()["errors"]}
    assert fields == {"itens[1].dose", "itens[1].via", "itens[1].frequenciaHoras", "itens[1].inicio"}
    assert await hospital.sql("select 1 from {s}.prescricoes where internacao_id = $1", stay["id"]) == []


async def test_suspending_holds_only_what_remains_and_resuming_brings_it_back(hospital: Hospital) -> None:
    made, vet = await order(hospital), await hospital.signed_in("Veterinário")
    first, *_ = await doses_of(hospital, made)
    await vet.patch(f"/administracoes/{first['id']}/realizar", {})
    path = f"/prescricoes/{made['id']}"

    held = await vet.post(f"{path}/suspender", {"motivo": "Vômito"})
    again = await vet.post(f"{path}/suspender", {"motivo": "Vômito"})
    while_held = [dose["status"] for dose in await doses_of(hospital, made)]
    back = await vet.post(f"{path}/retomar", {"motivo": "Melhorou"})

    assert (held.status_code, held.json()["status"], held.json()["motivoStatus"]) == (200, "suspensa", "Vômito")
    assert again.status_code == 409
    assert while_held == ["realizada", "suspensa", "suspensa"]
    assert back.json()["status"] == "ativa"
    assert [dose["status"] for dose in await doses_of(hospital, made)] == ["realizada", "pendente", "pendente"]


async def test_ending_one_item_leaves_the_others_and_is_final(hospital: Hospital) -> None:
    stay, drug = await hospital.internacao(), await hospital.medicamento()
    items = [item(hospital, drug, unidade="mg"), item(hospital, await hospital.medicamento(), unidade="mg")]
    made = await hospital.made(
        "/prescricoes", {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar", "itens": items}
    )
    vet = await hospital.signed_in("Veterinário")
    path = f"/prescricoes/{made['id']}/itens/{made['itens'][0]['id']}"

    ended = await vet.post(f"{path}/encerrar", {"motivo": "Curado"})
    revived = await vet.post(f"{path}/retomar", {"motivo": "Engano"})

    assert sorted(item["status"] for item in ended.json()["itens"]) == ["ativa", "encerrada"]
    assert (ended.json()["status"], revived.status_code) == ("ativa", 409)
    by_item = {dose["prescricaoItemId"]: dose["status"] for dose in await doses_of(hospital, made)}
    assert sorted(by_item.values()) == ["pendente", "suspensa"]


async def test_the_same_key_prescribes_once_and_answers_the_same(hospital: Hospital) -> None:
    stay, drug, vet = await hospital.internacao(), await hospital.medicamento(), await hospital.signed_in("Veterinário")
    body = {
        "petId": stay["petId"],
        "internacaoId": stay["id"],
        "tipo": "hospitalar",
        "itens": [item(hospital, drug, unidade="mg")],
    }

    first = await vet.post("/prescricoes", body, idempotency_key="plantao-1")
    again = await vet.post("/prescricoes", body, idempotency_key="plantao-1")
    other = await vet.post("/prescricoes", body | {"observacoes": "outra"}, idempotency_key="plantao-1")

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert len((await vet.get("/prescricoes", internacaoId=stay["id"])).json()["data"]) == 1


async def test_a_nurse_does_not_prescribe_and_the_neighbour_sees_nothing(
    hospital: Hospital, other_hospital: Hospital
) -> None:
    made = await order(hospital)
    nurse, neighbour = await hospital.signed_in("Enfermeiro"), await other_hospital.signed_in()

    assert (await nurse.post(f"/prescricoes/{made['id']}/suspender", {"motivo": "Pausa"})).status_code == 403
    assert (await neighbour.get(f"/prescricoes/{made['id']}")).status_code == 404
    assert (await neighbour.post(f"/prescricoes/{made['id']}/suspender", {"motivo": "Pausa"})).status_code == 404


async def test_a_neighbours_drug_or_stay_cannot_be_prescribed(hospital: Hospital, other_hospital: Hospital) -> None:
    theirs, mine = await other_hospital.internacao(), await hospital.medicamento()
    vet = await hospital.signed_in("Veterinário")

    refused = await vet.post(
        "/prescricoes",
        {
            "petId": theirs["petId"],
            "internacaoId": theirs["id"],
            "tipo": "hospitalar",
            "itens": [item(hospital, mine, unidade="mg")],
        },
    )

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "internacaoId")
