"""What is one's own: `/auth/me`, `/auth/sessoes`, `/auth/logout`, `/auth/trocar-senha`."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.cast import PASSWORD, Hospital, Stage
from tests.core.auth.door import Door, StillClock, kind, known
from zoapets.core.auth import access
from zoapets.core.config import Settings
from zoapets.core.permissions import ROLES

ENDED = (401, "sessao-encerrada")
NEW = "uma senha nova e boa"


async def sessions(door: Door, token: str) -> list[dict[str, Any]]:
    answer = await door.call("GET", "/auth/sessoes", token)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()
    return found


# --- me


async def test_me_says_who_where_and_what_they_may_do(hospital: Hospital, door: Door) -> None:
    user_id, email = await known(hospital, role="Veterinário")
    pair = await door.tokens(email)
    [session] = await sessions(door, pair["accessToken"])

    assert (await door.me(pair["accessToken"])).json() == {
        "id": str(user_id),
        "nome": "Visitante",
        "email": email,
        "roles": ["Veterinário"],
        "permissions": sorted(ROLES["Veterinário"]),
        "tenantId": str(hospital.id),
        "hospital": {
            "id": str(hospital.id),
            "slug": hospital.slug,
            "nome": "Hospital Aurora",
            "fuso": "America/Sao_Paulo",
        },
        "sessaoId": session["id"],
    }


async def test_me_asks_the_database_nothing_that_access_has_not_asked(
    stage: Stage, hospital: Hospital, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, email = await known(hospital)
    token = (await door.tokens(email))["accessToken"]
    monkeypatch.setattr(stage.runtime.access, "_ttl", 60.0)
    first = await door.me(token)
    monkeypatch.setattr(stage.runtime.access, "_pool", None)
    monkeypatch.setattr(stage.runtime, "pool", None)

    assert (await door.me(token)).json() == first.json()
    stage.runtime.access.forget()


def test_access_rights_are_believed_for_less_than_a_second() -> None:
    assert Settings.access_ttl < timedelta(seconds=1)


async def test_a_suspended_hospital_is_felt_at_once(new_hospital: Hospital, door: Door) -> None:
    _, email = await known(new_hospital)
    token = (await door.tokens(email))["accessToken"]
    assert (await door.me(token)).status_code == 200
    await new_hospital.sql("update public.tenants set status = 'suspenso' where id = $1", new_hospital.id)
    assert kind(await door.me(token)) == (403, "hospital-suspenso")


async def test_a_deactivated_user_is_out_at_once(hospital: Hospital, door: Door) -> None:
    user_id, email = await known(hospital)
    token = (await door.tokens(email))["accessToken"]
    await hospital.sql("update {s}.users set ativo = false where id = $1", user_id)
    assert kind(await door.me(token)) == ENDED


async def test_a_changed_role_is_felt_at_once(new_hospital: Hospital, door: Door) -> None:
    _, email = await known(new_hospital, role="Financeiro")
    token = (await door.tokens(email))["accessToken"]
    assert (await door.call("GET", "/pets", token)).status_code == 200

    await new_hospital.sql("update {s}.roles set permissoes = '{tutores:ler}' where nome = 'Financeiro'")

    assert (await door.me(token)).json()["permissions"] == ["tutores:ler"]
    assert (await door.call("GET", "/pets", token)).status_code == 403


# --- sessions


async def test_a_person_sees_their_open_sessions(hospital: Hospital, door: Door, still: StillClock) -> None:
    _, email = await known(hospital)
    _, stranger = await known(hospital)
    started = still.now().replace(microsecond=0)
    door.http.headers["user-agent"] = "Celular"
    first = await door.tokens(email)
    ended = await door.tokens(email)
    await door.call("POST", "/auth/logout", ended["accessToken"])
    await door.tokens(stranger)
    still.forward(60)
    door.http.headers["user-agent"] = "Computador"
    second = await door.tokens(email)

    newest, oldest = await sessions(door, second["accessToken"])

    assert (newest["atual"], oldest["atual"]) == (True, False)
    assert (newest["dispositivo"], oldest["dispositivo"]) == ("Computador", "Celular")
    assert list(newest) == ["id", "criadaEm", "renovadaEm", "expiraEm", "ip", "dispositivo", "atual"]
    assert oldest["criadaEm"] == started.isoformat().replace("+00:00", "Z")
    assert newest["ip"] == oldest["ip"]
    assert [found["atual"] for found in await sessions(door, first["accessToken"])] == [False, True]


async def test_no_more_than_a_hundred_open_sessions_are_shown_in_a_settled_order(
    hospital: Hospital, door: Door, still: StillClock
) -> None:
    user_id, email = await known(hospital)
    token = (await door.tokens(email))["accessToken"]
    still.forward(1)
    await hospital.sql(
        "insert into {s}.sessoes (id, user_id, refresh_hash, criada_em, renovada_em, expira_em)"
        " select gen_random_uuid(), $1, 'x', $2, $2, $2::timestamptz + interval '1 second' * n"
        " from generate_series(0, 101) as n",
        user_id,
        still.now(),
    )
    [over] = await hospital.sql(
        "select id from {s}.sessoes where user_id = $1 and expira_em = $2", user_id, still.now()
    )

    shown = [found["id"] for found in await sessions(door, token)]

    assert len(shown) == 100
    assert shown == sorted(shown, reverse=True)
    assert str(over["id"]) not in shown, "a session is over at the instant that it names"


async def test_a_session_is_over_at_the_instant_that_it_names(
    hospital: Hospital, door: Door, still: StillClock
) -> None:
    user_id, email = await known(hospital)
    pair = await door.tokens(email)
    still.at = still.at.replace(microsecond=0)
    await hospital.sql("update {s}.sessoes set expira_em = $2 where user_id = $1", user_id, still.now())
    assert kind(await door.me(pair["accessToken"])) == ENDED
    assert kind(await door.refresh(pair["refreshToken"])) == ENDED


async def test_the_worker_that_ends_a_session_believes_it_no_more(
    stage: Stage, hospital: Hospital, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others find out within the half second for which they believe."""
    monkeypatch.setattr(stage.runtime.access, "_ttl", 60.0)
    _, email = await known(hospital)
    left, ended, other, here = [await door.tokens(email) for _ in range(4)]
    [ended_id] = [found["id"] for found in await sessions(door, ended["accessToken"]) if found["atual"]]
    lost = here["refreshToken"]

    async def out(pair: dict[str, Any], method: str, path: str, by: dict[str, Any], body: Any = None) -> None:
        assert (await door.me(pair["accessToken"])).status_code == 200
        assert (await door.call(method, path, by["accessToken"], body)).status_code == 204
        assert kind(await door.me(pair["accessToken"])) == ENDED

    await out(left, "POST", "/auth/logout", left)
    await out(ended, "DELETE", f"/auth/sessoes/{ended_id}", here)
    await out(other, "POST", "/auth/trocar-senha", here, {"senhaAtual": PASSWORD, "novaSenha": NEW})
    for _ in range(2):
        here = {**here, **(await door.refresh(here["refreshToken"])).json()}
    assert (await door.me(here["accessToken"])).status_code == 200
    await door.refresh(lost)
    assert kind(await door.me(here["accessToken"])) == ENDED


