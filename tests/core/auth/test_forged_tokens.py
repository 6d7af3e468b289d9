"""A token that this installation did not make for this person, in this hospital, for this use, opens nothing."""

import pytest

from tests.cast import Hospital, Person, Stage
from tests.core.auth.forgery import KINDS, Forger, claims_of, forge, forger

UNAUTHORIZED = (401, "/problemas/unauthorized")
# Of a body: this text is no token, whoever wrote it.
UNREADABLE = (422, "/problemas/unprocessable")


async def answer_to(stage: Stage, *authorization: str) -> tuple[int, str]:
    headers = [(b"authorization", given.encode()) for given in authorization]
    answer = await stage.http.get("/auth/me", headers=headers)
    return answer.status_code, answer.json().get("type", "")


@pytest.fixture
async def nurse(hospital: Hospital) -> Person:
    return await hospital.signed_in("Enfermeiro")


@pytest.fixture
async def known(hospital: Hospital, other_hospital: Hospital, nurse: Person) -> Forger:
    return await forger(nurse, hospital, await other_hospital.signed_in("Enfermeiro"))


async def test_a_token_signed_by_hand_with_the_right_secret_is_as_good(stage: Stage, nurse: Person) -> None:
    """Or the refusals below would prove nothing."""
    token = forge(claims_of(nurse.token), stage.settings.jwt_secret)
    assert await answer_to(stage, f"Bearer {token}") == (200, "")
    assert await answer_to(stage, f"bearer {token}") == (200, "")


@pytest.mark.parametrize("kind", KINDS, ids=ascii)
async def test_a_forged_token_opens_nothing(stage: Stage, known: Forger, kind: str) -> None:
    forged = KINDS[kind]
    assert await answer_to(stage, f"Bearer {forged.make(known)}") == (401, f"/problemas/{forged.answer}")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not KINDS[kind].access_only], ids=ascii)
async def test_a_forged_refresh_token_gives_no_other(stage: Stage, known: Forger, kind: str) -> None:
    forged = KINDS[kind]
    answer = await stage.http.post("/auth/refresh", json={"refreshToken": forged.make(known.turned())})
    assert (answer.status_code, answer.json()["type"]) in {(401, f"/problemas/{forged.answer}"), UNREADABLE}


async def test_an_expired_token_is_told_so(stage: Stage, nurse: Person) -> None:
    claims = claims_of(nurse.token) | {"exp": int(stage.now.timestamp())}
    token = forge(claims, stage.settings.jwt_secret)
    assert await answer_to(stage, f"Bearer {token}") == (401, "/problemas/token-expirado")


async def test_roles_in_the_token_grant_nothing(stage: Stage, nurse: Person) -> None:
    claims = claims_of(nurse.token) | {"roles": ["Administrador"], "email": "admin@aurora.test"}
    token = forge(claims, stage.settings.jwt_secret)
    answer = await stage.http.get("/auth/me", headers={"authorization": f"Bearer {token}"})
    assert (answer.json()["roles"], answer.json()["email"]) == (["Enfermeiro"], nurse.email)


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Basic YWRtaW46YWRtaW4=", "Token x", "Bearer\t", "null"],
)
async def test_what_is_no_bearer_token_is_nobody(stage: Stage, authorization: str) -> None:
    assert await answer_to(stage, authorization) == UNAUTHORIZED


async def test_who_gives_two_authorizations_is_nobody(stage: Stage, known: Forger) -> None:
    """A proxy may have looked at the one, and we at the other."""
    for second in (known.token, "forged", ""):
        given = f"Bearer {known.token}", f"Bearer {second}"
        assert await answer_to(stage, *given) == UNAUTHORIZED
        assert await answer_to(stage, *reversed(given)) == UNAUTHORIZED
