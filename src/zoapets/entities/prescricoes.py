"""What the vet ordered, and every dose that follows from it (RAM: registro de administração de medicamentos)."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from zoapets.entities.base import Dated, Entity, Identified, Versioned, word
from zoapets.entities.medicamentos import Via


class TipoPrescricao(StrEnum):
    AMBULATORIAL = "ambulatorial"
    HOSPITALAR = "hospitalar"


class StatusPrescricao(StrEnum):
    """Of a prescription and of each of its items; `encerrada` and `suspensa` with a reason."""

    ATIVA = "ativa"
    SUSPENSA = "suspensa"
    ENCERRADA = "encerrada"

    @property
    def is_final(self) -> bool:
        return self is StatusPrescricao.ENCERRADA


class StatusAdministracao(StrEnum):
    """The stored words. `atrasada` is the seed's fourth: derived from the clock when read, never stored."""

    PENDENTE = "pendente"
    REALIZADA = "realizada"
    NAO_REALIZADA = "nao_realizada"
    SUSPENSA = "suspensa"
    ANULADA = "anulada"


class Prescricao(Identified, Dated, Versioned, Entity):
    __tablename__ = "prescricoes"

    pet_id: Mapped[UUID] = mapped_column(ForeignKey("pets.id"), index=True)
    internacao_id: Mapped[UUID | None] = mapped_column(ForeignKey("internacoes.id"), index=True)
    veterinario_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    tipo: Mapped[TipoPrescricao] = mapped_column(word(TipoPrescricao))
    status: Mapped[StatusPrescricao] = mapped_column(word(StatusPrescricao), server_default="ativa")
    observacoes: Mapped[str | None]
    motivo_status: Mapped[str | None]

    __table_args__ = (
        Index("ix_prescricoes_created_at", text("created_at desc"), text("id desc")),
        CheckConstraint("tipo = 'ambulatorial' or internacao_id is not null", name="hospitalar_tem_internacao"),
        CheckConstraint("status = 'ativa' or motivo_status is not null", name="motivo"),
    )


class PrescricaoItem(Identified, Dated, Versioned, Entity):
    """One drug of a prescription. `peso_kg` is the weight it was ordered on, frozen; `dose_calculada` follows."""

    __tablename__ = "prescricao_itens"

    prescricao_id: Mapped[UUID] = mapped_column(ForeignKey("prescricoes.id"), index=True)
    medicamento_id: Mapped[UUID] = mapped_column(ForeignKey("medicamentos.id"), index=True)
    dose: Mapped[Decimal] = mapped_column(Numeric(14, 4))
    unidade: Mapped[str]
    via: Mapped[Via] = mapped_column(word(Via))
    frequencia_horas: Mapped[int]
    duracao_dias: Mapped[int]
    inicio: Mapped[datetime]
    peso_kg: Mapped[Decimal | None] = mapped_column(Numeric(8, 3))
    dose_calculada: Mapped[Decimal | None] = mapped_column(Numeric(14, 4))
    dose_calculada_unidade: Mapped[str | None]
    volume_ml: Mapped[Decimal | None] = mapped_column(Numeric(14, 4))
    orientacoes: Mapped[str | None]
    justificativa_alerta: Mapped[str | None]
    alertas: Mapped[list[dict[str, str]]] = mapped_column(JSONB, server_default="[]")
    status: Mapped[StatusPrescricao] = mapped_column(word(StatusPrescricao), server_default="ativa")
    motivo_status: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("dose > 0", name="dose"),
        CheckConstraint("frequencia_horas between 1 and 168", name="frequencia"),
        CheckConstraint("duracao_dias between 1 and 90", name="duracao"),
        CheckConstraint("status = 'ativa' or motivo_status is not null", name="motivo"),
    )


class Administracao(Identified, Dated, Versioned, Entity):
    """One dose: scheduled once, recorded once, by a named person. A trigger refuses any other change of a record."""

    __tablename__ = "administracoes"

    # Where it belongs: a trigger sees that the three fit together (exigir_dose_no_lugar), for all new doses at once.
    prescricao_id: Mapped[UUID]
    prescricao_item_id: Mapped[UUID]
    internacao_id: Mapped[UUID]
    data_hora_agendada: Mapped[datetime]
    status: Mapped[StatusAdministracao] = mapped_column(word(StatusAdministracao), server_default="pendente")
    data_hora_realizada: Mapped[datetime | None]
    realizado_por_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    registrada_em: Mapped[datetime | None]
    observacoes: Mapped[str | None]
    justificativa: Mapped[str | None]
    motivo_suspensao: Mapped[str | None]
    anulada_em: Mapped[datetime | None]
    anulada_por_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    motivo_anulacao: Mapped[str | None]
    substitui_id: Mapped[UUID | None] = mapped_column(ForeignKey("administracoes.id"))

    __table_args__ = (
        CheckConstraint(
            "status <> 'realizada' or (data_hora_realizada is not null and realizado_por_id is not null)",
            name="realizada_por_alguem",
        ),
        CheckConstraint(
            "status <> 'nao_realizada' or (justificativa is not null and realizado_por_id is not null)",
            name="nao_realizada_com_justificativa",
        ),
        CheckConstraint(
            "(status = 'anulada') = (anulada_em is not null and anulada_por_id is not null"
            " and motivo_anulacao is not null)",
            name="anulada_com_motivo",
        ),
        CheckConstraint("status <> 'suspensa' or motivo_suspensao is not null", name="suspensa_com_motivo"),
        # A dose is on the schedule once; a voided record leaves its place to the one that replaces it.
        Index(
            "uq_administracoes_item_agendada",
            "prescricao_item_id",
            "data_hora_agendada",
            unique=True,
            postgresql_where=text("status <> 'anulada'"),
        ),
        Index(
            "ix_administracoes_pendentes",
            "data_hora_agendada",
            "id",
            postgresql_where=text("status = 'pendente'"),
        ),
        # What is rare among a million doses, and looked for all the same.
        Index(
            "ix_administracoes_raras",
            "status",
            "data_hora_agendada",
            "id",
            postgresql_where=text("status in ('nao_realizada', 'suspensa', 'anulada')"),
        ),
        # The panel's day is counted in the index alone.
        Index(
            "ix_administracoes_agendada",
            "data_hora_agendada",
            "id",
            postgresql_include=["status", "data_hora_realizada"],
        ),
        Index("ix_administracoes_internacao", "internacao_id", "data_hora_agendada"),
        Index(
            "uq_administracoes_substitui",
            "substitui_id",
            unique=True,
            postgresql_where=text("substitui_id is not null"),
        ),
    )
