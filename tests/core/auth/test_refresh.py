"""`POST /auth/refresh`: every refresh token is exchanged once, and one that comes again ends its session."""

import asyncio
import hashlib
import itertools
from datetime import timedelta

import pytest
from structlog.testing import CapturingLogger

from tests.cast import Hospital, Stage
from tests.core.auth.door import Door, StillClock, kind, known
from zoapets.core.auth import service

REUSED = (401, "reuso-de-token")
ENDED = (401, "sessao-encerrada")


async def test_a_refresh_gives_the_next_pair(hospital: Hospital, door: Door, still: StillClock) -> None:
    user_id, email = await known(hospital)
    first = await door.tokens(email)
    still.forward(60)

    answer = await door.refresh(first["refreshToken"])

    assert answer.status_code == 200
    second = answer.json()
    assert list(second) == ["accessToken", "refreshToken", "expiresIn"]
    assert second["refreshToken"] != first["refreshToken"]
    assert (await door.me(second["accessToken"])).json()["email"] == email
    [session] = await hospital.sql("select * from {s}.sessoes where user_id = $1", user_id)
    assert session["geracao"] == 1
    assert session["refresh_hash"] == hashlib.sha256(second["refreshToken"].encode()).hexdigest()
    assert session["renovada_em"] == still.now().replace(microsecond=0)
    assert (session["expira_em"] - session["renovada_em"]).days == 400


async def test_tokens_can_be_refreshed_again_and_again(hospital: Hospital, door: Door, still: StillClock) -> None:
    _, email = await known(hospital)
    pair = await door.tokens(email)
    for _ in range(5):
        still.forward(3600)
        pair = (await door.refresh(pair["refreshToken"])).json()
        assert (await door.me(pair["accessToken"])).status_code == 200


async def test_a_refresh_changes_one_session_and_no_other(hospital: Hospital, door: Door) -> None:
    (_, email), (_, other) = await known(hospital), await known(hospital)
    first, elsewhere, theirs = await door.tokens(email), await door.tokens(email), await door.tokens(other)

    assert (await door.refresh(first["refreshToken"])).status_code == 200

    assert (await door.refresh(elsewhere["refreshToken"])).status_code == 200
    assert (await door.refresh(theirs["refreshToken"])).status_code == 200


async def test_a_token_that_was_exchanged_ends_its_whole_family(
    hospital: Hospital, door: Door, still: StillClock
) -> None:
    user_id, email = await known(hospital)
    first = await door.tokens(email)
    second = (await door.refresh(first["refreshToken"])).json()
    third = (await door.refresh(second["refreshToken"])).json()
    bystander = await door.tokens(email)

    assert kind(await door.refresh(first["refreshToken"])) == REUSED

    assert kind(await door.refresh(third["refreshToken"])) == ENDED
    assert kind(await door.refresh(first["refreshToken"])) == ENDED
    assert kind(await door.me(third["accessToken"])) == ENDED
    assert (await door.me(bystander["accessToken"])).status_code == 200
    sessions = await hospital.sql(
        "select revogada_em, motivo_revogacao from {s}.sessoes where user_id = $1 order by id", user_id
    )
    assert [tuple(row) for row in sessions] == [(still.now().replace(microsecond=0), "reuso"), (None, None)]


