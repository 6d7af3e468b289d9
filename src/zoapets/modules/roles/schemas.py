"""Shapes of roles."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from zoapets.common.paging import PageLimit, PageNumber
from zoapets.common.schema import Line, Name, Query, Read, Search, Write
from zoapets.core.permissions import Permission

# Not an enum: every wrong one is named by its place, also those that exist elsewhere.
Permissoes = Annotated[list[Name], Meta(max_length=200, description="Como em GET /roles/permissoes: `recurso:acao`.")]


class RoleRead(Read):
    """`sistema`: one of those that every hospital starts with."""

    id: UUID
    nome: str
    descricao: str | None
    permissoes: list[str]
    sistema: bool
    created_at: datetime
    updated_at: datetime
    versao: int


class RoleCreate(Write):
    nome: Name
    permissoes: Permissoes
    descricao: Line | None = None


class RoleUpdate(Write):
    """`permissoes` replaces the whole set."""

    nome: Name | UnsetType = UNSET
    descricao: Line | None | UnsetType = UNSET
    permissoes: Permissoes | UnsetType = UNSET


class RoleFiltros(Query):
    busca: Search | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class PermissaoRead(Read):
    """A permission that a role here may hold."""

    permissao: Permission
    recurso: str
    acao: str
    descricao: str
