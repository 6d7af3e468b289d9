"""Users: in with a role and a password nobody reads, out at once, never deleted, never the last administrator."""

import asyncio
from typing import Any

import asyncpg

from tests.cast import PASSWORD, Hospital, Person, number

A_PASSWORD = "outra senha segura"


async def role_id(hospital: Hospital, nome: str) -> str:
    [role] = await hospital.sql("select id from {s}.roles where nome = $1", nome)
    return str(role["id"])


async def session_of(hospital: Hospital, user: dict[str, Any]) -> Person:
    return await hospital.sign_in(user["id"], user["email"])


async def alone(hospital: Hospital) -> Person:
    """An administrator beside whom there is no other."""
    admin = await hospital.signed_in()
    await hospital.sql("update {s}.users set ativo = false where id <> $1", admin.id)
    return admin


async def test_a_user_is_kept_as_given_in_normal_form_and_without_the_password(new_hospital: Hospital) -> None:
    vet, nurse = await role_id(new_hospital, "Veterinário"), await role_id(new_hospital, "Enfermeiro")

    made = await new_hospital.user(
        nome="Ana Conceição",
        email="Ana@Exemplo.com.br",
        senha=A_PASSWORD,
        roleIds=[vet, nurse],
        telefone="(11) 98765-4321",
        crmv="012.345",
        crmvUf="sp",
    )

    assert set(made) == {
        "id",
        "nome",
        "email",
        "telefone",
        "crmv",
        "crmvUf",
        "ativo",
        "roles",
        "senhaTrocadaEm",
        "createdAt",
        "updatedAt",
        "versao",
    }
    assert (made["email"], made["telefone"]) == ("ana@exemplo.com.br", "+5511987654321")
    assert (made["crmv"], made["crmvUf"], made["ativo"], made["senhaTrocadaEm"]) == ("12345", "SP", True, None)
    assert made["roles"] == [{"id": nurse, "nome": "Enfermeiro"}, {"id": vet, "nome": "Veterinário"}]
    read = await (await new_hospital.signed_in()).get(f"/users/{made['id']}")
    assert (read.json(), read.headers["etag"]) == (made, '"1"')
    [stored] = await new_hospital.sql("select senha_hash from {s}.users where id = $1", made["id"])
    assert stored["senha_hash"].startswith("$argon2id$")
    assert await new_hospital.stage.runtime.passwords.verify(A_PASSWORD, stored["senha_hash"]) == (True, None)


async def test_users_are_found_by_name_or_email_without_accents_and_by_role_and_state(new_hospital: Hospital) -> None:
    admin, role = await new_hospital.signed_in(), await new_hospital.role()
    joao = await new_hospital.user(nome="João Araújo", email="plantao.noite@exemplo.com.br", roleIds=[role["id"]])
    maria = await new_hospital.user(nome="Maria Lima")
    await admin.post(f"/users/{maria['id']}/desativar", {"motivo": "saiu do hospital"})

    async def found(**asked: Any) -> list[str]:
        answer = (await admin.get("/users", **asked)).json()
        assert answer["meta"]["total"] == len(answer["data"])
        return [user["id"] for user in answer["data"]]

    assert await found(busca="joao ARAUJO") == [joao["id"]]
    assert await found(busca="plantão.noite@") == [joao["id"]]
    assert await found(busca="100%") == []
    assert await found(roleId=role["id"]) == [joao["id"]]
    assert await found(ativo="false") == [maria["id"]]
    assert maria["id"] not in await found(ativo="true")
    assert {joao["id"], maria["id"]} <= set(await found())
    assert (await admin.get("/users", limit=1)).json()["meta"] == {"total": 4, "page": 1, "lastPage": 4}


async def test_every_wrong_field_is_named_at_once(hospital: Hospital) -> None:
    admin = await hospital.signed_in()

    answer = await admin.post(
        "/users",
        {"nome": " ", "email": "ana@", "senha": "curta", "roleIds": [], "crmv": "abc", "crmvUf": "XX", "ativo": False},
    )

    assert answer.status_code == 422
    named = {error["field"] for error in answer.json()["errors"]}
    assert named == {"nome", "email", "senha", "roleIds", "crmv", "crmvUf", "ativo"}
    assert "curta" not in answer.text


