"""`POST /auth/trocar-senha`: who knows the old password gives a new one, and it ends the sessions elsewhere."""

import asyncio
from typing import Any

import pytest

from tests.cast import PASSWORD, Hospital, Stage, number
from tests.core.auth.door import Door, StillClock, kind, known, verified_last

ENDED = (401, "sessao-encerrada")
NEW = "uma senha nova e boa"


async def change(door: Door, token: str, current: str = PASSWORD, new: str = NEW) -> Any:
    return await door.call("POST", "/auth/trocar-senha", token, {"senhaAtual": current, "novaSenha": new})


async def test_a_new_password_replaces_the_old_and_ends_the_other_sessions(
    hospital: Hospital, door: Door, still: StillClock
) -> None:
    user_id, email = await known(hospital)
    here, elsewhere = await door.tokens(email), await door.tokens(email)

    assert (await change(door, here["accessToken"])).status_code == 204

    assert (await door.me(here["accessToken"])).status_code == 200
    assert (await door.refresh(here["refreshToken"])).status_code == 200
    assert kind(await door.me(elsewhere["accessToken"])) == ENDED
    assert kind(await door.login(email, PASSWORD)) == (401, "credenciais-invalidas")
    assert (await door.login(email, NEW)).status_code == 200
    [user] = await hospital.sql("select * from {s}.users where id = $1", user_id)
    assert (user["senha_trocada_em"], user["updated_at"], user["versao"]) == (still.now(), still.now(), 2)
    [entry] = await hospital.sql(
        "select * from {s}.auditoria where tabela = 'users' and acao = 'alterar' and registro_id = $1"
        " and depois ? 'senha_trocada_em'",
        str(user_id),
    )
    assert entry["ator_id"] == user_id
    assert "senha_hash" not in entry["depois"]


async def test_a_wrong_current_password_changes_nothing(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    token = (await door.tokens(email))["accessToken"]

    answer = await change(door, token, current="uma senha errada")

    assert kind(answer) == (422, "senha-atual-incorreta")
    assert [fault["field"] for fault in answer.json()["errors"]] == ["senhaAtual"]
    assert (await door.login(email)).status_code == 200


async def test_a_new_password_ends_no_session_of_anybody_else(hospital: Hospital, door: Door) -> None:
    (_, email), (_, other) = await known(hospital), await known(hospital)
    theirs = await door.tokens(other)

    assert (await change(door, (await door.tokens(email))["accessToken"])).status_code == 204

    assert (await door.me(theirs["accessToken"])).status_code == 200
    assert (await door.refresh(theirs["refreshToken"])).status_code == 200


async def test_a_new_password_does_not_end_again_what_had_ended(
    hospital: Hospital, door: Door, still: StillClock
) -> None:
    user_id, email = await known(hospital)
    here, left, _ = [await door.tokens(email) for _ in range(3)]
    await door.call("POST", "/auth/logout", left["accessToken"])
    [*_, over] = await hospital.sql("select id from {s}.sessoes where user_id = $1 order by id", user_id)
    await hospital.sql("update {s}.sessoes set expira_em = $2 where id = $1", over["id"], still.now())

    assert (await change(door, here["accessToken"])).status_code == 204

    motives = await hospital.sql("select motivo_revogacao from {s}.sessoes where user_id = $1 order by id", user_id)
    assert [row[0] for row in motives] == [None, "logout", None]


@pytest.mark.usefixtures("still")
async def test_wrong_passwords_at_a_change_count_at_the_door_in_any_spelling(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital, f"Ana.Souza{number()}@Aurora.test")
    token = (await door.tokens(email))["accessToken"]
    for _ in range(5):
        await change(door, token, current="uma senha errada")
    assert (await door.login(email)).status_code == 429


async def test_the_right_guess_at_a_change_is_not_told_beyond_the_limit(
    stage: Stage, hospital: Hospital, door: Door, still: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, email = await known(hospital)
    token = (await door.tokens(email))["accessToken"]

    answer = await verified_last(
        stage,
        monkeypatch,
        right=lambda: change(door, token),
        wrong=lambda: change(door, token, current="uma senha errada"),
    )

    assert answer.status_code == 429
    still.forward(1)
    assert (await door.login(email)).status_code == 200


@pytest.mark.usefixtures("still")
async def test_a_stolen_session_cannot_guess_the_password(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    token = (await door.tokens(email))["accessToken"]
    answers = [(await change(door, token, current=f"palpite {count}")).status_code for count in range(6)]
    assert answers == [422] * 5 + [429]
    assert (await change(door, token)).status_code == 429
    assert (await door.login(email)).status_code == 429


@pytest.mark.parametrize("new", ["1234567", "x" * 201, " " * 8, "senha\0nova"], ids=ascii)
async def test_an_unfit_new_password_is_refused(hospital: Hospital, door: Door, new: str) -> None:
    _, email = await known(hospital)
    token = (await door.tokens(email))["accessToken"]
    answer = await change(door, token, new=new)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "novaSenha")


@pytest.mark.parametrize(
    "new", ["abcdefgh", "x" * 73, "é" * 200, "🐾" * 50], ids=["shortest", "long", "longest", "paws"]
)
async def test_a_password_counts_to_its_last_character(hospital: Hospital, door: Door, new: str) -> None:
    _, email = await known(hospital)
    token = (await door.tokens(email))["accessToken"]
    assert (await change(door, token, new=new)).status_code == 204
    assert (await door.login(email, new)).status_code == 200
    assert (await door.login(email, new[:-1])).status_code == 401


async def test_of_two_changes_at_once_one_wins(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    token = (await door.tokens(email))["accessToken"]
    new = [f"uma senha nova {count}" for count in range(4)]

    answers = await asyncio.gather(*(change(door, token, new=password) for password in new))

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 409, 422}
    assert (await door.login(email, new[statuses.index(204)])).status_code == 200
