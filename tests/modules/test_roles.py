"""Roles: the hospital's own names for sets of permissions, felt by their users with the next call."""

from typing import Any

from tests.cast import Hospital, Person, Stage, number
from zoapets.core.permissions import HOSPITAL, PLATFORM


async def test_a_role_is_kept_with_its_permissions_in_order_and_once_each(hospital: Hospital) -> None:
    made = await hospital.role(
        nome=f"Estágio {number()}", descricao="Só olha.", permissoes=["tutores:ler", "pets:ler", "tutores:ler"]
    )

    assert set(made) == {"id", "nome", "descricao", "permissoes", "sistema", "createdAt", "updatedAt", "versao"}
    assert (made["permissoes"], made["sistema"], made["versao"]) == (["pets:ler", "tutores:ler"], False, 1)
    read = await (await hospital.signed_in()).get(f"/roles/{made['id']}")
    assert (read.json(), read.headers["etag"]) == (made, '"1"')


async def test_a_new_hospital_has_the_roles_of_the_house(new_hospital: Hospital) -> None:
    admin = await new_hospital.signed_in()

    page = (await admin.get("/roles")).json()
    found = (await admin.get("/roles", busca="VETERINARIO")).json()["data"]

    assert page["meta"] == {"total": 6, "page": 1, "lastPage": 1}
    assert all(role["sistema"] for role in page["data"])
    assert [role["nome"] for role in found] == ["Veterinário"]


async def test_a_name_is_taken_once(hospital: Hospital) -> None:
    admin, first, second = await hospital.signed_in(), await hospital.role(), await hospital.role()

    again = await admin.post("/roles", {"nome": first["nome"], "permissoes": []})
    renamed = await admin.patch(f"/roles/{second['id']}", {"nome": first["nome"]})

    assert (again.status_code, again.json()["type"]) == (409, "/problemas/nome-de-perfil-em-uso")
    assert (renamed.status_code, renamed.json()["type"]) == (409, "/problemas/nome-de-perfil-em-uso")


async def test_a_permission_that_a_hospital_has_not_is_named_by_its_place(hospital: Hospital) -> None:
    admin, role = await hospital.signed_in(), await hospital.role()
    given = ["pets:ler", "pets:voar", "tenants:escrever"]

    created = await admin.post("/roles", {"nome": f"Perfil {number()}", "permissoes": given})
    patched = await admin.patch(f"/roles/{role['id']}", {"permissoes": given})

    for refused in (created, patched):
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == ["permissoes[1]", "permissoes[2]"]
    assert (await admin.get(f"/roles/{role['id']}")).json() == role


async def test_every_wrong_field_is_named_at_once(hospital: Hospital) -> None:
    admin = await hospital.signed_in()

    answer = await admin.post("/roles", {"nome": " ", "descricao": "", "permissoes": "pets:ler", "sistema": True})

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"nome", "descricao", "permissoes", "sistema"}


async def test_the_list_of_permissions_says_what_each_allows(hospital: Hospital) -> None:
    admin = await hospital.signed_in()

    listed = (await admin.get("/roles/permissoes")).json()

    assert [line["permissao"] for line in listed] == sorted(HOSPITAL)
    assert all(line["permissao"] == f"{line['recurso']}:{line['acao']}" for line in listed)
    said = {line["permissao"]: line["descricao"] for line in listed}
    assert said["tutores:escrever"] == "Cadastrar e corrigir tutores"
    assert said["internacoes:alta"] == "Dar alta ou registrar óbito"
    assert len(set(said.values())) == len(said)


async def test_the_platforms_own_tenant_may_give_the_platforms_permissions(stage: Stage) -> None:
    person = await (await stage.hospital(platform=True)).signed_in("Plataforma")

    made = await person.post("/roles", {"nome": "Suporte", "permissoes": ["tenants:ler"]})
    listed = (await person.get("/roles/permissoes")).json()

    assert (made.status_code, made.json()["permissoes"]) == (201, ["tenants:ler"])
    assert {line["permissao"] for line in listed} == HOSPITAL | PLATFORM