async def test_a_role_that_is_not_there_is_named_by_its_place(hospital: Hospital, other_hospital: Hospital) -> None:
    admin, user = await hospital.signed_in(), await hospital.user()
    mine, theirs = await role_id(hospital, "Financeiro"), await role_id(other_hospital, "Financeiro")
    body = {"nome": "Ana", "email": f"ana{number()}@exemplo.com.br", "senha": A_PASSWORD, "roleIds": [mine, theirs]}

    created = await admin.post("/users", body)
    patched = await admin.patch(f"/users/{user['id']}", {"roleIds": [theirs]})

    assert (created.status_code, [error["field"] for error in created.json()["errors"]]) == (422, ["roleIds[1]"])
    assert (patched.status_code, [error["field"] for error in patched.json()["errors"]]) == (422, ["roleIds[0]"])
    assert (await admin.get(f"/users/{user['id']}")).json() == user


async def test_a_crmv_comes_with_its_state_or_not_at_all(hospital: Hospital) -> None:
    admin, role = await hospital.signed_in(), await role_id(hospital, "Veterinário")
    vet = await hospital.user(roleIds=[role], crmv="12345", crmvUf="SP")
    body = {"nome": "Ana", "email": f"ana{number()}@exemplo.com.br", "senha": A_PASSWORD, "roleIds": [role]}

    without_state = await admin.post("/users", body | {"crmv": "12345"})
    without_number = await admin.post("/users", body | {"crmvUf": "SP"})
    half = await admin.patch(f"/users/{vet['id']}", {"crmvUf": None})
    moved = await admin.patch(f"/users/{vet['id']}", {"crmvUf": "RJ"})
    gone = await admin.patch(f"/users/{vet['id']}", {"crmv": None, "crmvUf": None})

    assert [error["field"] for error in without_state.json()["errors"]] == ["crmvUf"]
    assert [error["field"] for error in without_number.json()["errors"]] == ["crmv"]
    assert (half.status_code, [error["field"] for error in half.json()["errors"]]) == (422, ["crmvUf"])
    assert (moved.json()["crmv"], moved.json()["crmvUf"]) == ("12345", "RJ")
    assert (gone.json()["crmv"], gone.json()["crmvUf"]) == (None, None)


async def test_an_email_is_of_one_user_in_a_hospital_and_free_in_the_next(
    hospital: Hospital, other_hospital: Hospital
) -> None:
    admin, first = await hospital.signed_in(), await hospital.user()
    second = await hospital.user()
    role = await role_id(hospital, "Financeiro")
    body = {"nome": "Outra", "email": first["email"].upper(), "senha": A_PASSWORD, "roleIds": [role]}

    again = await admin.post("/users", body)
    taken = await admin.patch(f"/users/{second['id']}", {"email": first["email"]})

    assert (again.status_code, again.json()["type"]) == (409, "/problemas/email-em-uso")
    assert (taken.status_code, taken.json()["type"]) == (409, "/problemas/email-em-uso")
    assert (await other_hospital.user(email=first["email"]))["email"] == first["email"]


async def test_a_patch_replaces_the_roles_and_counts_as_an_edit(hospital: Hospital) -> None:
    admin, user = await hospital.signed_in(), await hospital.user()
    vet, nurse = await role_id(hospital, "Veterinário"), await role_id(hospital, "Enfermeiro")
    path = f"/users/{user['id']}"

    both = await admin.patch(path, {"roleIds": [vet, nurse, vet]})
    one = await admin.patch(path, {"roleIds": [nurse], "nome": "Carla Lima"}, if_match='"2"')
    nothing = await admin.patch(path, {})

    assert [role["nome"] for role in both.json()["roles"]] == ["Enfermeiro", "Veterinário"]
    assert (both.json()["versao"], both.headers["etag"]) == (2, '"2"')
    assert [role["nome"] for role in one.json()["roles"]] == ["Enfermeiro"]
    assert (one.json()["nome"], one.json()["versao"]) == ("Carla Lima", 3)
    assert nothing.json() == one.json()


async def test_a_stale_edit_is_refused_and_changes_nothing(hospital: Hospital) -> None:
    admin, user = await hospital.signed_in(), await hospital.user()
    path, nurse = f"/users/{user['id']}", await role_id(hospital, "Enfermeiro")

    first = await admin.patch(path, {"nome": "Primeira"}, if_match='"1"')
    stale = await admin.patch(path, {"nome": "Segunda", "roleIds": [nurse]}, if_match='"1"')

    assert (first.status_code, stale.status_code, stale.json()["type"]) == (200, 412, "/problemas/precondition-failed")
    assert (await admin.get(path)).json() == first.json()


