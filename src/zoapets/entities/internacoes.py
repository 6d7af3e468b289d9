"""The house of the hospital (unidades, alas, leitos) and who stays in it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from zoapets.entities.base import Archived, Dated, Entity, Identified, Versioned, word


class SituacaoLeito(StrEnum):
    """What may be said of a bed by hand; whether it is taken follows from `ocupacoes`."""

    LIVRE = "livre"
    HIGIENIZACAO = "higienizacao"
    BLOQUEADO = "bloqueado"


class StatusInternacao(StrEnum):
    AGUARDANDO = "aguardando"
    EM_ANDAMENTO = "em_andamento"
    ALTA = "alta"
    OBITO = "obito"

    @property
    def is_final(self) -> bool:
        return self in {StatusInternacao.ALTA, StatusInternacao.OBITO}


class Prioridade(StrEnum):
    BAIXA = "baixa"
    MEDIA = "media"
    ALTA = "alta"
    CRITICA = "critica"


class Unidade(Identified, Dated, Versioned, Archived, Entity):
    __tablename__ = "unidades"

    nome: Mapped[str]
    endereco: Mapped[str | None]

    __table_args__ = (Index("uq_unidades_nome", "nome", unique=True, postgresql_where=text("arquivado_em is null")),)


class Ala(Identified, Dated, Versioned, Archived, Entity):
    __tablename__ = "alas"

    unidade_id: Mapped[UUID] = mapped_column(ForeignKey("unidades.id"), index=True)
    nome: Mapped[str]
    isolamento: Mapped[bool] = mapped_column(server_default="false")

    __table_args__ = (
        Index("uq_alas_nome", "unidade_id", "nome", unique=True, postgresql_where=text("arquivado_em is null")),
    )


class Leito(Identified, Dated, Versioned, Archived, Entity):
    __tablename__ = "leitos"

    ala_id: Mapped[UUID] = mapped_column(ForeignKey("alas.id"), index=True)
    codigo: Mapped[str]
    situacao: Mapped[SituacaoLeito] = mapped_column(word(SituacaoLeito), server_default="livre")

    __table_args__ = (Index("uq_leitos_codigo", "codigo", unique=True, postgresql_where=text("arquivado_em is null")),)


class Internacao(Identified, Dated, Versioned, Entity):
    """A stay. `leito_id` is the bed of the open `Ocupacao`, here so that lists need no join in time."""

    __tablename__ = "internacoes"

    pet_id: Mapped[UUID] = mapped_column(ForeignKey("pets.id"), index=True)
    motivo: Mapped[str]
    status: Mapped[StatusInternacao] = mapped_column(word(StatusInternacao), server_default="aguardando")
    prioridade: Mapped[Prioridade] = mapped_column(word(Prioridade), server_default="media")
    isolamento: Mapped[bool] = mapped_column(server_default="false")
    motivo_isolamento: Mapped[str | None]
    leito_id: Mapped[UUID | None] = mapped_column(ForeignKey("leitos.id"))
    veterinario_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    data_entrada: Mapped[datetime]
    admitida_em: Mapped[datetime | None]
    data_alta: Mapped[datetime | None]
    encerrada_por_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    observacoes_alta: Mapped[str | None]
    causa_obito: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("(status in ('alta', 'obito')) = (data_alta is not null)", name="encerrada"),
        CheckConstraint("data_alta >= data_entrada", name="datas"),
        CheckConstraint("status = 'em_andamento' or leito_id is null", name="leito_so_internado"),
        CheckConstraint("status = 'aguardando' or admitida_em is not null or data_alta is not null", name="admitida"),
        Index(
            "uq_internacoes_pet_aberta",
            "pet_id",
            unique=True,
            postgresql_where=text("status in ('aguardando', 'em_andamento')"),
        ),
        Index("ix_internacoes_leito", "leito_id", postgresql_where=text("leito_id is not null")),
        Index("ix_internacoes_entrada", text("data_entrada desc"), "id"),
        Index(
            "ix_internacoes_abertas",
            "status",
            "data_entrada",
            postgresql_where=text("status in ('aguardando', 'em_andamento')"),
        ),
    )


class Ocupacao(Identified, Entity):
    """A bed taken by a pet from `inicio` until `fim` (open: still there). No overlap for a bed, nor for a pet."""

    __tablename__ = "ocupacoes"

    internacao_id: Mapped[UUID] = mapped_column(ForeignKey("internacoes.id"), index=True)
    pet_id: Mapped[UUID] = mapped_column(ForeignKey("pets.id"))
    leito_id: Mapped[UUID] = mapped_column(ForeignKey("leitos.id"))
    inicio: Mapped[datetime]
    fim: Mapped[datetime | None]
    motivo: Mapped[str | None]

    # The range stays inside the expression: asyncpg never meets a type it has no codec for.
    __table_args__ = (
        CheckConstraint("fim >= inicio", name="periodo"),
        Index("ix_ocupacoes_leito_aberta", "leito_id", postgresql_where=text("fim is null")),
        ExcludeConstraint(
            ("leito_id", "="),
            (text("tstzrange(inicio, fim, '[)')"), "&&"),
            name="ex_ocupacoes_leito",
            using="gist",
        ),
        ExcludeConstraint(
            ("pet_id", "="),
            (text("tstzrange(inicio, fim, '[)')"), "&&"),
            name="ex_ocupacoes_pet",
            using="gist",
        ),
    )
