"""What goes into and out of `/auth`."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from zoapets.common.schema import NOT_BLANK, PRINTABLE, Email, Read, Write
from zoapets.core.auth.passwords import LONGEST, SHORTEST

Password = Annotated[str, Meta(min_length=1, max_length=LONGEST, pattern=PRINTABLE)]
NewPassword = Annotated[str, Meta(min_length=SHORTEST, max_length=LONGEST, pattern=NOT_BLANK)]
Token = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^[A-Za-z0-9._=-]+$")]
HospitalRef = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        pattern=NOT_BLANK,
        description="O id ou o slug do hospital; dispensável quando o e-mail é de um só hospital.",
    ),
]


class LoginWrite(Write):
    email: Email
    password: Password
    tenant_id: HospitalRef | None = None


class RefreshWrite(Write):
    refresh_token: Token


class TrocaDeSenhaWrite(Write):
    senha_atual: Password
    nova_senha: NewPassword


class HospitalBrief(Read):
    id: UUID
    slug: str
    nome: str


class HospitalDoLogin(HospitalBrief):
    """`fuso` is the zone of the hospital's wall clock."""

    fuso: str


class UserDoLogin(Read):
    """Who has just signed in, and what they may do."""

    id: UUID
    nome: str
    email: str
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    tenant_id: UUID
    hospital: HospitalBrief


class TokensRead(Read):
    """`expires_in`: seconds of life of the access token."""

    access_token: str
    refresh_token: str
    expires_in: int


class LoginRead(TokensRead):
    user: UserDoLogin


class MeRead(Read):
    id: UUID
    nome: str
    email: str
    roles: tuple[str, ...]
    permissions: tuple[str, ...]
    tenant_id: UUID
    hospital: HospitalDoLogin
    sessao_id: UUID | None


class SessaoRead(Read):
    """`atual`: the session that asks."""

    id: UUID
    criada_em: datetime
    renovada_em: datetime
    expira_em: datetime
    ip: str | None
    dispositivo: str | None
    atual: bool
