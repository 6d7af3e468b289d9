"""Auditoria: the database writes down every change by itself, and nobody in the hospital can mend it."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import TextClause, text

from tests.cast import Hospital, Person
from zoapets.common.ids import new_id
from zoapets.core.database import UnitOfWork, finishing
from zoapets.core.statements import query
from zoapets.core.tenancy import tenant_gate
from zoapets.modules.auditoria import queries


async def about(hospital: Hospital, record: dict[str, Any], **asked: Any) -> list[dict[str, Any]]:
    """What is written about a record, the newest first."""
    answer = await (await hospital.signed_in()).get("/auditoria", registroId=record["id"], **asked)
    assert answer.status_code == 200, answer.text
    lines: list[dict[str, Any]] = answer.json()["data"]
    return lines


async def test_an_edit_shows_who_whence_and_the_changed_columns_only(hospital: Hospital) -> None:
    tutor, clerk = await hospital.tutor(nome="Ana Lima"), await hospital.signed_in("Recepcionista")

    await clerk.patch(f"/tutores/{tutor['id']}", {"nome": "Ana Souza"}, x_request_id="pedido-42")

    [edit, insertion] = await about(hospital, tutor)
    assert set(edit) == {
        "id",
        "em",
        "ator",
        "origem",
        "requisicaoId",
        "tabela",
        "acao",
        "registroId",
        "registros",
        "antes",
        "depois",
    }
    assert (edit["tabela"], edit["acao"], edit["registroId"]) == ("tutores", "alterar", tutor["id"])
    assert (edit["ator"]["id"], edit["ator"]["nome"]) == (str(clerk.id), f"Recepcionista {clerk.id.hex[-4:]}")
    assert (edit["origem"], edit["requisicaoId"], edit["registros"]) == ("127.0.0.1", "pedido-42", None)
    assert set(edit["antes"]) == set(edit["depois"]) == {"nome", "updated_at", "versao"}
    assert (edit["antes"]["nome"], edit["depois"]["nome"]) == ("Ana Lima", "Ana Souza")
    assert (edit["antes"]["versao"], edit["depois"]["versao"]) == (1, 2)
    assert (insertion["acao"], insertion["antes"], insertion["depois"]["nome"]) == ("inserir", None, "Ana Lima")
    assert edit["id"] > insertion["id"]


async def test_what_changed_nothing_is_not_written_down(hospital: Hospital) -> None:
    tutor, admin = await hospital.tutor(), await hospital.signed_in()

    await admin.patch(f"/tutores/{tutor['id']}", {"nome": " "})
    await admin.patch(f"/tutores/{tutor['id']}", {"nome": "Ana"}, if_match='"9"')

    assert [line["acao"] for line in await about(hospital, tutor)] == ["inserir"]


async def test_a_password_leaves_its_date_and_no_hash(hospital: Hospital) -> None:
    user, admin = await hospital.user(), await hospital.signed_in()

    await admin.post(f"/users/{user['id']}/senha", {"novaSenha": "outra senha segura"})

    [change] = await about(hospital, user, tabela="users", acao="alterar")
    assert set(change["depois"]) == {"senha_trocada_em", "updated_at", "versao"}
    everything = (await admin.get("/auditoria", limit=100)).text
    assert "argon2" not in everything
    assert "hash" not in everything


async def test_roles_given_together_are_found_under_who_got_them(hospital: Hospital) -> None:
    roles = [await hospital.role(), await hospital.role()]
    user = await hospital.user(roleIds=[role["id"] for role in roles])

    [given] = await about(hospital, user, tabela="user_roles")

    assert (given["acao"], given["registroId"], given["registros"]) == ("inserir", None, [user["id"]] * 2)
    assert {row["role_id"] for row in given["depois"]} == {role["id"] for role in roles}


async def test_the_filters_narrow_and_go_together(new_hospital: Hospital) -> None:
    admin, clerk = await new_hospital.signed_in(), await new_hospital.signed_in("Recepcionista")
    first, second = await new_hospital.tutor(), await new_hospital.tutor()
    await clerk.patch(f"/tutores/{first['id']}", {"nome": "Ana"})
    await admin.patch(f"/tutores/{second['id']}", {"nome": "Bia"})
    [edit] = (await admin.get("/auditoria", atorId=clerk.id)).json()["data"]
    at = datetime.fromisoformat(edit["em"])

    async def found(**asked: Any) -> list[tuple[str, str]]:
        lines = (await admin.get("/auditoria", **asked)).json()["data"]
        return [(line["registroId"], line["acao"]) for line in lines]

    assert edit["registroId"] == first["id"]
    assert await found(tabela="tutores", acao="inserir") == [(second["id"], "inserir"), (first["id"], "inserir")]
    assert await found(tabela="tutores", acao="alterar", atorId=admin.id) == [(second["id"], "alterar")]
    assert await found(tabela="tutores", desde=edit["em"]) == [(second["id"], "alterar"), (first["id"], "alterar")]
    assert await found(tabela="tutores", ate=edit["em"]) == [(second["id"], "inserir"), (first["id"], "inserir")]
    assert await found(desde=(at + timedelta(days=1)).isoformat()) == []
    assert await found(tabela="pets") == []
    assert await found(registroId=str(new_id())) == []


async def test_pages_go_back_by_number_or_from_the_last_id_seen(new_hospital: Hospital) -> None:
    admin = await new_hospital.signed_in()
    tutores = [(await new_hospital.tutor())["id"] for _ in range(5)]

    async def page(**asked: Any) -> Any:
        return (await admin.get("/auditoria", tabela="tutores", limit=2, **asked)).json()

    first, second = await page(), await page(page=2)
    after = await page(antesDe=first["data"][-1]["id"])

    assert first["meta"] == {"total": 5, "page": 1, "lastPage": 3}
    assert [line["registroId"] for line in first["data"] + second["data"]] == tutores[:0:-1]
    assert after["data"] == second["data"]
    assert after["meta"] == {"total": 3, "page": 1, "lastPage": 2}
    assert [line["registroId"] for line in (await page(page=3))["data"]] == tutores[:1]


async def test_beyond_ten_thousand_nothing_is_counted_and_pages_go_on_by_id(new_hospital: Hospital) -> None:
    admin = await new_hospital.signed_in()
    await new_hospital.sql(
        "insert into {s}.auditoria (em, tabela, acao) select now(), 'pets', 'alterar' from generate_series(1, 10005)"
    )

    first = (await admin.get("/auditoria", tabela="pets", limit=100)).json()
    last = await admin.get("/auditoria", tabela="pets", limit=100, page=100)
    beyond = await admin.get("/auditoria", tabela="pets", limit=100, page=101)
    rest = (await admin.get("/auditoria", tabela="pets", limit=100, antesDe=last.json()["data"][-1]["id"])).json()

    assert (first["meta"]["total"], len(last.json()["data"])) == (queries.MOST_COUNTED + 1, 100)
    assert (beyond.status_code, [error["field"] for error in beyond.json()["errors"]]) == (422, ["page"])
    assert "antesDe" in beyond.json()["errors"][0]["message"]
    assert (len(rest["data"]), rest["meta"]["total"]) == (5, 5)


async def test_an_unfit_filter_is_named(hospital: Hospital) -> None:
    admin = await hospital.signed_in()
    asked = {"acao": "apagar", "atorId": "eu", "desde": "2026-03-02T10:00:00", "ate": "ontem", "antesDe": 0, "quem": 1}

    answer = await admin.get("/auditoria", **asked)

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == set(asked)


def forgeries() -> list[TextClause]:
    return [
        text("insert into auditoria (em, tabela, acao) values (now(), 'pets', 'inserir')"),
        text("update auditoria set ator_id = null"),
        text("delete from auditoria"),
        text("truncate auditoria"),
        text("alter table tutores disable trigger all"),
        text("drop trigger auditar_alteracao on tutores"),
    ]


@pytest.mark.parametrize("statement", forgeries(), ids=str)
async def test_a_hospital_cannot_write_or_mend_what_is_written(hospital: Hospital, statement: TextClause) -> None:
    gate = tenant_gate(hospital.schema, read_only=False)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with finishing(UnitOfWork(hospital.stage.runtime.pool, gate)) as db:
            await db.run(query(statement))


async def test_nothing_under_auditoria_takes_a_write(hospital: Hospital) -> None:
    admin = await hospital.signed_in()

    answers: list[httpx.Response] = [
        await admin.post("/auditoria", {}),
        await admin.patch("/auditoria", {}),
        await admin.delete("/auditoria"),
    ]

    assert [answer.status_code for answer in answers] == [405, 405, 405]


async def test_a_role_without_the_permission_is_told_which(hospital: Hospital) -> None:
    vet: Person = await hospital.signed_in("Veterinário")

    answer = await vet.get("/auditoria")

    assert (answer.status_code, answer.json()["permissao"]) == (403, "auditoria:ler")


async def test_another_hospital_sees_none_of_it(hospital: Hospital, other_hospital: Hospital) -> None:
    tutor = await hospital.tutor()

    assert [line["acao"] for line in await about(hospital, tutor)] == ["inserir"]
    assert await about(other_hospital, tutor) == []
