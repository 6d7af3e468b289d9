"""The house: unidades hold alas, alas hold beds; nothing is put away while something is in it."""

import asyncio
from typing import Any

import pytest

from tests.cast import Hospital, Person

ROOMS = ("unidades", "alas", "leitos")


async def made(hospital: Hospital, room: str) -> dict[str, Any]:
    match room:
        case "unidades":
            return await hospital.unidade()
        case "alas":
            return await hospital.ala()
    return await hospital.leito()


async def test_a_bed_is_shown_with_its_ward_and_unit(new_hospital: Hospital) -> None:
    unidade = await new_hospital.unidade(nome="Matriz", endereco="Rua das Flores, 10")
    ala = await new_hospital.ala(unidadeId=unidade["id"], nome="UTI", isolamento=True)
    leito = await new_hospital.leito(alaId=ala["id"], codigo="UTI-1")

    read = await (await new_hospital.signed_in("Enfermeiro")).get(f"/leitos/{leito['id']}")

    assert read.json() == leito
    assert read.headers["etag"] == '"1"'
    assert leito["ala"] == {"id": ala["id"], "nome": "UTI", "isolamento": True}
    assert leito["unidade"] == ala["unidade"] == {"id": unidade["id"], "nome": "Matriz"}
    assert (leito["situacao"], leito["ocupado"]) == ("livre", False)


async def test_the_lists_filter_by_where_and_how(new_hospital: Hospital) -> None:
    first, second = await new_hospital.ala(nome="Observação"), await new_hospital.ala(nome="Gatil", isolamento=True)
    free, blocked, taken = [
        await new_hospital.leito(alaId=ala["id"], codigo=codigo)
        for ala, codigo in ((first, "A1"), (first, "A2"), (second, "B1"))
    ]
    admin = await new_hospital.signed_in()
    await admin.patch(f"/leitos/{blocked['id']}", {"situacao": "bloqueado"})
    await new_hospital.internacao(leitoId=taken["id"])

    async def codes(**asked: str) -> list[str]:
        return [row["codigo"] for row in (await admin.get("/leitos", **asked)).json()["data"]]

    assert await codes() == ["A1", "A2", "B1"]
    assert await codes(alaId=first["id"]) == ["A1", "A2"]
    assert await codes(unidadeId=second["unidade"]["id"]) == ["B1"]
    assert await codes(situacao="bloqueado") == ["A2"]
    assert (await codes(ocupado="true"), await codes(ocupado="false", situacao="livre")) == (["B1"], ["A1"])
    assert await codes(busca="b") == ["B1"]
    alas = (await admin.get("/alas", busca="OBSERVACAO")).json()["data"]
    assert [ala["id"] for ala in alas] == [first["id"]]
    assert [ala["nome"] for ala in (await admin.get("/alas", isolamento="true")).json()["data"]] == ["Gatil"]
    assert [ala["nome"] for ala in (await admin.get("/alas", unidadeId=first["unidade"]["id"])).json()["data"]] == [
        "Observação"
    ]
    units = (await admin.get("/unidades", busca=free["unidade"]["nome"].upper())).json()["data"]
    assert [unit["id"] for unit in units] == [free["unidade"]["id"]]


@pytest.mark.parametrize(
    ("room", "code", "problem"),
    [
        ("unidades", "nome", "unidade-ja-cadastrada"),
        ("alas", "nome", "ala-ja-cadastrada"),
        ("leitos", "codigo", "leito-ja-cadastrado"),
    ],
)
async def test_a_name_is_taken_once(hospital: Hospital, room: str, code: str, problem: str) -> None:
    first, admin = await made(hospital, room), await hospital.signed_in()
    parent = {"alas": ("unidadeId", "unidade"), "leitos": ("alaId", "ala")}.get(room)
    body = {code: first[code]} | ({parent[0]: first[parent[1]]["id"]} if parent else {})

    again = await admin.post(f"/{room}", body)

    assert (again.status_code, again.json()["type"]) == (409, f"/problemas/{problem}")


async def test_the_house_is_put_away_from_the_inside_out(hospital: Hospital) -> None:
    leito, admin = await hospital.leito(), await hospital.signed_in()
    paths = [f"/unidades/{leito['unidade']['id']}", f"/alas/{leito['ala']['id']}", f"/leitos/{leito['id']}"]
    why = {"motivo": "reforma"}

    unidade, ala = [await admin.delete(path, why) for path in paths[:2]]
    inside_out = [(await admin.delete(path, why)).status_code for path in reversed(paths)]
    again = [(await admin.delete(path, why)).status_code for path in reversed(paths)]

    assert (unidade.status_code, unidade.json()["type"]) == (409, "/problemas/unidade-tem-alas")
    assert (ala.status_code, ala.json()["type"]) == (409, "/problemas/ala-tem-leitos")
    assert (inside_out, again) == ([204] * 3, [409] * 3)
    into_ala = await admin.post("/leitos", {"alaId": leito["ala"]["id"], "codigo": leito["codigo"]})
    into_unidade = await admin.post("/alas", {"unidadeId": leito["unidade"]["id"], "nome": "Nova"})
    assert [into.json()["errors"][0]["field"] for into in (into_ala, into_unidade)] == ["alaId", "unidadeId"]


