"""Shapes of users."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from zoapets.common.paging import PageLimit, PageNumber
from zoapets.common.schema import Crmv, Email, JsonStruct, Name, Query, Read, Reason, Search, Telefone, Uf, Write
from zoapets.core.auth.schemas import NewPassword

RoleIds = Annotated[list[UUID], Meta(min_length=1, max_length=50, description="Os perfis da pessoa, todos eles.")]


class RoleDoUser(JsonStruct, frozen=True):
    """A role beside who has it."""

    id: UUID
    nome: str


class UserRead(Read):
    """A person, without the password. `senha_trocada_em` is null while the first one is in use."""

    id: UUID
    nome: str
    email: str
    telefone: str | None
    crmv: str | None
    crmv_uf: str | None
    ativo: bool
    roles: list[RoleDoUser]
    senha_trocada_em: datetime | None
    created_at: datetime
    updated_at: datetime
    versao: int


class UserCreate(Write):
    nome: Name
    email: Email
    senha: NewPassword
    role_ids: RoleIds
    telefone: Telefone | None = None
    crmv: Crmv | None = None
    crmv_uf: Uf | None = None


class UserUpdate(Write):
    """`role_ids` replaces the whole set; the password and whether they may come in have routes of their own."""

    nome: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    role_ids: RoleIds | UnsetType = UNSET
    telefone: Telefone | None | UnsetType = UNSET
    crmv: Crmv | None | UnsetType = UNSET
    crmv_uf: Uf | None | UnsetType = UNSET


class UserFiltros(Query):
    busca: Search | None = None
    ativo: bool | None = None
    role_id: UUID | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class Desativacao(Write):
    """Why somebody may no longer come in."""

    motivo: Reason


class NovaSenha(Write):
    nova_senha: NewPassword
