"""What the system itself remembers in each hospital: audit, events, and answers given to repeated requests."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from zoapets.entities.base import Entity


class Auditoria(Entity):
    """One row per changed row, written by triggers; one per statement where a statement inserts many.

    `antes` and `depois` hold the row (of an insert: without what is null; of an update: the changed columns), or a
    list of rows for `registros`.
    A hospital's role may read it and nothing else.
    """

    __tablename__ = "auditoria"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    em: Mapped[datetime]
    ator_id: Mapped[UUID | None]
    origem: Mapped[str | None]
    requisicao_id: Mapped[str | None]
    tabela: Mapped[str]
    acao: Mapped[str]
    registro_id: Mapped[str | None]
    registros: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    antes: Mapped[dict[str, object] | None] = mapped_column(JSONB)
    depois: Mapped[dict[str, object] | None] = mapped_column(JSONB)

    __table_args__ = (
        Index("ix_auditoria_registro", "registro_id", text("id desc")),
        Index(
            "ix_auditoria_registros",
            "registros",
            postgresql_using="gin",
            postgresql_where=text("registros is not null"),
        ),
        Index("ix_auditoria_ator", "ator_id", text("id desc")),
        Index("ix_auditoria_tabela", "tabela", text("id desc")),
        Index("ix_auditoria_em", "em"),
    )


class Evento(Entity):
    """The outbox: what happened, written in the transaction in which it happened."""

    __tablename__ = "eventos"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    em: Mapped[datetime]
    tipo: Mapped[str]
    ator_id: Mapped[UUID | None]
    requisicao_id: Mapped[str | None]
    dados: Mapped[dict[str, object]] = mapped_column(JSONB)


class Idempotencia(Entity):
    """The answer to a write that carried an `Idempotency-Key`, stored with its effect."""

    __tablename__ = "idempotencia"

    ator_id: Mapped[UUID] = mapped_column(primary_key=True)
    chave: Mapped[str] = mapped_column(primary_key=True)
    impressao: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    corpo: Mapped[bytes | None] = mapped_column(LargeBinary)
    etag: Mapped[str | None]
    criada_em: Mapped[datetime]

    __table_args__ = (Index("ix_idempotencia_criada_em", "criada_em"),)
