"""Shapes of prescriptions."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from zoapets.common.paging import PageLimit, PageNumber
from zoapets.common.schema import JsonStruct, Note, Number, Query, Read, Reason, Write
from zoapets.entities.medicamentos import Via
from zoapets.entities.pets import Especie
from zoapets.entities.prescricoes import StatusPrescricao, TipoPrescricao
from zoapets.modules.prescricoes.rules import UnidadeDose

Hours = Annotated[int, Meta(ge=1, le=168, description="Uma dose a cada tantas horas.")]
Days = Annotated[int, Meta(ge=1, le=90, description="Por tantos dias.")]
Instant = Annotated[datetime, Meta(tz=True)]


class Dose(Number):
    """A dose, in the unit of its item."""

    most = Decimal(9_999_999)
    places = 4
    example = 25


class Alerta(JsonStruct, frozen=True):
    """A warning. One that is `grave` needs a written reason to be overridden."""

    codigo: str
    mensagem: str
    grave: bool


class ItemCreate(Write):
    medicamento_id: UUID
    dose: Dose
    unidade: UnidadeDose
    via: Via
    frequencia_horas: Hours
    duracao_dias: Days
    inicio: Instant
    orientacoes: Note | None = None
    justificativa_alerta: Reason | None = None


class PrescricaoCreate(Write):
    pet_id: UUID
    tipo: TipoPrescricao
    itens: Annotated[list[ItemCreate], Meta(min_length=1, max_length=30)]
    internacao_id: UUID | None = None
    observacoes: Note | None = None


class PrescricaoUpdate(Write):
    observacoes: Note | None | UnsetType = UNSET


class Mudanca(Write):
    """Why a prescription, or an item, is suspended or ended."""

    motivo: Reason


class ItemRead(JsonStruct, frozen=True):
    """One drug. `dose_calculada` and `volume_ml` follow from the weight (kg) it was ordered on."""

    id: UUID
    medicamento_id: UUID
    medicamento: str
    alta_vigilancia: bool
    dose: Decimal
    unidade: str
    via: str
    frequencia_horas: int
    duracao_dias: int
    inicio: datetime
    peso_kg: Decimal | None
    dose_calculada: Decimal | None
    dose_calculada_unidade: str | None
    volume_ml: Decimal | None
    orientacoes: str | None
    justificativa_alerta: str | None
    alertas: list[Alerta]
    status: StatusPrescricao
    motivo_status: str | None


class PrescricaoListada(Read):
    id: UUID
    tipo: TipoPrescricao
    status: StatusPrescricao
    pet_id: UUID
    pet: str
    internacao_id: UUID | None
    veterinario_id: UUID
    veterinario: str
    itens: int
    created_at: datetime
    versao: int


class PrescricaoRead(Read):
    id: UUID
    tipo: TipoPrescricao
    status: StatusPrescricao
    motivo_status: str | None
    observacoes: str | None
    pet_id: UUID
    internacao_id: UUID | None
    veterinario_id: UUID
    veterinario: str
    itens: list[ItemRead]
    created_at: datetime
    updated_at: datetime
    versao: int


class PrescricaoCriada(PrescricaoRead):
    """A new prescription, and how many doses were scheduled."""

    administracoes_geradas: int


class PrescricaoFiltros(Query):
    pet_id: UUID | None = None
    internacao_id: UUID | None = None
    status: StatusPrescricao | None = None
    tipo: TipoPrescricao | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


# --- what prescribing looks at first


class Patient(Read):
    """The patient, and the status of the stay that was named, as of now."""

    id: UUID
    especie: Especie
    arquivado_em: datetime | None
    obito_em: datetime | None
    peso_kg: Decimal | None
    pesado_em: datetime | None
    alergias: list[str]
    internacao: str | None


class FaixaDoMedicamento(JsonStruct, frozen=True):
    via: str | None
    dose_min: Decimal
    dose_max: Decimal
    unidade: str
    fonte: str


class Drug(Read):
    """A presentation with the ranges for the patient's species, and whether it is being given already."""

    id: UUID
    nome: str
    principio_ativo: str
    classe: str | None
    concentracao: Decimal | None
    concentracao_unidade: str | None
    vias: list[str]
    alta_vigilancia: bool
    arquivado_em: datetime | None
    faixas: list[FaixaDoMedicamento]
    em_uso: bool