async def test_the_password_is_not_patched_and_nobody_is_deleted(hospital: Hospital) -> None:
    admin, user = await hospital.signed_in(), await hospital.user()
    path = f"/users/{user['id']}"

    patched = await admin.patch(path, {"senha": A_PASSWORD, "ativo": False})

    assert (patched.status_code, {error["field"] for error in patched.json()["errors"]}) == (422, {"senha", "ativo"})
    assert (await admin.delete(path)).status_code == 405


async def test_who_is_deactivated_is_out_at_once_and_comes_back_with_a_new_session(hospital: Hospital) -> None:
    admin, user = await hospital.signed_in(), await hospital.user()
    person, path = await session_of(hospital, user), f"/users/{user['id']}"
    assert (await person.get("/pets")).status_code == 200

    done = await admin.post(f"{path}/desativar", {"motivo": "férias"})
    again = await admin.post(f"{path}/desativar", {"motivo": "férias"})

    assert (done.status_code, done.json()["ativo"], done.json()["versao"]) == (200, False, 2)
    assert (again.status_code, again.json()["type"]) == (409, "/problemas/usuario-ja-desativado")
    out = await person.get("/pets")
    assert (out.status_code, out.json()["type"]) == (401, "/problemas/sessao-encerrada")
    [session] = await hospital.sql(
        "select revogada_em, motivo_revogacao from {s}.sessoes where user_id = $1", user["id"]
    )
    assert (session["revogada_em"] is not None, session["motivo_revogacao"]) == (True, "desativacao")

    back = await admin.post(f"{path}/reativar")
    twice = await admin.post(f"{path}/reativar")

    assert (back.status_code, back.json()["ativo"], back.json()["roles"]) == (200, True, user["roles"])
    assert (twice.status_code, twice.json()["type"]) == (409, "/problemas/usuario-ja-ativo")
    assert (await person.get("/pets")).status_code == 401
    assert (await (await session_of(hospital, user)).get("/pets")).status_code == 200
    events = await hospital.sql(
        "select tipo, ator_id, dados->>'motivo' as motivo from {s}.eventos where dados->>'id' = $1 order by id",
        user["id"],
    )
    assert [tuple(event) for event in events] == [
        ("usuario-desativado", admin.id, "férias"),
        ("usuario-reativado", admin.id, None),
    ]


async def test_a_new_password_ends_the_sessions_of_the_old_one(hospital: Hospital) -> None:
    admin, user = await hospital.signed_in(), await hospital.user()
    person, bystander = await session_of(hospital, user), await hospital.signed_in("Financeiro")

    done = await admin.post(f"/users/{user['id']}/senha", {"novaSenha": A_PASSWORD})

    assert (done.status_code, done.content) == (204, b"")
    assert (await person.get("/pets")).status_code == 401
    assert (await bystander.get("/pets")).status_code == 200
    [stored] = await hospital.sql("select senha_hash from {s}.users where id = $1", user["id"])
    passwords = hospital.stage.runtime.passwords
    assert (await passwords.verify(A_PASSWORD, stored["senha_hash"]))[0]
    assert not (await passwords.verify(PASSWORD, stored["senha_hash"]))[0]
    assert (await admin.get(f"/users/{user['id']}")).json()["senhaTrocadaEm"] is not None


async def test_the_last_administrator_can_neither_go_nor_lose_the_role(new_hospital: Hospital) -> None:
    admin = await alone(new_hospital)
    path, vet = f"/users/{admin.id}", await role_id(new_hospital, "Veterinário")

    gone = await admin.post(f"{path}/desativar", {"motivo": "saiu do hospital"})
    demoted = await admin.patch(path, {"roleIds": [vet]})

    for refused in (gone, demoted):
        assert (refused.status_code, refused.json()["type"]) == (409, "/problemas/ultimo-administrador")
    still = (await admin.get(path)).json()
    assert (still["ativo"], [role["nome"] for role in still["roles"]]) == (True, ["Administrador"])


