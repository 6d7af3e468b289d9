"""Shapes of pets."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from zoapets.common.paging import PageLimit, PageNumber
from zoapets.common.schema import JsonStruct, Line, Microchip, Name, Note, Number, Query, Read, Reason, Search, Write
from zoapets.entities.internacoes import StatusInternacao
from zoapets.entities.pets import Especie, Gravidade, Sexo
from zoapets.modules.tutores.schemas import TutorResumo


class Peso(Number):
    """A weight in kg."""

    most = Decimal(2000)
    example = 12.4


class PetListado(Read):
    """A pet in a list."""

    id: UUID
    nome: str
    especie: Especie
    raca: str | None
    sexo: Sexo
    data_nascimento: date | None
    microchip: str | None
    obito_em: datetime | None
    tutor_id: UUID
    tutor: TutorResumo
    created_at: datetime
    updated_at: datetime
    versao: int


class InternacaoDoPet(JsonStruct, frozen=True):
    """A stay, beside its pet."""

    id: UUID
    status: StatusInternacao
    motivo: str
    prioridade: str
    data_entrada: datetime
    data_alta: datetime | None


class PetRead(Read):
    """A pet with its last weight (kg), its tutor and its stays, the newest first."""

    id: UUID
    nome: str
    especie: Especie
    raca: str | None
    sexo: Sexo
    castrado: bool | None
    pelagem: str | None
    data_nascimento: date | None
    microchip: str | None
    observacoes: str | None
    obito_em: datetime | None
    peso_kg: Decimal | None
    alergias: list[str]
    tutor_id: UUID
    tutor: TutorResumo
    internacoes: list[InternacaoDoPet]
    arquivado_em: datetime | None
    motivo_arquivamento: str | None
    created_at: datetime
    updated_at: datetime
    versao: int


class PetCreate(Write):
    nome: Name
    especie: Especie
    tutor_id: UUID
    raca: Name | None = None
    sexo: Sexo = Sexo.INDEFINIDO
    castrado: bool | None = None
    pelagem: Name | None = None
    data_nascimento: date | None = None
    microchip: Microchip | None = None
    observacoes: Note | None = None


class PetUpdate(Write):
    nome: Name | UnsetType = UNSET
    especie: Especie | UnsetType = UNSET
    tutor_id: UUID | UnsetType = UNSET
    raca: Name | None | UnsetType = UNSET
    sexo: Sexo | UnsetType = UNSET
    castrado: bool | None | UnsetType = UNSET
    pelagem: Name | None | UnsetType = UNSET
    data_nascimento: date | None | UnsetType = UNSET
    microchip: Microchip | None | UnsetType = UNSET
    observacoes: Note | None | UnsetType = UNSET


class PetFiltros(Query):
    busca: Search | None = None
    tutor_id: UUID | None = None
    especie: Especie | None = None
    microchip: Microchip | None = None
    arquivados: bool | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class PesoCreate(Write):
    peso_kg: Peso
    medido_em: Annotated[datetime, Meta(tz=True)] | None = None
    origem: Line | None = None


class PesoRead(Read):
    id: UUID
    peso_kg: Decimal
    medido_em: datetime
    origem: str | None
    registrado_por: str


class AlergiaCreate(Write):
    substancia: Name
    gravidade: Gravidade
    reacao: Line | None = None


class AlergiaRead(Read):
    id: UUID
    substancia: str
    reacao: str | None
    gravidade: Gravidade
    registrada_em: datetime
    registrada_por: str
    erro_em: datetime | None
    erro_motivo: str | None


class AlergiaErro(Write):
    """Why an allergy was entered in error."""

    motivo: Reason


class Acontecimento(Read):
    """One thing that happened to a pet."""

    em: datetime
    tipo: str
    id: UUID
    resumo: str
    autor: str | None


class HistoricoFiltros(Query):
    page: PageNumber = 1
    limit: PageLimit = 50