async def test_logout_ends_this_session_alone(hospital: Hospital, door: Door) -> None:
    user_id, email = await known(hospital)
    here, elsewhere = await door.tokens(email), await door.tokens(email)

    answer = await door.call("POST", "/auth/logout", here["accessToken"])

    assert (answer.status_code, answer.content) == (204, b"")
    assert kind(await door.me(here["accessToken"])) == ENDED
    assert kind(await door.call("POST", "/auth/logout", here["accessToken"])) == ENDED
    assert (await door.me(elsewhere["accessToken"])).status_code == 200
    [motive] = await hospital.sql(
        "select motivo_revogacao from {s}.sessoes where user_id = $1 and revogada_em is not null", user_id
    )
    assert motive["motivo_revogacao"] == "logout"


async def test_a_person_ends_their_session_elsewhere_once(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    here, elsewhere = await door.tokens(email), await door.tokens(email)
    [other] = [found["id"] for found in await sessions(door, here["accessToken"]) if not found["atual"]]

    assert (await door.call("DELETE", f"/auth/sessoes/{other}", here["accessToken"])).status_code == 204

    assert kind(await door.me(elsewhere["accessToken"])) == ENDED
    assert kind(await door.refresh(elsewhere["refreshToken"])) == ENDED
    again = await door.call("DELETE", f"/auth/sessoes/{other}", here["accessToken"])
    assert kind(again) == (404, "sessao-nao-encontrada")


async def test_a_session_that_is_not_mine_is_not_there(
    hospital: Hospital, other_hospital: Hospital, door: Door
) -> None:
    _, email = await known(hospital)
    mine = (await door.tokens(email))["accessToken"]
    theirs = [uuid4()]
    for place in (hospital, other_hospital):
        stranger, stranger_email = await known(place)
        await door.tokens(stranger_email)
        theirs += [row["id"] for row in await place.sql("select id from {s}.sessoes where user_id = $1", stranger)]

    for session in theirs:
        assert kind(await door.call("DELETE", f"/auth/sessoes/{session}", mine)) == (404, "sessao-nao-encontrada")
    ended = "select count(*) from {s}.sessoes where id = any($1) and revogada_em is not null"
    assert [(await place.sql(ended, theirs))[0][0] for place in (hospital, other_hospital)] == [0, 0]


async def test_a_session_opens_nothing_for_another_person(stage: Stage, hospital: Hospital, door: Door) -> None:
    """Also where a token of ours says so."""
    stranger, _ = await known(hospital)
    _, email = await known(hospital)
    pair = await door.tokens(email)
    [session] = [UUID(found["id"]) for found in await sessions(door, pair["accessToken"])]
    names = {"user_id": stranger, "tenant_id": hospital.id, "sessao_id": session}

    access_token = stage.runtime.tokens.access(**names, email=email, roles=(), now=stage.now)
    refresh_token = stage.runtime.tokens.refresh(**names, generation=0, at=stage.now)

    assert kind(await door.me(access_token)) == ENDED
    assert kind(await door.refresh(refresh_token)) == ENDED
    assert (await door.refresh(pair["refreshToken"])).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/me"),
        ("GET", "/auth/sessoes"),
        ("DELETE", f"/auth/sessoes/{UUID(int=7)}"),
        ("POST", "/auth/logout"),
        ("POST", "/auth/trocar-senha"),
    ],
)
async def test_nobody_has_nothing_of_their_own(door: Door, method: str, path: str) -> None:
    answer = await door.http.request(method, path)
    assert kind(answer) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_worker_remembers_so_many_people_and_no_more(
    hospital: Hospital, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "MOST_REMEMBERED", 2)
    people = [await hospital.signed_in(new=True) for _ in range(4)]
    ours = hospital.stage.runtime.access

    for person in [*people, *people]:
        assert (await door.me(person.token)).json()["email"] == person.email
        assert len(ours._known) <= 2
