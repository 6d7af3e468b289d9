"""Shapes of doses."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from zoapets.common.paging import PageLimit, PageNumber
from zoapets.common.schema import Note, Query, Read, Reason, Write
from zoapets.entities.internacoes import Prioridade
from zoapets.entities.medicamentos import ListaControle, Via
from zoapets.entities.pets import Especie
from zoapets.entities.prescricoes import StatusPrescricao


class StatusDose(StrEnum):
    """The stored words and `atrasada`, which follows from the clock and the hospital's tolerance."""

    PENDENTE = "pendente"
    ATRASADA = "atrasada"
    REALIZADA = "realizada"
    NAO_REALIZADA = "nao_realizada"
    SUSPENSA = "suspensa"
    ANULADA = "anulada"


class MedicamentoDaDose(Read):
    id: UUID
    nome: str
    principio_ativo: str
    apresentacao: str
    alta_vigilancia: bool
    lista_controle: ListaControle | None


class ItemDaDose(Read):
    """What to give: `dose_calculada` for this patient, `volume_ml` to draw where the concentration is known."""

    id: UUID
    dose: Decimal
    unidade: str
    dose_calculada: Decimal | None
    dose_calculada_unidade: str | None
    volume_ml: Decimal | None
    via: Via
    frequencia_horas: int
    peso_kg: Decimal | None
    orientacoes: str | None
    justificativa_alerta: str | None
    status: StatusPrescricao
    medicamento_id: UUID
    medicamento: MedicamentoDaDose


class LeitoDaDose(Read):
    id: UUID
    codigo: str
    ala: str


class PacienteDaDose(Read):
    """Whom to give it to. `peso_kg` is the last weight; `alergias` the open ones."""

    id: UUID
    nome: str
    especie: Especie
    raca: str | None
    peso_kg: Decimal | None
    alergias: list[str]


class InternacaoDaDose(Read):
    id: UUID
    prioridade: Prioridade
    isolamento: bool
    motivo_isolamento: str | None
    leito: LeitoDaDose | None
    pet: PacienteDaDose


class PrescricaoDaDose(Read):
    id: UUID
    veterinario: str
    internacao: InternacaoDaDose


class DoseNoPainel(Read):
    """A dose as the nurse needs it to act safely. `minutos_atraso` counts from its scheduled time; 0 when not due."""

    id: UUID
    data_hora_agendada: datetime
    status: StatusDose
    minutos_atraso: int
    versao: int
    item: ItemDaDose
    prescricao: PrescricaoDaDose


class Estatisticas(Read):
    """The hospital's day, from midnight to midnight on its wall clock.

    `taxa_adesao` (%) is doses on time over doses due; suspended ones are not due. 100 when none was due yet.
    """

    total: int
    realizadas: int
    realizadas_no_prazo: int
    realizadas_fora_do_prazo: int
    pendentes: int
    atrasadas: int
    nao_realizadas: int
    suspensas: int
    taxa_adesao: float


class Painel(Read):
    """Late beyond the tolerance; due; due within the next hours. Each list the oldest first."""

    atrasadas: list[DoseNoPainel]
    pendentes: list[DoseNoPainel]
    proximas: list[DoseNoPainel]
    estatisticas: Estatisticas


class AdministracaoRead(Read):
    """A dose and what was recorded of it."""

    id: UUID
    prescricao_id: UUID
    prescricao_item_id: UUID
    internacao_id: UUID
    data_hora_agendada: datetime
    status: StatusDose
    minutos_atraso: int
    data_hora_realizada: datetime | None
    realizado_por_id: UUID | None
    registrada_em: datetime | None
    observacoes: str | None
    justificativa: str | None
    motivo_suspensao: str | None
    anulada_em: datetime | None
    anulada_por_id: UUID | None
    motivo_anulacao: str | None
    substitui_id: UUID | None
    created_at: datetime
    updated_at: datetime
    versao: int


class PainelFiltros(Query):
    limite: Annotated[int, Meta(ge=1, le=1000, description="Doses por lista.")] = 50
    horas: Annotated[int, Meta(ge=1, le=24, description="Até quando vão as próximas.")] = 2
    ala_id: UUID | None = None
    leito_id: UUID | None = None


class AdministracaoFiltros(Query):
    status: StatusDose | None = None
    internacao_id: UUID | None = None
    prescricao_id: UUID | None = None
    pet_id: UUID | None = None
    desde: Annotated[datetime, Meta(tz=True)] | None = None
    ate: Annotated[datetime, Meta(tz=True)] | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class Realizacao(Write):
    """When it was given (now, if not said) and what was seen."""

    data_hora_realizada: Annotated[datetime, Meta(tz=True)] | None = None
    observacoes: Note | None = None


class NaoRealizacao(Write):
    """Why it was not given."""

    justificativa: Reason
    observacoes: Note | None = None


class Anulacao(Write):
    """Why the record is void."""

    motivo: Reason