async def test_the_last_administrator_may_take_another_role_beside_it(new_hospital: Hospital) -> None:
    admin = await alone(new_hospital)
    roles = [await role_id(new_hospital, nome) for nome in ("Veterinário", "Administrador")]

    answer = await admin.patch(f"/users/{admin.id}", {"roleIds": roles})

    assert [role["nome"] for role in answer.json()["roles"]] == ["Administrador", "Veterinário"]


async def test_of_two_administrators_who_remove_each_other_at_once_one_remains(new_hospital: Hospital) -> None:
    one, other = await alone(new_hospital), await new_hospital.signed_in(new=True)
    stage, body = new_hospital.stage, {"motivo": "abuso de acesso"}
    # Both are held inside their transactions, past every check of their own, and then let go together.
    holder = await asyncpg.connect(stage.owner_url)
    turnstile = holder.transaction()
    await turnstile.start()
    await holder.execute(f"select from {new_hospital.schema}.configuracoes for update")
    calls = asyncio.gather(
        one.post(f"/users/{other.id}/desativar", body), other.post(f"/users/{one.id}/desativar", body)
    )
    while len(await blocked(new_hospital)) < 2:
        assert not calls.done()
    await turnstile.rollback()
    await holder.close()

    answers = await calls

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    [refused] = [answer for answer in answers if answer.status_code == 409]
    assert refused.json()["type"] == "/problemas/ultimo-administrador"
    left = await new_hospital.sql("select id from {s}.users where ativo")
    winner = one if answers[0].status_code == 200 else other
    assert [row["id"] for row in left] == [winner.id]
    assert (await winner.get("/users")).status_code == 200


async def blocked(hospital: Hospital) -> list[Any]:
    """The application's connections that wait for a lock."""
    return await hospital.sql(
        "select pid from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0"
    )


async def test_other_roles_feel_a_change_of_role_with_the_next_call(hospital: Hospital) -> None:
    admin, user = await hospital.signed_in(), await hospital.user()
    person, path = await session_of(hospital, user), f"/users/{user['id']}"
    assert (await person.get("/tutores")).status_code == 403

    await admin.patch(path, {"roleIds": [await role_id(hospital, "Recepcionista")]})
    gained = await person.get("/tutores")
    await admin.patch(path, {"roleIds": [user["roles"][0]["id"]]})
    lost = await person.get("/tutores")

    assert (gained.status_code, lost.status_code, lost.json()["permissao"]) == (200, 403, "tutores:ler")


async def answers_to_every_verb(person: Person, user: dict[str, Any]) -> dict[str, tuple[int, Any]]:
    """What each verb says to this person: the status, and the permission that was missing."""
    path = f"/users/{user['id']}"
    body = {"nome": "Ana", "email": "ana@exemplo.com.br", "senha": A_PASSWORD, "roleIds": [user["roles"][0]["id"]]}
    answers = {
        "search": await person.get("/users"),
        "create": await person.post("/users", body),
        "find": await person.get(path),
        "update": await person.patch(path, {"nome": "Meu"}),
        "desativar": await person.post(f"{path}/desativar", {"motivo": "quero"}),
        "reativar": await person.post(f"{path}/reativar"),
        "senha": await person.post(f"{path}/senha", {"novaSenha": A_PASSWORD}),
    }
    return {verb: (answer.status_code, answer.json().get("permissao")) for verb, answer in answers.items()}


async def test_a_role_without_the_permission_is_told_which(hospital: Hospital) -> None:
    user, vet = await hospital.user(), await hospital.signed_in("Veterinário")

    answers = await answers_to_every_verb(vet, user)

    reads = {"search", "find"}
    assert answers == {verb: (403, "users:ler" if verb in reads else "users:escrever") for verb in answers}


async def test_another_hospital_knows_nothing_of_them(hospital: Hospital, other_hospital: Hospital) -> None:
    user, neighbour = await hospital.user(), await other_hospital.signed_in()
    person = await session_of(hospital, user)

    answers = await answers_to_every_verb(neighbour, user)

    assert {verb: status for verb, (status, _) in answers.items() if verb not in {"search", "create"}} == {
        "find": 404,
        "update": 404,
        "desativar": 404,
        "reativar": 404,
        "senha": 404,
    }
    assert answers["create"][0] == 422
    assert (await neighbour.get("/users", busca=user["email"])).json()["data"] == []
    assert (await person.get("/pets")).status_code == 200
