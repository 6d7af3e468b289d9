"""Everybody who may come to the door: each role there is, in each condition that a person or their token can be in."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from tests.cast import Hospital, Person
from tests.core.auth.forgery import HS256, claims_of, part
from zoapets.core.permissions import ADMINISTRADOR, HOSPITAL, PLATFORM, PLATFORM_ROLE, ROLES, Permission

NOTHING, EVERYTHING = "Sem permissões", "Tudo por escrito"
# What each role may do where it is. A hospital's role in which the platform's permissions are written has none of them.
MAY: dict[str, frozenset[Permission]] = {
    **ROLES,
    PLATFORM_ROLE: PLATFORM | ROLES[ADMINISTRADOR],
    NOTHING: frozenset(),
    EVERYTHING: HOSPITAL,
}
# What is written in the roles that no hospital starts with.
WRITTEN = {
    NOTHING: frozenset[Permission](),
    EVERYTHING: frozenset(Permission),
    PLATFORM_ROLE: MAY[PLATFORM_ROLE],
}

WELL = "as they are"
# What each of the others is told, whatever they ask: the status, and the problem.
REFUSALS = {
    "deactivated user": (401, "sessao-encerrada"),
    "revoked session": (401, "sessao-encerrada"),
    "session past its end": (401, "sessao-encerrada"),
    "expired token": (401, "token-expirado"),
    "no token": (401, "unauthorized"),
    "refresh token": (401, "token-invalido"),
    "tampered signature": (401, "token-invalido"),
    "tampered payload": (401, "token-invalido"),
    "tampered header": (401, "token-invalido"),
    "session of another hospital": (401, "sessao-encerrada"),
    "suspended hospital": (403, "hospital-suspenso"),
}


@dataclass(frozen=True)
class Caller:
    """Somebody at the door; `refusal` is what they are told whatever they ask, unless it is for anybody."""

    role: str
    condition: str
    authorization: str | None
    permissions: frozenset[Permission]
    refusal: tuple[int, str] | None = None

    def __str__(self) -> str:
        return f"{self.role}, {self.condition}"


async def callers(home: Hospital, platform: Hospital, suspended: Hospital) -> list[Caller]:
    """Every role in every condition; `suspended` is active until now."""
    for hospital in (home, suspended):
        for role, permissions in WRITTEN.items():
            await hospital.sql(
                "insert into {s}.roles (id, nome, permissoes) values (gen_random_uuid(), $1, $2)",
                role,
                sorted(permissions),
            )
    found = []
    for role, may in MAY.items():
        hospital = platform if role == PLATFORM_ROLE else home
        tokens = await _tokens(hospital, role)
        person = await suspended.signed_in(role, new=True)
        tokens["suspended hospital"] = person.token
        tokens["session of another hospital"] = _token(hospital, person)
        for condition, token in tokens.items():
            authorization = None if token is None else f"Bearer {token}"
            found.append(Caller(role, condition, authorization, may, REFUSALS.get(condition)))
    await suspended.sql("update public.tenants set status = 'suspenso' where id = $1", suspended.id)
    return found


async def _tokens(hospital: Hospital, role: str) -> dict[str, str | None]:
    """By condition; each is of a person of this role."""
    well = await hospital.signed_in(role, new=True)
    head, body, signature = well.token.split(".")
    letter = "A" if signature[20] != "A" else "B"
    return {
        WELL: well.token,
        "deactivated user": await _after(hospital, role, "update {s}.users set ativo = false where id = $1"),
        "revoked session": await _after(
            hospital, role, "update {s}.sessoes set revogada_em = now() where user_id = $1"
        ),
        "session past its end": await _after(
            hospital, role, "update {s}.sessoes set expira_em = criada_em where user_id = $1"
        ),
        "expired token": _token(hospital, well, days_ago=366),
        "no token": None,
        "refresh token": hospital.stage.runtime.tokens.refresh(
            user_id=well.id, tenant_id=hospital.id, sessao_id=_session(well), generation=0, at=hospital.stage.now
        ),
        "tampered signature": f"{head}.{body}.{signature[:20]}{letter}{signature[21:]}",
        "tampered payload": f"{head}.{part(claims_of(well.token) | {'roles': [ADMINISTRADOR]})}.{signature}",
        "tampered header": f"{part(HS256 | {'kid': '1'})}.{body}.{signature}",
    }


async def _after(hospital: Hospital, role: str, change: str) -> str:
    """The token of somebody to whom this has happened."""
    person = await hospital.signed_in(role, new=True)
    await hospital.sql(change, person.id)
    return person.token


def _token(hospital: Hospital, person: Person, *, days_ago: int = 1) -> str:
    """A token that this hospital signed for a person, wherever they are."""
    stage = hospital.stage
    return stage.runtime.tokens.access(
        user_id=person.id,
        email=person.email,
        roles=(),
        tenant_id=hospital.id,
        sessao_id=_session(person),
        now=stage.now - timedelta(days=days_ago),
    )


def _session(person: Person) -> UUID:
    return UUID(claims_of(person.token)["sid"])
