"""Tutores: kept once, found however they are spelt, archived and never deleted."""

from tests.cast import Hospital, number

CPF = "529.982.247-25"


async def test_a_tutor_is_kept_as_given_in_normal_form(new_hospital: Hospital) -> None:
    made = await new_hospital.tutor(nome="Ana Conceição", documento=CPF, telefone="(11) 98765-4321", uf="sp")

    assert (made["documento"], made["telefone"], made["uf"]) == ("52998224725", "+5511987654321", "SP")
    reception = await new_hospital.signed_in("Recepcionista")
    read = await reception.get(f"/tutores/{made['id']}")
    assert read.json() == made
    assert read.headers["etag"] == '"1"'


async def test_the_search_ignores_accents_and_case(new_hospital: Hospital) -> None:
    made = await new_hospital.tutor(nome="João Araújo Gonçalves")
    await new_hospital.tutor(nome="Maria Lima")
    vet = await new_hospital.signed_in("Veterinário")

    found = (await vet.get("/tutores", busca="ARAUJO goncal")).json()

    assert [tutor["id"] for tutor in found["data"]] == [made["id"]]
    assert found["meta"] == {"total": 1, "page": 1, "lastPage": 1}
    assert (await vet.get("/tutores", busca="100%")).json()["data"] == []


async def test_the_same_document_is_refused_once_taken(new_hospital: Hospital) -> None:
    await new_hospital.tutor(documento="12ABC34501DE35")
    admin = await new_hospital.signed_in()

    again = await admin.post(
        "/tutores", {"nome": "Outra", "telefone": "+5511987654321", "documento": "12.ABC.345/01DE-35"}
    )

    assert (again.status_code, again.json()["type"]) == (409, "/problemas/documento-em-uso")


async def test_every_wrong_field_is_named_at_once(hospital: Hospital) -> None:
    admin = await hospital.signed_in()

    answer = await admin.post("/tutores", {"nome": " ", "telefone": "123", "documento": "111.111.111-11", "idade": 3})

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {error["field"] for error in answer.json()["errors"]} == {"nome", "telefone", "documento", "idade"}


async def test_a_stale_edit_is_refused_and_changes_nothing(hospital: Hospital) -> None:
    tutor, admin = await hospital.tutor(), await hospital.signed_in()
    path = f"/tutores/{tutor['id']}"

    first = await admin.patch(path, {"nome": "Primeira"}, if_match='"1"')
    stale = await admin.patch(path, {"nome": "Segunda"}, if_match='"1"')

    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert (stale.status_code, stale.json()["type"]) == (412, "/problemas/precondition-failed")
    assert (await admin.get(path)).json()["nome"] == "Primeira"


async def test_a_tutor_with_pets_is_not_archived_and_one_without_leaves_the_lists(new_hospital: Hospital) -> None:
    admin = await new_hospital.signed_in()
    owner, alone = await new_hospital.tutor(), await new_hospital.tutor()
    await new_hospital.pet(tutorId=owner["id"])

    refused = await admin.delete(f"/tutores/{owner['id']}", {"motivo": "duplicado"})
    done = await admin.delete(f"/tutores/{alone['id']}", {"motivo": "duplicado"})
    again = await admin.delete(f"/tutores/{alone['id']}", {"motivo": "duplicado"})

    assert (refused.status_code, done.status_code, again.status_code) == (409, 204, 409)
    assert [tutor["id"] for tutor in (await admin.get("/tutores")).json()["data"]] == [owner["id"]]
    assert (await admin.get(f"/tutores/{alone['id']}")).json()["motivoArquivamento"] == "duplicado"
    archived = (await admin.get("/tutores", arquivados="true")).json()["data"]
    assert [tutor["id"] for tutor in archived] == [alone["id"]]


async def test_another_hospital_knows_nothing_of_it(hospital: Hospital, other_hospital: Hospital) -> None:
    tutor = await hospital.tutor(nome=f"Segredo {number()}")
    neighbour = await other_hospital.signed_in()
    path = f"/tutores/{tutor['id']}"

    assert (await neighbour.get(path)).status_code == 404
    assert (await neighbour.patch(path, {"nome": "Meu"})).status_code == 404
    assert (await neighbour.delete(path, {"motivo": "quero"})).status_code == 404
    assert (await neighbour.get("/tutores", busca=tutor["nome"])).json()["data"] == []


async def test_a_role_without_the_permission_is_told_which(hospital: Hospital) -> None:
    nurse = await hospital.signed_in("Enfermeiro")

    answer = await nurse.post("/tutores", {"nome": "Ana", "telefone": "+5511987654321"})

    assert (answer.status_code, answer.json()["permissao"]) == (403, "tutores:escrever")


async def test_an_unknown_query_parameter_is_refused(hospital: Hospital) -> None:
    admin = await hospital.signed_in()

    answer = await admin.get("/tutores", buscar="ana", limit="1000")

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"buscar", "limit"}
