"""Who answers for the animals."""

from sqlalchemy import Computed, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from zoapets.entities.base import Archived, Dated, Entity, Identified, Versioned


class Tutor(Identified, Dated, Versioned, Archived, Entity):
    __tablename__ = "tutores"

    nome: Mapped[str]
    documento: Mapped[str | None]
    email: Mapped[str | None]
    telefone: Mapped[str]
    endereco: Mapped[str | None]
    bairro: Mapped[str | None]
    cidade: Mapped[str | None]
    uf: Mapped[str | None]
    cep: Mapped[str | None]
    observacoes: Mapped[str | None]
    busca: Mapped[str] = mapped_column(
        Computed("ext.normalizar(nome || ' ' || coalesce(documento, '') || ' ' || telefone)", persisted=True)
    )

    __table_args__ = (
        Index("uq_tutores_documento", "documento", unique=True, postgresql_where=text("arquivado_em is null")),
        Index("ix_tutores_nome", "nome", "id", postgresql_where=text("arquivado_em is null")),
        Index("ix_tutores_busca", busca, postgresql_using="gin", postgresql_ops={"busca": "ext.gin_trgm_ops"}),
    )
