"""Tenants: those who run the installation suspend a hospital and let it in again, and no hospital can."""

import asyncio

import pytest

from tests.cast import Hospital, Person, Stage
from zoapets.common.ids import new_id

LIST = "/plataforma/tenants"
REASON = {"motivo": "mensalidade em atraso"}


@pytest.fixture
async def new_platform(stage: Stage) -> Hospital:
    """A tenant of those who run the installation."""
    return await stage.hospital(platform=True)


async def runner(platform: Hospital) -> Person:
    """Somebody who runs the installation."""
    return await platform.signed_in("Plataforma")


async def test_the_list_shows_every_tenant_and_nothing_of_its_insides(
    new_platform: Hospital, new_hospital: Hospital
) -> None:
    person = await runner(new_platform)
    await person.post(f"{LIST}/{new_hospital.id}/suspender", REASON)

    first = (await person.get(LIST, limit=1)).json()
    found = {line["id"]: line for line in (await person.get(LIST, limit=100)).json()["data"]}
    suspended = (await person.get(LIST, status="suspenso", limit=100)).json()["data"]

    assert len(first["data"]) == 1
    assert first["meta"]["total"] == first["meta"]["lastPage"] >= 2
    hospital, platform = found[str(new_hospital.id)], found[str(new_platform.id)]
    assert set(hospital) == {"id", "slug", "nome", "status", "tipo", "fuso", "createdAt", "updatedAt"}
    assert (hospital["slug"], hospital["status"], hospital["tipo"]) == (new_hospital.slug, "suspenso", "hospital")
    assert (platform["status"], platform["tipo"]) == ("ativo", "plataforma")
    assert str(new_hospital.id) in {line["id"] for line in suspended}
    assert {line["status"] for line in suspended} == {"suspenso"}


async def test_a_suspended_hospital_is_shut_at_once_and_opens_as_it_was(
    new_platform: Hospital, new_hospital: Hospital, hospital: Hospital
) -> None:
    person, admin = await runner(new_platform), await new_hospital.signed_in()
    bystander, path = await hospital.signed_in(), f"{LIST}/{new_hospital.id}"
    tutor = await new_hospital.tutor()

    done = await person.post(f"{path}/suspender", REASON)
    again = await person.post(f"{path}/suspender", REASON)

    assert (done.status_code, done.json()["status"]) == (200, "suspenso")
    assert (again.status_code, again.json()["type"]) == (409, "/problemas/hospital-ja-suspenso")
    shut = await admin.get(f"/tutores/{tutor['id']}")
    assert (shut.status_code, shut.json()["type"]) == (403, "/problemas/hospital-suspenso")
    assert (await bystander.get("/tutores")).status_code == 200

    back = await person.post(f"{path}/reativar")
    twice = await person.post(f"{path}/reativar")

    assert (back.status_code, back.json()["status"]) == (200, "ativo")
    assert (twice.status_code, twice.json()["type"]) == (409, "/problemas/hospital-ja-ativo")
    assert (await admin.get(f"/tutores/{tutor['id']}")).json() == tutor


async def test_the_platform_remembers_who_suspended_whom_and_why(
    new_platform: Hospital, new_hospital: Hospital
) -> None:
    person, path = await runner(new_platform), f"{LIST}/{new_hospital.id}"

    await person.post(f"{path}/suspender", REASON)
    await person.post(f"{path}/suspender", REASON)
    await person.post(f"{path}/reativar")

    events = await new_platform.sql("select tipo, ator_id, dados->>'id', dados->>'motivo' from {s}.eventos order by id")
    assert [tuple(event) for event in events] == [
        ("tenant-suspenso", person.id, str(new_hospital.id), REASON["motivo"]),
        ("tenant-reativado", person.id, str(new_hospital.id), None),
    ]
    assert await new_hospital.sql("select from {s}.eventos") == []


async def test_of_two_who_suspend_at_once_one_has_done_it(new_platform: Hospital, new_hospital: Hospital) -> None:
    person, path = await runner(new_platform), f"{LIST}/{new_hospital.id}/suspender"

    answers = await asyncio.gather(person.post(path, REASON), person.post(path, REASON))

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(await new_platform.sql("select from {s}.eventos")) == 1


async def test_the_platform_does_not_shut_itself_out(new_platform: Hospital) -> None:
    person = await runner(new_platform)

    answer = await person.post(f"{LIST}/{new_platform.id}/suspender", REASON)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problemas/plataforma-nao-suspende")
    assert (await person.get(LIST)).status_code == 200
    assert await new_platform.sql("select from {s}.eventos") == []


async def test_a_hospital_that_is_not_there_is_not_found_and_a_reason_is_asked_for(
    new_platform: Hospital, hospital: Hospital
) -> None:
    person = await runner(new_platform)

    unknown = [
        await person.post(f"{LIST}/{new_id()}/suspender", REASON),
        await person.post(f"{LIST}/{new_id()}/reativar"),
    ]
    without = await person.post(f"{LIST}/{hospital.id}/suspender", {"motivo": "  "})

    assert [(answer.status_code, answer.json()["type"]) for answer in unknown] == [
        (404, "/problemas/tenant-nao-encontrado")
    ] * 2
    assert (without.status_code, [error["field"] for error in without.json()["errors"]]) == (422, ["motivo"])


async def test_no_hospital_may_do_it_even_if_its_role_says_so(new_hospital: Hospital, other_hospital: Hospital) -> None:
    admin, path = await new_hospital.signed_in(), f"{LIST}/{other_hospital.id}"
    await new_hospital.sql("update {s}.roles set permissoes = permissoes || '{tenants:ler,tenants:escrever}'::text[]")

    answers = [
        await admin.get(LIST),
        await admin.post(f"{path}/suspender", REASON),
        await admin.post(f"{path}/reativar"),
    ]

    assert [(answer.status_code, answer.json()["permissao"]) for answer in answers] == [
        (403, "tenants:ler"),
        (403, "tenants:escrever"),
        (403, "tenants:escrever"),
    ]
    assert (await (await other_hospital.signed_in()).get("/tutores")).status_code == 200
