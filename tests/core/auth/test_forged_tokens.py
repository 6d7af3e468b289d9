"""A token that this installation did not make for this person, in this hospital, for this use, opens nothing."""

import base64
import hmac
import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.cast import Hospital, Person, Stage

HS256 = {"alg": "HS256", "typ": "JWT"}
INVALID = (401, "/problemas/token-invalido")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def forge(claims: Any, secret: str, header: Any = HS256, digest: str = "sha256") -> str:
    """Any header and claims, signed with HMAC by hand: the library refuses to make most of these."""
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{signed}.{b64(hmac.new(secret.encode(), signed.encode(), digest).digest())}"


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(unb64(token.split(".")[1]))
    return claims


async def answer_to(stage: Stage, authorization: str) -> tuple[int, str]:
    answer = await stage.http.get("/auth/me", headers={b"authorization": authorization.encode()})
    return answer.status_code, answer.json().get("type", "")


@pytest.fixture
async def nurse(hospital: Hospital) -> Person:
    return await hospital.signed_in("Enfermeiro")


async def test_a_token_signed_by_hand_with_the_right_secret_is_as_good(stage: Stage, nurse: Person) -> None:
    """Or the refusals below would prove nothing."""
    token = forge(claims_of(nurse.token), stage.settings.jwt_secret)
    assert await answer_to(stage, f"Bearer {token}") == (200, "")
    assert await answer_to(stage, f"bearer {token}") == (200, "")


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
async def test_an_unsigned_token_is_refused(stage: Stage, nurse: Person, alg: str) -> None:
    head = b64(json.dumps({"alg": alg, "typ": "JWT"}).encode())
    body, signature = nurse.token.split(".")[1:]
    for end in ("", signature):
        assert await answer_to(stage, f"Bearer {head}.{body}.{end}") == INVALID


@pytest.mark.parametrize(
    ("alg", "digest"),
    [
        ("HS512", "sha512"),
        ("HS384", "sha384"),
        ("HS1", "sha1"),
        ("RS256", "sha256"),
        ("ES256", "sha256"),
        ("EdDSA", "sha256"),
        ("hs256", "sha256"),
    ],
)
async def test_no_other_algorithm_is_accepted(stage: Stage, nurse: Person, alg: str, digest: str) -> None:
    token = forge(claims_of(nurse.token), stage.settings.jwt_secret, {"alg": alg, "typ": "JWT"}, digest)
    assert await answer_to(stage, f"Bearer {token}") == INVALID


@pytest.mark.parametrize("secret", ["", "secret", "super-secret", "k" * 47, "\0"], ids=ascii)
async def test_no_other_secret_is_accepted(stage: Stage, nurse: Person, secret: str) -> None:
    assert await answer_to(stage, f"Bearer {forge(claims_of(nurse.token), secret)}") == INVALID


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../../../dev/null"},
        {"kid": "' union select 'x' --"},
        {"jku": "https://exemplo.com.br/jwks.json"},
        {"x5u": "https://exemplo.com.br/cert.pem"},
        {"jwk": {"kty": "oct", "k": b64(b"k" * 32)}},
    ],
    ids=lambda header: next(iter(header)),
)
async def test_a_key_that_the_token_brings_along_is_not_used(
    stage: Stage, nurse: Person, header: dict[str, Any]
) -> None:
    token = forge(claims_of(nurse.token), "k" * 32, HS256 | header)
    assert await answer_to(stage, f"Bearer {token}") == INVALID


async def test_a_critical_extension_that_is_not_understood_is_refused(stage: Stage, nurse: Person) -> None:
    token = forge(claims_of(nurse.token), stage.settings.jwt_secret, HS256 | {"crit": ["zoa"], "zoa": 1})
    assert await answer_to(stage, f"Bearer {token}") == INVALID