async def test_a_bed_with_a_patient_is_neither_blocked_nor_put_away(hospital: Hospital) -> None:
    stay, admin = await hospital.internacao(), await hospital.signed_in()
    path = f"/leitos/{stay['leitoId']}"

    assert (await admin.get(path)).json()["ocupado"] is True
    refused = [
        await admin.patch(path, {"situacao": "bloqueado"}),
        await admin.patch(path, {"situacao": "higienizacao"}),
        await admin.delete(path, {"motivo": "quebrado"}),
    ]
    renamed = await admin.patch(path, {"codigo": f"{stay['leito']['codigo']}-b", "situacao": "livre"})
    assert (await admin.post(f"/internacoes/{stay['id']}/alta")).status_code == 200
    cleaned = await admin.patch(path, {"situacao": "higienizacao"})

    assert {(answer.status_code, answer.json()["type"]) for answer in refused} == {(409, "/problemas/leito-ocupado")}
    assert (renamed.status_code, cleaned.status_code) == (200, 200)
    assert (cleaned.json()["situacao"], cleaned.json()["ocupado"]) == ("higienizacao", False)


async def test_a_bed_moves_to_another_ward(hospital: Hospital) -> None:
    leito, ala, admin = await hospital.leito(), await hospital.ala(), await hospital.signed_in()

    moved = await admin.patch(f"/leitos/{leito['id']}", {"alaId": ala["id"]})

    assert (moved.status_code, moved.json()["ala"]["id"]) == (200, ala["id"])


async def test_a_ward_is_not_put_away_while_a_bed_is_being_made_in_it(hospital: Hospital) -> None:
    admin = await hospital.signed_in()

    async def race() -> tuple[int, int]:
        ala = await hospital.ala()
        bed, gone = await asyncio.gather(
            admin.post("/leitos", {"alaId": ala["id"], "codigo": f"C-{ala['id']}"}),
            admin.delete(f"/alas/{ala['id']}", {"motivo": "reforma"}),
        )
        return bed.status_code, gone.status_code

    assert {await race() for _ in range(8)} <= {(201, 409), (422, 204)}


@pytest.mark.parametrize("room", ROOMS)
async def test_a_stale_edit_is_refused(hospital: Hospital, room: str) -> None:
    first, admin = await made(hospital, room), await hospital.signed_in()
    field = "codigo" if room == "leitos" else "nome"
    path = f"/{room}/{first['id']}"

    edits = [await admin.patch(path, {field: f"{first[field]} {n}"}, if_match='"1"') for n in (1, 2)]

    assert [edit.status_code for edit in edits] == [200, 412]


@pytest.mark.parametrize("room", ROOMS)
async def test_only_who_may_change_the_house_does(hospital: Hospital, room: str) -> None:
    first, nurse = await made(hospital, room), await hospital.signed_in("Enfermeiro")
    path = f"/{room}/{first['id']}"

    async def refusals(person: Person) -> set[tuple[int, str]]:
        answers = [
            await person.post(f"/{room}", {}),
            await person.patch(path, {}),
            await person.delete(path, {"motivo": "quero"}),
        ]
        return {(answer.status_code, answer.json()["permissao"]) for answer in answers}

    assert (await nurse.get(path)).status_code == 200
    assert await refusals(nurse) == {(403, "leitos:escrever")}
    assert (await (await hospital.signed_in("Financeiro")).get(path)).status_code == 403


@pytest.mark.parametrize("room", ROOMS)
async def test_another_hospital_knows_nothing_of_it(hospital: Hospital, other_hospital: Hospital, room: str) -> None:
    first, neighbour = await made(hospital, room), await other_hospital.signed_in()
    path = f"/{room}/{first['id']}"
    inside = {
        "alas": {"unidadeId": first.get("unidade", {}).get("id")},
        "leitos": {"alaId": first.get("ala", {}).get("id")},
    }

    answers = [
        await neighbour.get(path),
        await neighbour.patch(path, {}),
        await neighbour.delete(path, {"motivo": "quero"}),
    ]
    if room in inside:
        answers.append(await neighbour.post(f"/{room}", {"nome" if room == "alas" else "codigo": "Z"} | inside[room]))

    assert {answer.status_code for answer in answers} == {404}


async def test_a_nurse_says_that_a_bed_is_clean_and_makes_no_beds(hospital: Hospital) -> None:
    bed, nurse = await hospital.leito(situacao="higienizacao"), await hospital.signed_in("Enfermeiro")

    said = await nurse.post(f"/leitos/{bed['id']}/situacao", {"situacao": "livre"})
    wrong = await nurse.post(f"/leitos/{bed['id']}/situacao", {"situacao": "ocupado"})

    assert (said.status_code, said.json()["situacao"]) == (200, "livre")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "situacao")
    assert (await nurse.patch(f"/leitos/{bed['id']}", {"codigo": "X"})).status_code == 403
