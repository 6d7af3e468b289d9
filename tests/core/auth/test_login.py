"""`POST /auth/login`: who gets in, where, and what those who do not are told."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from pwdlib.hashers.bcrypt import BcryptHasher

from tests.cast import PASSWORD, PASSWORD_HASH, Hospital, Stage, number
from tests.core.auth.door import Door, gist, kind, known
from zoapets.common.ids import new_id
from zoapets.core.auth.queries import PLACES, Place
from zoapets.core.auth.service import AuthService
from zoapets.core.permissions import ROLES
from zoapets.core.tenancy import Origin

bcrypt = BcryptHasher(rounds=4)


async def test_the_right_password_opens_a_session(hospital: Hospital, door: Door) -> None:
    user_id, email = await known(hospital, role="Enfermeiro")

    answer = await door.login(email)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert list(body) == ["accessToken", "refreshToken", "expiresIn", "user"]
    assert body["expiresIn"] == 365 * 24 * 3600
    assert body["user"] == {
        "id": str(user_id),
        "nome": "Visitante",
        "email": email,
        "roles": ["Enfermeiro"],
        "permissions": sorted(ROLES["Enfermeiro"]),
        "tenantId": str(hospital.id),
        "hospital": {"id": str(hospital.id), "slug": hospital.slug, "nome": "Hospital Aurora"},
    }
    assert (await door.me(body["accessToken"])).status_code == 200


async def test_the_answer_is_kept_by_no_cache(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    assert (await door.login(email)).headers["cache-control"] == "no-store"


async def test_an_email_is_the_same_in_any_case(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital, f"Ana.Souza{number()}@Aurora.test")
    assert (await door.login(email.upper())).status_code == 200


async def test_the_hospital_may_be_named_by_id_or_slug(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    for name in (hospital.id, str(hospital.id).upper(), hospital.slug, f" {hospital.slug.title()} "):
        assert (await door.login(email, tenant=name)).status_code == 200


async def test_whoever_fails_is_told_the_same(hospital: Hospital, other_hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    inactive, inactive_email = await known(hospital)
    await hospital.sql("update {s}.users set ativo = false where id = $1", inactive)

    answers = [
        await door.login(email, "uma senha errada"),
        await door.login(f"ninguem{number()}@exemplo.com.br"),
        await door.login(inactive_email),
        await door.login(inactive_email, tenant=hospital.slug),
        await door.login(email, tenant="hospital-que-nao-existe"),
        await door.login(email, tenant=other_hospital.id),
    ]

    assert kind(answers[0]) == (401, "credenciais-invalidas")
    assert [gist(answer) for answer in answers] == [gist(answers[0])] * 6


async def test_whoever_fails_costs_one_hash(
    stage: Stage, hospital: Hospital, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, email = await known(hospital)
    verified: list[bool] = []
    verify = stage.runtime.passwords.verify

    async def watched(password: str, hashed: str | None) -> tuple[bool, str | None]:
        verified.append(hashed is not None)
        return await verify(password, hashed)

    monkeypatch.setattr(stage.runtime.passwords, "verify", watched)
    for address, tenant in ((email, None), (f"ninguem{number()}@exemplo.com.br", None), (email, "outro-hospital")):
        await door.login(address, "errada", tenant)

    assert verified == [True, False, False]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["email", "password"]),
        ({"email": "ana", "password": "x"}, ["email"]),
        ({"email": "ana@exemplo.com.br", "password": ""}, ["password"]),
        ({"email": "ana@exemplo.com.br", "password": "a\0b"}, ["password"]),
        ({"email": "ana@exemplo.com.br", "password": "x" * 201}, ["password"]),
        ({"email": "ana@exemplo.com.br", "password": 12345678}, ["password"]),
        ({"email": "ana@exemplo.com.br", "password": "x", "tenantId": "h" * 41}, ["tenantId"]),
        ({"email": "ana@exemplo.com.br", "password": "x", "tenantId": "a\0"}, ["tenantId"]),
        ({"email": "ana@exemplo.com.br", "password": "x", "admin": True}, ["admin"]),
    ],
)
async def test_every_unfit_field_is_named(door: Door, body: dict[str, Any], fields: list[str]) -> None:
    answer = await door.http.post("/auth/login", json=body)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == fields


# --- several hospitals


async def test_an_email_of_two_hospitals_must_choose(hospital: Hospital, other_hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    await known(other_hospital, email)

    answer = await door.login(email)

    assert kind(answer) == (409, "escolha-um-hospital")
    assert [found["slug"] for found in answer.json()["hospitais"]] == [hospital.slug, other_hospital.slug]
    assert answer.json()["hospitais"][0] == {
        "id": str(hospital.id),
        "slug": hospital.slug,
        "nome": "Hospital Aurora",
    }
    for chosen in (hospital, other_hospital):
        entered = await door.login(email, tenant=chosen.slug)
        assert entered.json()["user"]["tenantId"] == str(chosen.id)


async def test_the_hospitals_are_listed_only_after_the_right_password(
    hospital: Hospital, other_hospital: Hospital, door: Door
) -> None:
    _, email = await known(hospital)
    await known(other_hospital, email)
    assert kind(await door.login(email, "uma senha errada")) == (401, "credenciais-invalidas")


async def test_a_password_that_fits_in_one_hospital_chooses_it(
    hospital: Hospital, other_hospital: Hospital, door: Door
) -> None:
    _, email = await known(hospital)
    await known(other_hospital, email, senha_hash=bcrypt.hash("outra senha"))

    assert (await door.login(email)).json()["user"]["hospital"]["slug"] == hospital.slug
    assert (await door.login(email, "outra senha")).json()["user"]["hospital"]["slug"] == other_hospital.slug
    assert kind(await door.login(email, "outra senha", hospital.slug)) == (401, "credenciais-invalidas")


async def test_an_email_is_tried_in_eight_hospitals_at_most(stage: Stage) -> None:
    """Each costs a hash."""
    email, tenants = f"ana{number()}@aurora.test", [new_id() for _ in range(9)]
    transaction = stage.owner.transaction()
    await transaction.start()
    await stage.owner.execute(
        "insert into public.tenants (id, slug, nome, schema_name)"
        " select id, 'h' || n, 'H', 'tenant_h' || n from unnest($1::uuid[]) with ordinality as made (id, n)",
        tenants[::-1],
    )
    await stage.owner.execute(
        "insert into public.email_directory (tenant_id, user_id, email) select id, id, $2 from unnest($1::uuid[]) id",
        tenants[::-1],
        email,
    )
    found = await stage.owner.fetch(PLACES.sql, *PLACES.args({"email": email, "tenant": None}))
    await transaction.rollback()

    assert [PLACES.row(row).tenant.id for row in found] == tenants[:8]


async def test_a_suspended_hospital_is_told_only_after_the_right_password(new_hospital: Hospital, door: Door) -> None:
    _, email = await known(new_hospital)
    await new_hospital.sql("update public.tenants set status = 'suspenso' where id = $1", new_hospital.id)

    assert kind(await door.login(email, "uma senha errada")) == (401, "credenciais-invalidas")
    assert kind(await door.login(email)) == (403, "hospital-suspenso")


async def test_a_suspended_hospital_does_not_stand_in_the_way_of_another(
    hospital: Hospital, new_hospital: Hospital, door: Door
) -> None:
    _, email = await known(hospital)
    await known(new_hospital, email)
    await new_hospital.sql("update public.tenants set status = 'suspenso' where id = $1", new_hospital.id)
    assert (await door.login(email)).json()["user"]["tenantId"] == str(hospital.id)


# --- passwords


@pytest.mark.parametrize("password", ["a", "a" * 72, "a" * 73, "a" * 200, "ã" * 36 + "a", "🐾" * 200, " "], ids=ascii)
@pytest.mark.parametrize(
    "senha_hash", [PASSWORD_HASH, bcrypt.hash(PASSWORD), "texto qualquer"], ids=["argon2id", "bcrypt", "neither"]
)
async def test_a_wrong_password_of_any_length_is_just_wrong(
    hospital: Hospital, door: Door, password: str, senha_hash: str
) -> None:
    _, email = await known(hospital, senha_hash=senha_hash)
    assert kind(await door.login(email, password)) == (401, "credenciais-invalidas")


@pytest.mark.parametrize("password", ["a" * 1000, "é" * 500], ids=["ascii", "multibyte"])
async def test_a_password_beyond_the_longest_is_refused_before_it_is_hashed(
    hospital: Hospital, door: Door, password: str
) -> None:
    _, email = await known(hospital)
    answer = await door.login(email, password)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "password")


async def test_half_a_character_is_no_password(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    body = f'{{"email": "{email}", "password": "\\ud800abc"}}'
    answer = await door.http.post("/auth/login", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 401, 422}


@pytest.mark.parametrize("password", ["a" * 72, "ç" * 36], ids=["ascii", "multibyte"])
async def test_a_bcrypt_hash_is_accepted_and_upgraded(hospital: Hospital, door: Door, password: str) -> None:
    user_id, email = await known(hospital, senha_hash=bcrypt.hash(password))

    assert (await door.login(email, password)).status_code == 200
    [user] = await hospital.sql("select senha_hash, versao from {s}.users where id = $1", user_id)
    assert user["senha_hash"].startswith("$argon2id$")
    assert user["versao"] == 1
    assert (await door.login(email, password)).status_code == 200
    assert kind(await door.login(email, password + "x")) == (401, "credenciais-invalidas")


async def test_logins_that_upgrade_the_same_hash_at_once_all_succeed(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital, senha_hash=bcrypt.hash(PASSWORD))
    answers = await asyncio.gather(*(door.login(email) for _ in range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6


async def test_a_session_waits_for_a_change_of_the_password_that_is_under_way(stage: Stage, hospital: Hospital) -> None:
    user_id, _ = await known(hospital)
    service = AuthService(stage.runtime, Origin())
    proof = await service._try(Place(user_id, await stage.runtime.access.tenant(hospital.id)), PASSWORD)
    assert proof is not None
    change = f"update {hospital.schema}.users set senha_hash = 'outro' where id = $1"  # noqa: S608 - a schema of ours
    waits = "select count(*) from pg_locks where not granted and transactionid = pg_current_xact_id()::xid"

    async with stage.owner.transaction():
        await stage.owner.execute(change, user_id)
        opening = asyncio.create_task(service._open(proof))
        while not opening.done() and not await stage.owner.fetchval(waits):
            pass

    assert await opening is None


@pytest.mark.parametrize("better", [None, PASSWORD_HASH], ids=["kept", "upgraded"])
@pytest.mark.parametrize(
    "change",
    [
        "update {s}.users set senha_hash = 'outro' where id = $1",
        "update {s}.users set ativo = false where id = $1",
    ],
    ids=["changed", "deactivated"],
)
async def test_a_user_who_changes_after_the_password_was_proved_gets_no_session(
    stage: Stage, hospital: Hospital, better: str | None, change: str
) -> None:
    user_id, _ = await known(hospital)
    service = AuthService(stage.runtime, Origin())
    place = Place(user_id, await stage.runtime.access.tenant(hospital.id))
    proof = await service._try(place, PASSWORD)
    assert proof is not None
    await hospital.sql(change, user_id)

    assert await service._open(replace(proof, better=better)) is None
    assert await hospital.sql("select from {s}.sessoes where user_id = $1", user_id) == []


async def test_what_is_stored_of_a_session_says_where_it_came_from(hospital: Hospital, door: Door) -> None:
    user_id, email = await known(hospital)
    door.http.headers["user-agent"] = "Tablet da UTI\t\x7f" + "x" * 300

    tokens = await door.tokens(email)

    [session] = await hospital.sql("select * from {s}.sessoes where user_id = $1", user_id)
    assert session["ip"].startswith("10.")
    assert session["dispositivo"].startswith("Tablet da UTIx")
    assert len(session["dispositivo"]) == 200
    assert tokens["refreshToken"] not in str(dict(session))
    [entry] = await hospital.sql(
        "select * from {s}.auditoria where tabela = 'sessoes' and registro_id = $1", str(session["id"])
    )
    assert (entry["ator_id"], entry["origem"]) == (user_id, session["ip"])
    assert "refresh_hash" not in entry["depois"]


async def test_logins_are_counted_by_outcome(stage: Stage, hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    logins = stage.runtime.metrics.logins
    before = {outcome: logins.labels(outcome)._value.get() for outcome in ("ok", "denied", "limited")}

    await door.login(email)
    for _ in range(6):
        await door.login(email, "uma senha errada")

    after = {outcome: logins.labels(outcome)._value.get() for outcome in before}
    assert {outcome: after[outcome] - before[outcome] for outcome in before} == {"ok": 1, "denied": 5, "limited": 1}


async def test_a_password_that_changes_under_a_login_twice_is_refused(
    hospital: Hospital, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, email = await known(hospital)

    async def changed(self: AuthService, proof: Any) -> None:
        del self, proof

    monkeypatch.setattr(AuthService, "_open", changed)

    assert kind(await door.login(email)) == (401, "credenciais-invalidas")
