"""The formulary: presentations, and the dose ranges a hospital may switch on."""

from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Numeric, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from zoapets.entities.base import Archived, Dated, Entity, Identified, Versioned, word
from zoapets.entities.pets import Especie


class Via(StrEnum):
    """Route of administration."""

    IV = "IV"
    IM = "IM"
    SC = "SC"
    VO = "VO"
    IO = "IO"
    IN = "IN"
    TOPICA = "TOPICA"
    OFTALMICA = "OFTALMICA"
    OTOLOGICA = "OTOLOGICA"
    RETAL = "RETAL"
    INALATORIA = "INALATORIA"
    TRANSDERMICA = "TRANSDERMICA"
    EPIDURAL = "EPIDURAL"


class Forma(StrEnum):
    SOLUCAO_INJETAVEL = "solucao_injetavel"
    PO_INJETAVEL = "po_injetavel"
    COMPRIMIDO = "comprimido"
    CAPSULA = "capsula"
    SUSPENSAO_ORAL = "suspensao_oral"
    SOLUCAO_ORAL = "solucao_oral"
    COLIRIO = "colirio"
    POMADA = "pomada"
    CREME = "creme"
    SPRAY = "spray"
    FLUIDO = "fluido"
    OUTRO = "outro"


class ListaControle(StrEnum):
    """Lists of Portaria SVS/MS 344/98."""

    A1 = "A1"
    A2 = "A2"
    A3 = "A3"
    B1 = "B1"
    B2 = "B2"
    C1 = "C1"
    C2 = "C2"
    C3 = "C3"
    C5 = "C5"


class Medicamento(Identified, Dated, Versioned, Archived, Entity):
    """One presentation. `concentracao` is per mL or per unit, as `concentracao_unidade` says."""

    __tablename__ = "medicamentos"

    nome: Mapped[str]
    principio_ativo: Mapped[str]
    apresentacao: Mapped[str]
    forma: Mapped[Forma] = mapped_column(word(Forma), server_default="outro")
    concentracao: Mapped[Decimal | None] = mapped_column(Numeric(14, 6))
    concentracao_unidade: Mapped[str | None]
    vias: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    alta_vigilancia: Mapped[bool] = mapped_column(server_default="false")
    lista_controle: Mapped[ListaControle | None] = mapped_column(word(ListaControle))
    classe: Mapped[str | None]
    observacoes: Mapped[str | None]
    busca: Mapped[str] = mapped_column(
        Computed("ext.normalizar(nome || ' ' || principio_ativo || ' ' || apresentacao)", persisted=True)
    )

    __table_args__ = (
        CheckConstraint("(concentracao is null) = (concentracao_unidade is null)", name="concentracao_com_unidade"),
        CheckConstraint("concentracao > 0", name="concentracao"),
        Index("uq_medicamentos_nome", "nome", unique=True, postgresql_where=text("arquivado_em is null")),
        Index(
            "ix_medicamentos_busca",
            "busca",
            postgresql_using="gin",
            postgresql_ops={"busca": "ext.gin_trgm_ops"},
        ),
    )


class MedicamentoFaixa(Identified, Dated, Entity):
    """A sourced dose range for a species and a route. Checked only where the hospital has switched it on."""

    __tablename__ = "medicamento_faixas"

    medicamento_id: Mapped[UUID] = mapped_column(ForeignKey("medicamentos.id"), index=True)
    especie: Mapped[Especie] = mapped_column(word(Especie))
    via: Mapped[Via | None] = mapped_column(word(Via))
    dose_min: Mapped[Decimal]
    dose_max: Mapped[Decimal]
    unidade: Mapped[str]
    frequencia_horas_min: Mapped[int | None]
    frequencia_horas_max: Mapped[int | None]
    fonte: Mapped[str]

    __table_args__ = (CheckConstraint("0 < dose_min and dose_min <= dose_max", name="dose"),)
