"""Configuracoes: one row for each hospital, within bounds, edited by one at a time."""

import pytest

from tests.cast import Hospital

DEFAULTS = {
    "toleranciaAtrasoMinutos": 30,
    "antecedenciaMaximaMinutos": None,
    "exigirIfMatch": False,
    "verificarFaixasDeDose": False,
    "validadeDoPesoDias": 30,
    "versao": 1,
}


async def test_a_new_hospital_has_the_defaults_and_knows_its_name(new_hospital: Hospital) -> None:
    answer = await (await new_hospital.signed_in()).get("/configuracoes")

    found = answer.json()
    assert {name: found[name] for name in DEFAULTS} == DEFAULTS
    slug = new_hospital.slug
    assert found["hospital"] == {"slug": slug, "nome": f"Hospital {slug.title()}", "fuso": "America/Sao_Paulo"}
    assert set(found) == {*DEFAULTS, "hospital", "createdAt", "updatedAt"}
    assert answer.headers["etag"] == '"1"'


async def test_what_is_sent_changes_and_the_rest_stays(new_hospital: Hospital, other_hospital: Hospital) -> None:
    admin, neighbour = await new_hospital.signed_in(), await other_hospital.signed_in()
    theirs = (await neighbour.get("/configuracoes")).json()

    first = await admin.patch("/configuracoes", {"toleranciaAtrasoMinutos": 0, "antecedenciaMaximaMinutos": 60})
    second = await admin.patch("/configuracoes", {"antecedenciaMaximaMinutos": None}, if_match='"2"')

    assert (first.status_code, first.headers["etag"], first.json()["antecedenciaMaximaMinutos"]) == (200, '"2"', 60)
    assert {name: second.json()[name] for name in DEFAULTS} == DEFAULTS | {"toleranciaAtrasoMinutos": 0, "versao": 3}
    assert (await admin.get("/configuracoes")).json() == second.json()
    assert (await neighbour.get("/configuracoes")).json() == theirs


async def test_a_stale_edit_is_refused_and_changes_nothing(new_hospital: Hospital) -> None:
    admin = await new_hospital.signed_in()

    first = await admin.patch("/configuracoes", {"validadeDoPesoDias": 7}, if_match='"1"')
    stale = await admin.patch("/configuracoes", {"validadeDoPesoDias": 90}, if_match='"1"')

    assert (first.status_code, stale.status_code) == (200, 412)
    assert stale.json()["type"] == "/problemas/precondition-failed"
    assert (await admin.get("/configuracoes")).json() == first.json()


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [
        ("toleranciaAtrasoMinutos", 0, 720),
        ("antecedenciaMaximaMinutos", 0, 10_080),
        ("validadeDoPesoDias", 1, 3650),
    ],
)
async def test_a_figure_stays_within_its_bounds(new_hospital: Hospital, field: str, least: int, most: int) -> None:
    admin = await new_hospital.signed_in()

    accepted = [(await admin.patch("/configuracoes", {field: value})).status_code for value in (least, most)]
    refused = [await admin.patch("/configuracoes", {field: value}) for value in (least - 1, most + 1)]

    assert accepted == [200, 200]
    assert [(answer.status_code, answer.json()["errors"][0]["field"]) for answer in refused] == [(422, field)] * 2
    assert (await admin.get("/configuracoes")).json()[field] == most


async def test_every_wrong_field_is_named_at_once(hospital: Hospital) -> None:
    admin = await hospital.signed_in()
    body = {"toleranciaAtrasoMinutos": 1.5, "exigirIfMatch": "sim", "validadeDoPesoDias": None, "fuso": "UTC"}

    answer = await admin.patch("/configuracoes", body)

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == set(body)


async def test_a_hospital_that_asks_for_if_match_gets_no_edit_without_it(new_hospital: Hospital) -> None:
    tutor, admin = await new_hospital.tutor(), await new_hospital.signed_in()
    await admin.patch("/configuracoes", {"exigirIfMatch": True})

    without = await admin.patch(f"/tutores/{tutor['id']}", {"nome": "Ana"})
    itself = await admin.patch("/configuracoes", {"exigirIfMatch": False})
    with_it = await admin.patch("/configuracoes", {"exigirIfMatch": False}, if_match='"2"')

    assert (without.status_code, itself.status_code, with_it.status_code) == (428, 428, 200)
    assert (await admin.patch(f"/tutores/{tutor['id']}", {"nome": "Ana"})).status_code == 200


async def test_a_role_without_the_permission_is_told_which(hospital: Hospital) -> None:
    vet = await hospital.signed_in("Veterinário")

    read, written = await vet.get("/configuracoes"), await vet.patch("/configuracoes", {"exigirIfMatch": True})

    assert (read.status_code, read.json()["permissao"]) == (403, "configuracoes:ler")
    assert (written.status_code, written.json()["permissao"]) == (403, "configuracoes:escrever")
