"""Pets: of one tutor, weighed over time, with allergies that stay written down."""

import asyncio
from datetime import timedelta

import pytest

from tests.cast import Hospital


async def test_a_pet_comes_with_its_tutor_weight_and_allergies(hospital: Hospital) -> None:
    pet, nurse = await hospital.pet(nome="Thor", microchip="076 000000000123"), await hospital.signed_in("Enfermeiro")
    await nurse.post(f"/pets/{pet['id']}/pesos", {"pesoKg": 12.4, "origem": "balança"})
    await nurse.post(f"/pets/{pet['id']}/alergias", {"substancia": "Penicilina", "gravidade": "grave"})

    read = (await nurse.get(f"/pets/{pet['id']}")).json()

    assert (read["pesoKg"], read["alergias"], read["microchip"]) == (12.4, ["Penicilina"], "076000000000123")
    assert read["tutor"]["id"] == read["tutorId"] == pet["tutorId"]
    assert read["internacoes"] == []


async def test_lists_are_by_name_and_filtered(new_hospital: Hospital) -> None:
    tutor = await new_hospital.tutor()
    for name, species in (("Zeca", "felina"), ("Açaí", "canina"), ("Mel", "canina")):
        await new_hospital.pet(nome=name, especie=species, tutorId=tutor["id"])
    await new_hospital.pet(nome="Outro", especie="ave")
    vet = await new_hospital.signed_in("Veterinário")

    async def names(**filters: str | int) -> list[str]:
        return [pet["nome"] for pet in (await vet.get("/pets", **filters)).json()["data"]]

    assert await names(tutorId=tutor["id"], especie="canina") == ["Açaí", "Mel"]
    assert await names(busca="acai") == ["Açaí"]
    assert await names(limit=2, page=2) == ["Outro", "Zeca"]
    page = (await vet.get("/pets", limit=2)).json()
    assert page["meta"] == {"total": 4, "page": 1, "lastPage": 2}


async def test_the_last_weight_is_the_newest_measured_not_the_last_typed(hospital: Hospital) -> None:
    pet, vet, now = await hospital.pet(), await hospital.signed_in("Veterinário"), hospital.stage.now
    path = f"/pets/{pet['id']}"
    await vet.post(f"{path}/pesos", {"pesoKg": 10, "medidoEm": (now - timedelta(days=1)).isoformat()})
    await vet.post(f"{path}/pesos", {"pesoKg": 8, "medidoEm": (now - timedelta(days=9)).isoformat()})

    assert (await vet.get(path)).json()["pesoKg"] == 10
    assert [weight["pesoKg"] for weight in (await vet.get(f"{path}/pesos")).json()] == [10, 8]


@pytest.mark.parametrize("weight", [0, -1, 2001, "NaN", 1.23456, True, None])
async def test_a_weight_that_cannot_be_is_refused(hospital: Hospital, weight: object) -> None:
    pet, vet = await hospital.pet(), await hospital.signed_in("Veterinário")

    refused = await vet.post(f"/pets/{pet['id']}/pesos", {"pesoKg": weight})

    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "pesoKg")


async def test_an_allergy_entered_in_error_stays_and_warns_no_more(hospital: Hospital) -> None:
    pet, vet = await hospital.pet(), await hospital.signed_in("Veterinário")
    path = f"/pets/{pet['id']}"
    allergy = (await vet.post(f"{path}/alergias", {"substancia": "Frango", "gravidade": "leve"})).json()
    erro = f"{path}/alergias/{allergy['id']}/erro"

    marked = await vet.post(erro, {"motivo": "Era de outro paciente"})
    again = await vet.post(erro, {"motivo": "Era de outro paciente"})

    assert (marked.status_code, again.status_code) == (200, 404)
    assert (await vet.get(path)).json()["alergias"] == []
    assert [kept["erroMotivo"] for kept in (await vet.get(f"{path}/alergias")).json()] == ["Era de outro paciente"]


async def test_history_tells_what_happened_the_newest_first(hospital: Hospital) -> None:
    pet, vet, now = await hospital.pet(), await hospital.signed_in("Veterinário"), hospital.stage.now
    path = f"/pets/{pet['id']}"
    await vet.post(f"{path}/pesos", {"pesoKg": 3, "medidoEm": (now - timedelta(days=2)).isoformat()})
    await vet.post(f"{path}/alergias", {"substancia": "Frango", "gravidade": "leve"})

    page = (await vet.get(f"{path}/historico")).json()

    assert [entry["tipo"] for entry in page["data"]] == ["alergia", "peso"]
    assert page["meta"]["total"] == 2


async def test_a_pet_needs_a_tutor_of_this_hospital(hospital: Hospital, other_hospital: Hospital) -> None:
    theirs, admin = await other_hospital.tutor(), await hospital.signed_in()

    refused = await admin.post("/pets", {"nome": "Thor", "especie": "canina", "tutorId": theirs["id"]})

    assert (refused.status_code, refused.json()["type"]) == (404, "/problemas/tutor-nao-encontrado")


async def test_one_microchip_is_one_animal_also_when_two_type_it_at_once(hospital: Hospital) -> None:
    tutor, admin = await hospital.tutor(), await hospital.signed_in()
    body = {"nome": "Thor", "especie": "canina", "tutorId": tutor["id"], "microchip": "076000000000999"}

    answers = await asyncio.gather(*(admin.post("/pets", body) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_a_pet_is_archived_with_a_reason_and_never_while_it_stays_here(hospital: Hospital) -> None:
    pet, admin = await hospital.pet(), await hospital.signed_in()
    staying = await hospital.internacao()

    silent = await admin.delete(f"/pets/{pet['id']}", {})
    done = await admin.delete(f"/pets/{pet['id']}", {"motivo": "Cadastro duplicado"})
    refused = await admin.delete(f"/pets/{staying['petId']}", {"motivo": "Engano"})

    assert (silent.status_code, done.status_code, refused.status_code) == (422, 204, 409)
    assert (await admin.get(f"/pets/{pet['id']}")).json()["motivoArquivamento"] == "Cadastro duplicado"


async def test_the_wrong_role_the_neighbour_and_the_stale_edit_change_nothing(
    hospital: Hospital, other_hospital: Hospital
) -> None:
    pet, admin = await hospital.pet(nome="Thor"), await hospital.signed_in()
    pharmacist, neighbour = await hospital.signed_in("Farmacêutico"), await other_hospital.signed_in()
    path = f"/pets/{pet['id']}"

    assert (await pharmacist.patch(path, {"nome": "X"})).status_code == 403
    assert (await neighbour.patch(path, {"nome": "X"})).status_code == 404
    assert (await admin.patch(path, {"nome": "X"}, if_match='"9"')).status_code == 412
    assert (await admin.get(path)).json()["nome"] == "Thor"
