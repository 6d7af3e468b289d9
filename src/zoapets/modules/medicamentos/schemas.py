"""Shapes of medicamentos."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from zoapets.common.paging import PageLimit, PageNumber
from zoapets.common.schema import Line, Name, Note, Number, Query, Read, Search, Write
from zoapets.entities.medicamentos import Forma, ListaControle, Via
from zoapets.entities.pets import Especie


class UnidadeConcentracao(StrEnum):
    """What `concentracao` counts, per mL or per unit."""

    MG_ML = "mg/mL"
    MCG_ML = "mcg/mL"
    UI_ML = "UI/mL"
    MEQ_ML = "mEq/mL"
    G_ML = "g/mL"
    MG_COMPRIMIDO = "mg/comprimido"
    MG_CAPSULA = "mg/capsula"
    MCG_COMPRIMIDO = "mcg/comprimido"


class UnidadeFaixa(StrEnum):
    """What a range counts, per kg of weight or per dose."""

    MG_KG = "mg/kg"
    MCG_KG = "mcg/kg"
    UI_KG = "UI/kg"
    ML_KG = "mL/kg"
    MG = "mg"
    MCG = "mcg"
    UI = "UI"
    ML = "mL"


class Concentracao(Number):
    """A concentration, in the unit beside it."""

    most = Decimal(1_000_000)
    places = 6
    example = 50


class DoseDaFaixa(Number):
    """An end of a dose range, in the unit beside it."""

    most = Decimal(1_000_000)
    example = 2.5


Vias = Annotated[list[Via], Meta(min_length=1, max_length=len(Via), description="Vias, sem repetir.")]
Horas = Annotated[int, Meta(ge=1, le=8760, description="Horas entre doses.")]


class MedicamentoRead(Read):
    id: UUID
    nome: str
    principio_ativo: str
    apresentacao: str
    forma: Forma
    concentracao: Decimal | None
    concentracao_unidade: UnidadeConcentracao | None
    vias: list[Via]
    alta_vigilancia: bool
    lista_controle: ListaControle | None
    classe: str | None
    observacoes: str | None
    arquivado_em: datetime | None
    motivo_arquivamento: str | None
    created_at: datetime
    updated_at: datetime
    versao: int


class MedicamentoCreate(Write):
    nome: Name
    principio_ativo: Line
    apresentacao: Line
    vias: Vias
    forma: Forma = Forma.OUTRO
    concentracao: Concentracao | None = None
    concentracao_unidade: UnidadeConcentracao | None = None
    alta_vigilancia: bool = False
    lista_controle: ListaControle | None = None
    classe: Name | None = None
    observacoes: Note | None = None


class MedicamentoUpdate(Write):
    nome: Name | UnsetType = UNSET
    principio_ativo: Line | UnsetType = UNSET
    apresentacao: Line | UnsetType = UNSET
    vias: Vias | UnsetType = UNSET
    forma: Forma | UnsetType = UNSET
    concentracao: Concentracao | None | UnsetType = UNSET
    concentracao_unidade: UnidadeConcentracao | None | UnsetType = UNSET
    alta_vigilancia: bool | UnsetType = UNSET
    lista_controle: ListaControle | None | UnsetType = UNSET
    classe: Name | None | UnsetType = UNSET
    observacoes: Note | None | UnsetType = UNSET


class MedicamentoFiltros(Query):
    busca: Search | None = None
    alta_vigilancia: bool | None = None
    lista_controle: ListaControle | None = None
    via: Via | None = None
    arquivados: bool | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class FaixaRead(Read):
    """A dose range for a species, by any route when `via` is null."""

    id: UUID
    medicamento_id: UUID
    especie: Especie
    via: Via | None
    dose_min: Decimal
    dose_max: Decimal
    unidade: UnidadeFaixa
    frequencia_horas_min: int | None
    frequencia_horas_max: int | None
    fonte: str
    created_at: datetime


class FaixaCreate(Write):
    """A range without its source is worth nothing: `fonte` is required."""

    especie: Especie
    dose_min: DoseDaFaixa
    dose_max: DoseDaFaixa
    unidade: UnidadeFaixa
    fonte: Line
    via: Via | None = None
    frequencia_horas_min: Horas | None = None
    frequencia_horas_max: Horas | None = None
