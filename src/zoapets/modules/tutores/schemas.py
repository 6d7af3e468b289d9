"""Shapes of tutores."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, UnsetType

from zoapets.common.paging import PageLimit, PageNumber
from zoapets.common.schema import (
    Cep,
    Documento,
    Email,
    Line,
    Name,
    Note,
    Query,
    Read,
    Reason,
    Search,
    Telefone,
    Uf,
    Write,
)


class TutorRead(Read):
    id: UUID
    nome: str
    documento: str | None
    email: str | None
    telefone: str
    endereco: str | None
    bairro: str | None
    cidade: str | None
    uf: str | None
    cep: str | None
    observacoes: str | None
    arquivado_em: datetime | None
    motivo_arquivamento: str | None
    created_at: datetime
    updated_at: datetime
    versao: int


class TutorResumo(Read):
    """A tutor beside a pet."""

    id: UUID
    nome: str
    telefone: str
    email: str | None


class TutorCreate(Write):
    nome: Name
    telefone: Telefone
    documento: Documento | None = None
    email: Email | None = None
    endereco: Line | None = None
    bairro: Name | None = None
    cidade: Name | None = None
    uf: Uf | None = None
    cep: Cep | None = None
    observacoes: Note | None = None


class TutorUpdate(Write):
    nome: Name | UnsetType = UNSET
    telefone: Telefone | UnsetType = UNSET
    documento: Documento | None | UnsetType = UNSET
    email: Email | None | UnsetType = UNSET
    endereco: Line | None | UnsetType = UNSET
    bairro: Name | None | UnsetType = UNSET
    cidade: Name | None | UnsetType = UNSET
    uf: Uf | None | UnsetType = UNSET
    cep: Cep | None | UnsetType = UNSET
    observacoes: Note | None | UnsetType = UNSET


class TutorFiltros(Query):
    busca: Search | None = None
    uf: Uf | None = None
    documento: Documento | None = None
    arquivados: bool | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class Arquivamento(Write):
    """Why a record is put away."""

    motivo: Reason
