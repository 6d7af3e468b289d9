"""The animals: what they are, what they weigh, and what they must not be given."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from zoapets.entities.base import Archived, Dated, Entity, Identified, Versioned, word


class Especie(StrEnum):
    CANINA = "canina"
    FELINA = "felina"
    AVE = "ave"
    ROEDOR = "roedor"
    LAGOMORFO = "lagomorfo"
    REPTIL = "reptil"
    EQUINA = "equina"
    OUTRA = "outra"


class Sexo(StrEnum):
    MACHO = "macho"
    FEMEA = "femea"
    INDEFINIDO = "indefinido"


class Gravidade(StrEnum):
    LEVE = "leve"
    MODERADA = "moderada"
    GRAVE = "grave"


class Pet(Identified, Dated, Versioned, Archived, Entity):
    """One animal. Its weights and allergies are series of their own, below."""

    __tablename__ = "pets"

    tutor_id: Mapped[UUID] = mapped_column(ForeignKey("tutores.id"), index=True)
    nome: Mapped[str]
    especie: Mapped[Especie] = mapped_column(word(Especie))
    raca: Mapped[str | None]
    sexo: Mapped[Sexo] = mapped_column(word(Sexo), server_default="indefinido")
    castrado: Mapped[bool | None]
    pelagem: Mapped[str | None]
    data_nascimento: Mapped[date | None]
    microchip: Mapped[str | None]
    observacoes: Mapped[str | None]
    obito_em: Mapped[datetime | None]
    busca: Mapped[str] = mapped_column(
        Computed(
            "ext.normalizar(nome || ' ' || coalesce(raca, '') || ' ' || coalesce(microchip, ''))",
            persisted=True,
        )
    )

    __table_args__ = (
        Index("uq_pets_microchip", "microchip", unique=True, postgresql_where=text("arquivado_em is null")),
        Index("ix_pets_nome", "nome", "id", postgresql_where=text("arquivado_em is null")),
        Index("ix_pets_especie_nome", "especie", "nome", "id", postgresql_where=text("arquivado_em is null")),
        Index("ix_pets_busca", "busca", postgresql_using="gin", postgresql_ops={"busca": "ext.gin_trgm_ops"}),
    )


class PetPeso(Identified, Entity):
    """A weight in kg at an instant: a series, corrected by a later entry, never edited."""

    __tablename__ = "pet_pesos"

    pet_id: Mapped[UUID] = mapped_column(ForeignKey("pets.id"))
    peso_kg: Mapped[Decimal] = mapped_column(Numeric(8, 3))
    medido_em: Mapped[datetime]
    origem: Mapped[str | None]
    registrado_por_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    __table_args__ = (
        CheckConstraint("peso_kg > 0 and peso_kg <= 2000", name="peso"),
        Index("ix_pet_pesos_pet", "pet_id", text("medido_em desc"), text("id desc")),
    )


class PetAlergia(Identified, Entity):
    """An allergy, append-only: a mistaken one is marked as entered in error, and stays."""

    __tablename__ = "pet_alergias"

    pet_id: Mapped[UUID] = mapped_column(ForeignKey("pets.id"), index=True)
    substancia: Mapped[str]
    reacao: Mapped[str | None]
    gravidade: Mapped[Gravidade] = mapped_column(word(Gravidade))
    registrada_por_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    registrada_em: Mapped[datetime]
    erro_em: Mapped[datetime | None]
    erro_por_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    erro_motivo: Mapped[str | None]
