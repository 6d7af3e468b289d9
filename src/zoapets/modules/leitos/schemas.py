"""Shapes of unidades, alas and leitos."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, UnsetType

from zoapets.common.paging import PageLimit, PageNumber
from zoapets.common.schema import Line, Name, Query, Read, Search, Write
from zoapets.entities.internacoes import SituacaoLeito


class UnidadeResumo(Read):
    """A unidade beside what it holds."""

    id: UUID
    nome: str


class AlaResumo(Read):
    """An ala beside a bed of it."""

    id: UUID
    nome: str
    isolamento: bool


class UnidadeRead(Read):
    id: UUID
    nome: str
    endereco: str | None
    arquivado_em: datetime | None
    motivo_arquivamento: str | None
    created_at: datetime
    updated_at: datetime
    versao: int


class UnidadeCreate(Write):
    nome: Name
    endereco: Line | None = None


class UnidadeUpdate(Write):
    nome: Name | UnsetType = UNSET
    endereco: Line | None | UnsetType = UNSET


class UnidadeFiltros(Query):
    busca: Search | None = None
    arquivados: bool | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class AlaRead(Read):
    id: UUID
    nome: str
    isolamento: bool
    unidade: UnidadeResumo
    arquivado_em: datetime | None
    motivo_arquivamento: str | None
    created_at: datetime
    updated_at: datetime
    versao: int


class AlaCreate(Write):
    unidade_id: UUID
    nome: Name
    isolamento: bool = False


class AlaUpdate(Write):
    nome: Name | UnsetType = UNSET
    isolamento: bool | UnsetType = UNSET


class AlaFiltros(Query):
    busca: Search | None = None
    unidade_id: UUID | None = None
    isolamento: bool | None = None
    arquivados: bool | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class LeitoRead(Read):
    """A bed. `situacao` is what was said of it by hand; `ocupado`, whether a patient lies in it."""

    id: UUID
    codigo: str
    situacao: SituacaoLeito
    ocupado: bool
    ala: AlaResumo
    unidade: UnidadeResumo
    arquivado_em: datetime | None
    motivo_arquivamento: str | None
    created_at: datetime
    updated_at: datetime
    versao: int


class LeitoCreate(Write):
    ala_id: UUID
    codigo: Name
    situacao: SituacaoLeito = SituacaoLeito.LIVRE


class LeitoSituacao(Write):
    """What a nurse says of a bed."""

    situacao: SituacaoLeito


class LeitoUpdate(Write):
    codigo: Name | UnsetType = UNSET
    ala_id: UUID | UnsetType = UNSET
    situacao: SituacaoLeito | UnsetType = UNSET


class LeitoFiltros(Query):
    busca: Search | None = None
    situacao: SituacaoLeito | None = None
    ocupado: bool | None = None
    ala_id: UUID | None = None
    unidade_id: UUID | None = None
    arquivados: bool | None = None
    page: PageNumber = 1
    limit: PageLimit = 20
