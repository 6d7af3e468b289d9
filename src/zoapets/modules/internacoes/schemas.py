"""Shapes of internacoes."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from zoapets.common.paging import PageLimit, PageNumber
from zoapets.common.schema import JsonStruct, Note, Query, Read, Reason, Search, Write
from zoapets.entities.internacoes import Prioridade, StatusInternacao
from zoapets.entities.pets import Especie
from zoapets.modules.leitos.schemas import AlaResumo, UnidadeResumo


class TutorDoPaciente(Read):
    """Whom to call."""

    id: UUID
    nome: str
    telefone: str


class Paciente(Read):
    id: UUID
    nome: str
    especie: Especie
    raca: str | None
    tutor: TutorDoPaciente


class LeitoDaInternacao(Read):
    id: UUID
    codigo: str
    ala: AlaResumo


class Responsavel(Read):
    """The veterinarian in charge."""

    id: UUID
    nome: str


class InternacaoListada(Read):
    """A stay in a list. `alertas`: what somebody should look at, such as `isolamento_em_ala_comum`."""

    id: UUID
    status: StatusInternacao
    prioridade: Prioridade
    motivo: str
    isolamento: bool
    motivo_isolamento: str | None
    pet_id: UUID
    pet: Paciente
    leito_id: UUID | None
    leito: LeitoDaInternacao | None
    veterinario_id: UUID
    veterinario: Responsavel
    data_entrada: datetime
    admitida_em: datetime | None
    data_alta: datetime | None
    alertas: list[str]
    created_at: datetime
    updated_at: datetime
    versao: int


class Movimentacao(JsonStruct, frozen=True):
    """A bed of the stay, from `inicio` until `fim`; `motivo`, why the pet came to it from another."""

    leito_id: UUID
    codigo: str
    inicio: datetime
    fim: datetime | None
    motivo: str | None


class InternacaoRead(InternacaoListada):
    """A stay, how it ended, and every bed it had, the first one first."""

    observacoes_alta: str | None
    causa_obito: str | None
    encerrada_por: str | None
    movimentacoes: list[Movimentacao]


class InternacaoCreate(Write):
    """With `leitoId` the pet is admitted at once; without it, it waits. `veterinarioId`: who signs in, if not said."""

    pet_id: UUID
    motivo: Note
    prioridade: Prioridade = Prioridade.MEDIA
    isolamento: bool = False
    motivo_isolamento: Reason | None = None
    leito_id: UUID | None = None
    veterinario_id: UUID | None = None
    data_entrada: Annotated[datetime, Meta(tz=True)] | None = None


class InternacaoUpdate(Write):
    motivo: Note | UnsetType = UNSET
    prioridade: Prioridade | UnsetType = UNSET
    isolamento: bool | UnsetType = UNSET
    motivo_isolamento: Reason | None | UnsetType = UNSET
    veterinario_id: UUID | UnsetType = UNSET


class InternacaoFiltros(Query):
    busca: Search | None = None
    status: StatusInternacao | None = None
    prioridade: Prioridade | None = None
    isolamento: bool | None = None
    ala_id: UUID | None = None
    leito_id: UUID | None = None
    pet_id: UUID | None = None
    veterinario_id: UUID | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class Admissao(Write):
    """The bed of a pet that waits."""

    leito_id: UUID


class Transferencia(Write):
    """The next bed, and why."""

    leito_id: UUID
    motivo: Reason


class Isolamento(Write):
    """Why the patient is isolated."""

    motivo: Reason


class Priorizacao(Write):
    prioridade: Prioridade


class Alta(Write):
    """What to say to who takes the pet home."""

    observacoes: Note | None = None


class Obito(Write):
    causa: Note
    observacoes: Note | None = None


class EstadoLeito(StrEnum):
    """What a bed is, now: what was said of it by hand, or `ocupado`."""

    LIVRE = "livre"
    OCUPADO = "ocupado"
    HIGIENIZACAO = "higienizacao"
    BLOQUEADO = "bloqueado"


class MapaFiltros(Query):
    unidade_id: UUID | None = None
    ala_id: UUID | None = None


class PacienteNoMapa(Read):
    """`peso_kg` is the last weight."""

    id: UUID
    nome: str
    especie: Especie
    peso_kg: Decimal | None


class OcupanteDoLeito(Read):
    """Who lies in a bed since `desde`; `dias` counts whole days in this bed, `data_entrada` is when the pet came."""

    internacao_id: UUID
    pet: PacienteNoMapa
    prioridade: Prioridade
    isolamento: bool
    data_entrada: datetime
    desde: datetime
    dias: int


class LeitoNoMapa(Read):
    id: UUID
    codigo: str
    estado: EstadoLeito
    ocupante: OcupanteDoLeito | None


class TotaisDaAla(Read):
    """How many beds; those being cleaned or blocked are neither taken nor free."""

    leitos: int
    ocupados: int
    livres: int


class AlaNoMapa(Read):
    id: UUID
    nome: str
    isolamento: bool
    totais: TotaisDaAla
    leitos: list[LeitoNoMapa]


class UnidadeNoMapa(Read):
    id: UUID
    nome: str
    alas: list[AlaNoMapa]


class MapaLeitos(Read):
    unidades: list[UnidadeNoMapa]


class OcupanteNaLinha(Read):
    """The occupant as the statement gives it; its first column is null for an empty bed."""

    internacao_id: UUID
    pet: PacienteNoMapa
    prioridade: Prioridade
    isolamento: bool
    data_entrada: datetime
    desde: datetime


class LeitoNaLinha(Read):
    id: UUID
    codigo: str
    estado: EstadoLeito


class LinhaDoMapa(Read):
    """One bed of the map, or an ala without beds."""

    unidade: UnidadeResumo
    ala: AlaResumo
    leito: LeitoNaLinha | None
    ocupante: OcupanteNaLinha | None