@pytest.mark.parametrize("claim", ["sub", "sid", "tenantId", "exp", "iat", "typ", "iss"])
async def test_every_claim_is_needed(stage: Stage, nurse: Person, claim: str) -> None:
    claims = claims_of(nurse.token)
    del claims[claim]
    assert await answer_to(stage, f"Bearer {forge(claims, stage.settings.jwt_secret)}") == INVALID


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "outra"),
        ("iss", ["zoapets"]),
        ("typ", "refresh"),
        ("typ", None),
        ("sub", "admin"),
        ("sub", ""),
        ("sub", 1),
        ("sub", "' or 1=1 --"),
        ("sid", "x"),
        ("tenantId", "public"),
        ("tenantId", "aurora"),
        ("tenantId", "public; set role postgres"),
        ("tenantId", {"$ne": None}),
        ("exp", "amanhã"),
        ("exp", None),
        ("exp", 1e400),
        ("iat", "ontem"),
        ("iat", 99_999_999_999),
        ("nbf", 99_999_999_999),
        ("nbf", "nunca"),
        ("roles", "Administrador"),
    ],
    ids=ascii,
)
async def test_every_claim_must_be_of_its_kind(stage: Stage, nurse: Person, claim: str, value: Any) -> None:
    claims = claims_of(nurse.token) | {claim: value}
    assert await answer_to(stage, f"Bearer {forge(claims, stage.settings.jwt_secret)}") == INVALID


async def test_claims_that_are_no_object_are_refused(stage: Stage) -> None:
    nothings: list[Any] = [[], "x", 1, None]
    for claims in nothings:
        assert await answer_to(stage, f"Bearer {forge(claims, stage.settings.jwt_secret)}") == INVALID


async def test_a_refresh_token_is_no_access_token(stage: Stage, hospital: Hospital, nurse: Person) -> None:
    sid = UUID(claims_of(nurse.token)["sid"])
    token = stage.runtime.tokens.refresh(
        user_id=nurse.id, tenant_id=hospital.id, sessao_id=sid, generation=0, at=stage.now
    )
    assert await answer_to(stage, f"Bearer {token}") == INVALID
    resigned = forge(claims_of(token), stage.settings.jwt_secret)
    assert await answer_to(stage, f"Bearer {resigned}") == INVALID


async def test_an_expired_token_is_told_so(stage: Stage, nurse: Person) -> None:
    claims = claims_of(nurse.token) | {"exp": int(stage.now.timestamp())}
    token = forge(claims, stage.settings.jwt_secret)
    assert await answer_to(stage, f"Bearer {token}") == (401, "/problemas/token-expirado")


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_token_with_one_letter_changed_is_refused(stage: Stage, nurse: Person, part: int) -> None:
    parts = nurse.token.split(".")
    middle = len(parts[part]) // 2
    letter = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + letter + parts[part][middle + 1 :]
    assert await answer_to(stage, f"Bearer {'.'.join(parts)}") == INVALID


async def test_a_hospital_written_into_the_token_is_refused(
    stage: Stage, other_hospital: Hospital, nurse: Person
) -> None:
    head, body, signature = nurse.token.split(".")
    claims = json.loads(unb64(body)) | {"tenantId": str(other_hospital.id)}
    forged = f"{head}.{b64(json.dumps(claims).encode())}.{signature}"
    assert await answer_to(stage, f"Bearer {forged}") == INVALID


@pytest.mark.parametrize("claim", ["sub", "sid", "tenantId"])
async def test_even_a_well_signed_token_must_match_a_live_session(stage: Stage, nurse: Person, claim: str) -> None:
    claims = claims_of(nurse.token) | {claim: str(uuid4())}
    token = forge(claims, stage.settings.jwt_secret)
    assert await answer_to(stage, f"Bearer {token}") == (401, "/problemas/sessao-encerrada")


async def test_a_well_signed_token_opens_no_other_hospital_and_no_other_persons_session(
    stage: Stage, hospital: Hospital, other_hospital: Hospital, nurse: Person
) -> None:
    admin = await hospital.signed_in("Administrador")
    for astray in ({"tenantId": str(other_hospital.id)}, {"sub": str(admin.id)}):
        token = forge(claims_of(nurse.token) | astray, stage.settings.jwt_secret)
        assert await answer_to(stage, f"Bearer {token}") == (401, "/problemas/sessao-encerrada")


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
    assert await answer_to(stage, authorization) == (401, "/problemas/unauthorized")


@pytest.mark.parametrize(
    "token",
    ["null", "undefined", ".", "..", "...", "a.b.c", "a.b.c.d.e", "{}", "Bearer x", "é.é.é", "A" * 20_000],
    ids=lambda token: ascii(token[:12]),
)
async def test_what_is_no_token_is_invalid(stage: Stage, token: str) -> None:
    assert await answer_to(stage, f"Bearer {token}") == INVALID