async def test_a_token_that_comes_again_is_logged_without_it(
    hospital: Hospital, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id, email = await known(hospital)
    first = await door.tokens(email)
    second = (await door.refresh(first["refreshToken"])).json()
    await door.refresh(second["refreshToken"])
    logger = CapturingLogger()
    monkeypatch.setattr(service, "log", logger)

    await door.refresh(first["refreshToken"])

    [session] = await hospital.sql("select id from {s}.sessoes where user_id = $1", user_id)
    [call] = logger.calls
    assert (call.method_name, call.kwargs) == ("warning", {"tenant": str(hospital.id), "session": str(session["id"])})


async def test_a_client_that_lost_the_answer_may_ask_again(hospital: Hospital, door: Door, still: StillClock) -> None:
    _, email = await known(hospital)
    first = await door.tokens(email)
    second = (await door.refresh(first["refreshToken"])).json()
    still.forward(10)

    again = await door.refresh(first["refreshToken"])

    assert again.status_code == 200
    assert again.json()["refreshToken"] == second["refreshToken"]
    assert (await door.me(again.json()["accessToken"])).status_code == 200
    assert (await door.refresh(second["refreshToken"])).status_code == 200


async def test_after_ten_seconds_it_may_not(hospital: Hospital, door: Door, still: StillClock) -> None:
    _, email = await known(hospital)
    first = await door.tokens(email)
    second = (await door.refresh(first["refreshToken"])).json()
    still.forward(11)
    assert kind(await door.refresh(first["refreshToken"])) == REUSED
    assert kind(await door.refresh(second["refreshToken"])) == ENDED


@pytest.mark.usefixtures("still")
async def test_a_token_whose_successor_was_used_is_not_a_lost_answer(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    first = await door.tokens(email)
    second = (await door.refresh(first["refreshToken"])).json()
    await door.refresh(second["refreshToken"])
    assert kind(await door.refresh(first["refreshToken"])) == REUSED


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("refreshed", [False, True], ids=["live", "lost-answer"])
async def test_a_token_that_does_not_fit_the_stored_digest_is_not_believed(
    hospital: Hospital, door: Door, *, refreshed: bool
) -> None:
    user_id, email = await known(hospital)
    first = await door.tokens(email)
    if refreshed:
        await door.refresh(first["refreshToken"])
    await hospital.sql("update {s}.sessoes set refresh_hash = 'outro' where user_id = $1", user_id)
    assert kind(await door.refresh(first["refreshToken"])) == REUSED


async def test_eight_refreshes_at_once_leave_one_lineage(
    stage: Stage, hospital: Hospital, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id, email = await known(hospital)
    first = await door.tokens(email)
    # Each look at the clock sees another time, so that two rotations could not make the same token by chance.
    start, looks = stage.now, itertools.count()
    monkeypatch.setattr(stage.clock, "now", lambda: start + timedelta(milliseconds=250 * next(looks)))

    answers = await asyncio.gather(*(door.refresh(first["refreshToken"]) for _ in range(8)))

    assert [answer.status_code for answer in answers] == [200] * 8
    [successor] = {answer.json()["refreshToken"] for answer in answers}
    sessions = await hospital.sql(
        "select geracao, refresh_hash from {s}.sessoes where user_id = $1 and revogada_em is null", user_id
    )
    assert [tuple(row) for row in sessions] == [(1, hashlib.sha256(successor.encode()).hexdigest())]
    assert (await door.refresh(successor)).status_code == 200


async def test_a_refresh_and_a_reuse_at_once_leave_no_lineage(
    hospital: Hospital, door: Door, still: StillClock
) -> None:
    user_id, email = await known(hospital)
    first = await door.tokens(email)
    second = (await door.refresh(first["refreshToken"])).json()
    still.forward(60)

    await asyncio.gather(*(door.refresh(pair["refreshToken"]) for pair in (first, second) * 4))

    assert not await hospital.sql("select from {s}.sessoes where user_id = $1 and revogada_em is null", user_id)


async def test_a_session_that_is_not_refreshed_expires(hospital: Hospital, door: Door, still: StillClock) -> None:
    _, email = await known(hospital)
    pair = await door.tokens(email)
    still.forward(400 * 24 * 3600)
    assert kind(await door.refresh(pair["refreshToken"])) == (401, "token-expirado")


async def test_a_refresh_brings_the_new_roles(hospital: Hospital, door: Door) -> None:
    user_id, email = await known(hospital, role="Enfermeiro")
    pair = await door.tokens(email)
    await hospital.sql(
        "update {s}.user_roles set role_id = (select id from {s}.roles where nome = 'Financeiro') where user_id = $1",
        user_id,
    )
    renewed = (await door.refresh(pair["refreshToken"])).json()
    assert (await door.me(renewed["accessToken"])).json()["roles"] == ["Financeiro"]


async def test_a_deactivated_user_cannot_refresh(hospital: Hospital, door: Door) -> None:
    user_id, email = await known(hospital)
    pair = await door.tokens(email)
    await hospital.sql("update {s}.users set ativo = false where id = $1", user_id)
    assert kind(await door.refresh(pair["refreshToken"])) == ENDED


async def test_a_suspended_hospital_cannot_refresh_until_it_is_back(new_hospital: Hospital, door: Door) -> None:
    _, email = await known(new_hospital)
    pair = await door.tokens(email)
    status = "update public.tenants set status = $2 where id = $1"

    await new_hospital.sql(status, new_hospital.id, "suspenso")
    assert kind(await door.refresh(pair["refreshToken"])) == (403, "hospital-suspenso")
    await new_hospital.sql(status, new_hospital.id, "ativo")
    assert (await door.refresh(pair["refreshToken"])).status_code == 200


async def test_a_session_that_was_ended_cannot_refresh(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    pair = await door.tokens(email)
    assert (await door.call("POST", "/auth/logout", pair["accessToken"])).status_code == 204
    assert kind(await door.refresh(pair["refreshToken"])) == ENDED


async def test_a_session_of_another_hospital_is_not_found(
    stage: Stage, hospital: Hospital, other_hospital: Hospital, door: Door
) -> None:
    user_id, email = await known(hospital)
    await door.tokens(email)
    [session] = await hospital.sql("select * from {s}.sessoes where user_id = $1", user_id)
    astray = stage.runtime.tokens.refresh(
        user_id=user_id, tenant_id=other_hospital.id, sessao_id=session["id"], generation=0, at=session["renovada_em"]
    )
    assert kind(await door.refresh(astray)) == ENDED


async def test_an_access_token_is_no_refresh_token(hospital: Hospital, door: Door) -> None:
    _, email = await known(hospital)
    pair = await door.tokens(email)
    assert kind(await door.refresh(pair["accessToken"])) == (401, "token-invalido")


@pytest.mark.parametrize("token", ["a", "a.b.c", "x" * 2000, "=", "..."])
async def test_what_is_no_token_is_told_so(door: Door, token: str) -> None:
    assert kind(await door.refresh(token)) == (401, "token-invalido")


@pytest.mark.parametrize("token", ["", "x" * 2001, "a b", "á", "a\0"], ids=ascii)
async def test_what_cannot_be_a_token_is_refused(door: Door, token: str) -> None:
    answer = await door.refresh(token)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "refreshToken")
