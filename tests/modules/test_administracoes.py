"""Doses: shown as late, due or next, recorded once by a named person, voided but never erased."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.cast import Hospital
from tests.modules.test_prescricoes import doses_of, item, order

pytestmark = pytest.mark.usefixtures("noon")


async def due_now(hospital: Hospital, minutes: int = 10) -> dict[str, Any]:
    """A dose whose time was so many minutes ago."""
    stay, drug = await hospital.internacao(), await hospital.medicamento(altaVigilancia=True)
    await hospital.made(f"/pets/{stay['petId']}/pesos", {"pesoKg": 4.2})
    start = (hospital.stage.now - timedelta(minutes=minutes)).isoformat()
    one = item(hospital, drug, unidade="mg", frequenciaHoras=24, inicio=start)
    made = await hospital.made(
        "/prescricoes", {"petId": stay["petId"], "internacaoId": stay["id"], "tipo": "hospitalar", "itens": [one]}
    )
    [dose] = await doses_of(hospital, made)
    return dose


async def test_the_panel_tells_late_from_due_from_next_by_the_clock(new_hospital: Hospital) -> None:
    dose = await due_now(new_hospital)
    nurse = await new_hospital.signed_in("Enfermeiro")
    path = "/administracoes/painel-enfermagem"

    due = (await nurse.get(path)).json()
    new_hospital.stage.clock.offset += timedelta(minutes=30)
    late = (await nurse.get(path)).json()
    new_hospital.stage.clock.offset -= timedelta(hours=1)
    coming = (await nurse.get(path)).json()

    [row] = due["pendentes"]
    assert (row["id"], row["status"], row["minutosAtraso"]) == (dose["id"], "pendente", 10)
    [row] = late["atrasadas"]
    assert (row["status"], row["minutosAtraso"], late["pendentes"]) == ("atrasada", 40, [])
    [row] = coming["proximas"]
    assert (row["status"], row["minutosAtraso"]) == ("pendente", 0)
    assert late["estatisticas"]["atrasadas"] == 1


async def test_a_row_of_the_panel_carries_what_a_nurse_needs(new_hospital: Hospital) -> None:
    await due_now(new_hospital)
    nurse = await new_hospital.signed_in("Enfermeiro")

    [row] = (await nurse.get("/administracoes/painel-enfermagem")).json()["pendentes"]

    stay = row["prescricao"]["internacao"]
    assert {"nome", "especie", "pesoKg", "alergias"} <= stay["pet"].keys()
    assert stay["pet"]["pesoKg"] == 4.2
    assert {"prioridade", "isolamento", "leito"} <= stay.keys()
    assert {"codigo", "ala"} <= stay["leito"].keys()
    assert {"dose", "unidade", "via", "volumeMl", "doseCalculada"} <= row["item"].keys()
    assert row["item"]["medicamento"]["altaVigilancia"] is True


async def test_the_panel_can_be_asked_for_one_ward_or_one_bed(new_hospital: Hospital) -> None:
    await due_now(new_hospital)
    await due_now(new_hospital)
    admin = await new_hospital.signed_in()
    beds = (await admin.get("/leitos")).json()["data"]
    path = "/administracoes/painel-enfermagem"

    one_bed = (await admin.get(path, leitoId=beds[0]["id"])).json()
    one_ward = (await admin.get(path, alaId=beds[0]["ala"]["id"])).json()
    nobody = (await admin.get(path, alaId=beds[0]["id"])).json()

    assert len(one_bed["pendentes"]) == 1
    assert one_bed["pendentes"][0]["prescricao"]["internacao"]["leito"]["id"] == beds[0]["id"]
    assert one_ward["estatisticas"]["total"] == len(one_ward["pendentes"])
    assert nobody["pendentes"] == []


async def test_a_dose_is_given_once_by_a_named_person(hospital: Hospital) -> None:
    dose, nurse = await due_now(hospital), await hospital.signed_in("Enfermeiro")
    colleague = await hospital.signed_in("Enfermeiro", new=True)
    path = f"/administracoes/{dose['id']}/realizar"

    given = await nurse.patch(path, {"observacoes": "Sem intercorrências"})
    again = await colleague.patch(path)

    assert (given.status_code, given.json()["status"]) == (200, "realizada")
    assert given.json()["realizadoPorId"] == str(nurse.id)
    assert (again.status_code, again.json()["type"]) == (409, "/problemas/dose-ja-registrada")
    events = await hospital.sql(
        "select tipo from {s}.eventos where dados->>'administracaoId' = $1 order by id", dose["id"]
    )
    assert [event["tipo"] for event in events] == ["dose-realizada"]


async def test_of_sixteen_nurses_at_once_one_gives_the_dose(hospital: Hospital) -> None:
    dose = await due_now(hospital)
    nurses = [await hospital.signed_in("Enfermeiro", new=True) for _ in range(16)]

    answers = await asyncio.gather(*(nurse.patch(f"/administracoes/{dose['id']}/realizar") for nurse in nurses))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 15


async def test_a_dose_not_given_needs_its_reason(hospital: Hospital) -> None:
    dose, nurse = await due_now(hospital), await hospital.signed_in("Enfermeiro")
    path = f"/administracoes/{dose['id']}/nao-realizar"

    silent = await nurse.patch(path, {})
    told = await nurse.patch(path, {"justificativa": "Paciente em cirurgia"})

    assert (silent.status_code, silent.json()["errors"][0]["field"]) == (422, "justificativa")
    assert (told.status_code, told.json()["status"]) == (200, "nao_realizada")
    assert (await nurse.patch(path, {"justificativa": "De novo"})).status_code == 409


async def test_a_void_keeps_the_record_and_the_dose_is_due_again(hospital: Hospital) -> None:
    dose, vet = await due_now(hospital), await hospital.signed_in("Veterinário")
    nurse = await hospital.signed_in("Enfermeiro")
    path = f"/administracoes/{dose['id']}"
    await nurse.patch(f"{path}/realizar")

    not_hers = await nurse.patch(f"{path}/anular", {"motivo": "Paciente errado"})
    voided = await vet.patch(f"{path}/anular", {"motivo": "Paciente errado"})
    again = await vet.patch(f"{path}/anular", {"motivo": "Paciente errado"})

    assert not_hers.status_code == 403
    assert (voided.status_code, voided.json()["status"]) == (200, "anulada")
    assert voided.json()["realizadoPorId"] == str(nurse.id)
    assert (again.status_code, again.json()["type"]) == (409, "/problemas/nada-para-anular")
    both = (await vet.get("/administracoes", prescricaoId=dose["prescricaoId"])).json()["data"]
    assert sorted(found["status"] for found in both) == ["anulada", "pendente"]
    [replacement] = [found for found in both if found["status"] == "pendente"]
    assert replacement["substituiId"] == dose["id"]
    assert (await nurse.patch(f"/administracoes/{replacement['id']}/realizar")).status_code == 200


async def test_a_pending_dose_has_nothing_to_void(hospital: Hospital) -> None:
    dose, vet = await due_now(hospital), await hospital.signed_in("Veterinário")

    assert (await vet.patch(f"/administracoes/{dose['id']}/anular", {"motivo": "Engano"})).status_code == 409


async def test_a_dose_is_never_given_in_the_future_or_before_the_admission(hospital: Hospital) -> None:
    dose, nurse = await due_now(hospital), await hospital.signed_in("Enfermeiro")
    path, now = f"/administracoes/{dose['id']}/realizar", hospital.stage.now

    future = await nurse.patch(path, {"dataHoraRealizada": (now + timedelta(hours=1)).isoformat()})
    before = await nurse.patch(path, {"dataHoraRealizada": (now - timedelta(days=20)).isoformat()})

    assert future.status_code == 422
    assert (before.status_code, before.json()["type"]) == (409, "/problemas/dose-fora-da-internacao")
    assert (await nurse.get(f"/administracoes/{dose['id']}")).json()["status"] == "pendente"


async def test_a_dose_is_never_given_after_the_discharge(hospital: Hospital) -> None:
    dose, vet = await due_now(hospital), await hospital.signed_in("Veterinário")
    assert (await vet.post(f"/internacoes/{dose['internacaoId']}/alta", {})).status_code == 200

    refused = await vet.patch(f"/administracoes/{dose['id']}/realizar")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problemas/dose-fora-da-internacao")
    assert (await vet.get(f"/administracoes/{dose['id']}")).json()["status"] == "suspensa"


async def test_the_discharge_and_the_dose_race_and_one_of_them_comes_first(hospital: Hospital) -> None:
    vet = await hospital.signed_in("Veterinário")
    for _ in range(5):
        dose = await due_now(hospital)
        given, left = await asyncio.gather(
            vet.patch(f"/administracoes/{dose['id']}/realizar"),
            vet.post(f"/internacoes/{dose['internacaoId']}/alta", {}),
        )
        assert left.status_code == 200
        status = (await vet.get(f"/administracoes/{dose['id']}")).json()["status"]
        assert (given.status_code, status) in {(200, "realizada"), (409, "suspensa")}


async def test_a_hospital_may_forbid_giving_doses_early(new_hospital: Hospital) -> None:
    made, admin = await order(new_hospital), await new_hospital.signed_in()
    first, second, _ = await doses_of(new_hospital, made)
    assert (await admin.patch("/configuracoes", {"antecedenciaMaximaMinutos": 90})).status_code == 200

    early = await admin.patch(f"/administracoes/{second['id']}/realizar")
    close = await admin.patch(f"/administracoes/{first['id']}/realizar")

    assert (early.status_code, early.json()["type"]) == (409, "/problemas/dose-cedo-demais")
    assert (await admin.get(f"/administracoes/{second['id']}")).json()["status"] == "pendente"
    assert close.status_code == 200


async def test_a_stale_etag_is_refused_and_may_be_demanded(new_hospital: Hospital) -> None:
    dose, admin = await due_now(new_hospital), await new_hospital.signed_in()
    path = f"/administracoes/{dose['id']}/realizar"

    stale = await admin.patch(path, if_match='"7"')
    await admin.patch("/configuracoes", {"exigirIfMatch": True})
    missing = await admin.patch(path)
    fresh = await admin.patch(path, if_match='"1"')

    assert (stale.status_code, missing.status_code, fresh.status_code) == (412, 428, 200)
    assert fresh.headers["etag"] == '"2"'


async def test_statistics_count_the_day_and_adherence_is_doses_on_time(new_hospital: Hospital) -> None:
    admin = await new_hospital.signed_in()
    on_time, late, missed = [await due_now(new_hospital, minutes) for minutes in (5, 100, 200)]
    await admin.patch(f"/administracoes/{on_time['id']}/realizar")
    await admin.patch(f"/administracoes/{late['id']}/realizar")
    await admin.patch(f"/administracoes/{missed['id']}/nao-realizar", {"justificativa": "Jejum"})

    day = (await admin.get("/administracoes/painel-enfermagem")).json()["estatisticas"]

    assert (day["realizadasNoPrazo"], day["realizadasForaDoPrazo"], day["naoRealizadas"]) == (1, 1, 1)
    assert day["taxaAdesao"] == 33.33


async def test_lists_filter_by_the_derived_status(new_hospital: Hospital) -> None:
    late, due = await due_now(new_hospital, 45), await due_now(new_hospital, 5)
    nurse = await new_hospital.signed_in("Enfermeiro")

    found = {
        status: [dose["id"] for dose in (await nurse.get("/administracoes", status=status)).json()["data"]]
        for status in ("atrasada", "pendente", "realizada")
    }

    assert found == {"atrasada": [late["id"]], "pendente": [due["id"]], "realizada": []}


async def test_reception_does_not_see_doses_and_the_neighbour_finds_none(
    hospital: Hospital, other_hospital: Hospital
) -> None:
    dose = await due_now(hospital)
    reception, neighbour = await hospital.signed_in("Recepcionista"), await other_hospital.signed_in()
    path = f"/administracoes/{dose['id']}"

    assert (await reception.get(path)).status_code == 403
    assert (await neighbour.get(path)).status_code == 404
    assert (await neighbour.patch(f"{path}/realizar")).status_code == 404
    assert (await neighbour.patch(f"{path}/anular", {"motivo": "Meu"})).status_code == 404