async def test_what_a_role_loses_its_users_lose_with_the_next_call(hospital: Hospital) -> None:
    admin, role = await hospital.signed_in(), await hospital.role(permissoes=["pets:ler", "tutores:ler"])
    user = await hospital.user(roleIds=[role["id"]])
    person = await hospital.sign_in(user["id"], user["email"])
    assert (await person.get("/tutores")).status_code == 200

    changed = await admin.patch(f"/roles/{role['id']}", {"permissoes": ["pets:ler"]})

    assert (changed.json()["permissoes"], changed.json()["versao"]) == (["pets:ler"], 2)
    refused = await person.get("/tutores")
    assert (refused.status_code, refused.json()["permissao"]) == (403, "tutores:ler")
    assert (await person.get("/pets")).status_code == 200


async def test_the_administrators_role_cannot_lose_what_administers(new_hospital: Hospital) -> None:
    admin = await new_hospital.signed_in()
    [role] = (await admin.get("/roles", busca="administrador")).json()["data"]
    path = f"/roles/{role['id']}"

    refused = await admin.patch(path, {"permissoes": ["users:escrever", "pets:ler"]})
    fewer = await admin.patch(path, {"permissoes": ["roles:escrever", "roles:ler", "users:escrever"]})

    assert (refused.status_code, refused.json()["type"]) == (409, "/problemas/ultimo-administrador")
    assert (fewer.status_code, fewer.json()["versao"]) == (200, 2)


async def test_a_stale_edit_is_refused_and_changes_nothing(hospital: Hospital) -> None:
    admin, role = await hospital.signed_in(), await hospital.role()
    path = f"/roles/{role['id']}"

    first = await admin.patch(path, {"descricao": "Primeira"}, if_match='"1"')
    stale = await admin.patch(path, {"permissoes": []}, if_match='"1"')

    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert (stale.status_code, stale.json()["type"]) == (412, "/problemas/precondition-failed")
    assert (await admin.get(path)).json() == first.json()


async def test_a_role_is_not_deleted(hospital: Hospital) -> None:
    admin, role = await hospital.signed_in(), await hospital.role()

    assert (await admin.delete(f"/roles/{role['id']}")).status_code == 405


async def answers_to_every_verb(person: Person, role: dict[str, Any]) -> dict[str, tuple[int, Any]]:
    """What each verb says to this person: the status, and the permission that was missing."""
    path = f"/roles/{role['id']}"
    answers = {
        "search": await person.get("/roles"),
        "permissoes": await person.get("/roles/permissoes"),
        "create": await person.post("/roles", {"nome": f"Perfil {number()}", "permissoes": []}),
        "find": await person.get(path),
        "update": await person.patch(path, {"nome": "Meu"}),
    }
    # A list, that of the permissions, is not a problem.
    bodies = {verb: answer.json() if answer.is_error else {} for verb, answer in answers.items()}
    return {verb: (answer.status_code, bodies[verb].get("permissao")) for verb, answer in answers.items()}


async def test_a_role_without_the_permission_is_told_which(hospital: Hospital) -> None:
    role, vet = await hospital.role(), await hospital.signed_in("Veterinário")

    answers = await answers_to_every_verb(vet, role)

    writes = {"create", "update"}
    assert answers == {verb: (403, "roles:escrever" if verb in writes else "roles:ler") for verb in answers}


async def test_another_hospital_knows_nothing_of_it(hospital: Hospital, other_hospital: Hospital) -> None:
    role, neighbour = await hospital.role(), await other_hospital.signed_in()

    answers = await answers_to_every_verb(neighbour, role)

    assert {verb: status for verb, (status, _) in answers.items()} == {
        "search": 200,
        "permissoes": 200,
        "create": 201,
        "find": 404,
        "update": 404,
    }
    assert (await neighbour.get("/roles", busca=role["nome"])).json()["data"] == []
