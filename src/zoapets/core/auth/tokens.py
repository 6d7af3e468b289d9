"""Tokens: JWT, HS256, with the seed's claims (`sub, email, roles, tenantId`) and the session (`sid`).

Access and refresh tokens differ in secret and in `typ`, so that neither passes for the other. A refresh token is a
function of its session and generation: the one that follows can be said again to a client that lost the answer.
"""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

import jwt
import msgspec

from zoapets.common.errors import Unauthorized

ISSUER = "zoapets"
# Of three parts, the signature's 32 bytes spelled in the one way that leaves no bit over.
SPELLING = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{42}[048AEIMQUYcgkosw]", re.ASCII)
C = TypeVar("C", "Claims", "RefreshClaims")


class TokenInvalido(Unauthorized):
    """The token is forged, damaged or of another kind."""

    title = "O token não é válido."
    advice = "Entre de novo em POST /auth/login."


class TokenExpirado(Unauthorized):
    """The token's time is over."""

    title = "O token expirou."
    advice = "Renove com POST /auth/refresh, ou entre de novo em POST /auth/login."


class Claims(msgspec.Struct, frozen=True):
    """Of an access token."""

    sub: str
    sid: str
    tenant_id: str = msgspec.field(name="tenantId")
    exp: int
    iat: int
    typ: str
    iss: str
    email: str = ""
    roles: list[str] = []


class RefreshClaims(msgspec.Struct, frozen=True):
    """Of a refresh token: `gen` counts the rotations of its session."""

    sub: str
    sid: str
    tenant_id: str = msgspec.field(name="tenantId")
    gen: int
    exp: int
    iat: int
    typ: str
    iss: str


class Tokens:
    """Makes and reads tokens."""

    def __init__(self, *, secret: str, refresh_secret: str, expires: timedelta, refresh_expires: timedelta) -> None:
        self._secret = secret
        self._refresh_secret = refresh_secret
        self.expires = expires
        self.refresh_expires = refresh_expires
        # A signature holds for ever; only the time must be looked at again. A client sends one token many times.
        self._verified = lru_cache(maxsize=8192)(self._verify_access)

    def access(
        self, *, user_id: UUID, email: str, roles: tuple[str, ...], tenant_id: UUID, sessao_id: UUID, now: datetime
    ) -> str:
        return self._sign(
            self._secret,
            now,
            self.expires,
            typ="access",
            sub=str(user_id),
            email=email,
            roles=list(roles),
            tenantId=str(tenant_id),
            sid=str(sessao_id),
        )

    def refresh(self, *, user_id: UUID, tenant_id: UUID, sessao_id: UUID, generation: int, at: datetime) -> str:
        """The same token for the same session, generation and instant."""
        return self._sign(
            self._refresh_secret,
            at,
            self.refresh_expires,
            typ="refresh",
            sub=str(user_id),
            tenantId=str(tenant_id),
            sid=str(sessao_id),
            gen=generation,
        )

    def read_access(self, token: str, now: datetime) -> Claims:
        """The claims of a valid access token. TokenInvalido or TokenExpirado otherwise."""
        claims = self._verified(token)
        _check_time(claims.iat, claims.exp, now)
        return claims

    def read_refresh(self, token: str, now: datetime) -> RefreshClaims:
        claims = _read(token, self._refresh_secret, "refresh", RefreshClaims)
        _check_time(claims.iat, claims.exp, now)
        return claims

    def _verify_access(self, token: str) -> Claims:
        return _read(token, self._secret, "access", Claims)

    def _sign(self, secret: str, now: datetime, lasts: timedelta, **claims: Any) -> str:
        issued = int(now.timestamp())
        times = {"iat": issued, "exp": issued + int(lasts.total_seconds()), "iss": ISSUER}
        return jwt.encode({**claims, **times}, secret, algorithm="HS256")


def _read(token: str, secret: str, kind: str, model: type[C]) -> C:
    if SPELLING.fullmatch(token) is None:
        raise TokenInvalido
    try:
        payload = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            issuer=ISSUER,
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": True, "require": ["exp", "iat", "iss"]},
        )
        claims = msgspec.convert(payload, model)
        for name in (claims.sub, claims.sid, claims.tenant_id):
            UUID(name)
    except (jwt.PyJWTError, msgspec.ValidationError, ValueError) as error:
        raise TokenInvalido from error
    if claims.typ != kind:
        raise TokenInvalido
    return claims


def _check_time(issued: int, expires: int, now: datetime) -> None:
    at = now.timestamp()
    if at >= expires:
        raise TokenExpirado
    # Half a minute for clocks that differ between machines.
    if issued > at + 30:
        raise TokenInvalido
