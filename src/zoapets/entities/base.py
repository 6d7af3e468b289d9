"""What every table shares: naming, column types, and the columns that come in groups."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Date, DateTime, Enum, ForeignKey, Integer, MetaData, Numeric, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

# Every constraint has a name: errors are told apart by it (see `Problem.constraint`).
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
TYPES: dict[Any, Any] = {
    str: Text,
    int: Integer,
    UUID: Uuid,
    date: Date,
    datetime: DateTime(timezone=True),
    Decimal: Numeric(12, 3),
    dict[str, Any]: JSONB,
}


class Entity(DeclarativeBase):
    """A table in every hospital's schema."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = TYPES


class SharedEntity(DeclarativeBase):
    """A table in `public`, common to all hospitals."""

    metadata = MetaData(naming_convention=NAMING, schema="public")
    type_annotation_map: ClassVar[dict[Any, Any]] = TYPES


def word(values: type[StrEnum]) -> Enum:
    """A column of text that holds one of the words of `values`, by CHECK: no enum type in a hospital's schema."""
    return Enum(
        values,
        native_enum=False,
        create_constraint=True,
        length=40,
        name=values.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


class Identified:
    """Has a UUIDv7, given by the application."""

    id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-10)


class Dated:
    """Knows when it was made and last changed."""

    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"), sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"), sort_order=91)


class Versioned:
    """Counts its edits, for `ETag` and `If-Match`."""

    versao: Mapped[int] = mapped_column(server_default="1", sort_order=92)


class Archived:
    """Is archived with a reason, never deleted."""

    arquivado_em: Mapped[datetime | None] = mapped_column(sort_order=93)
    motivo_arquivamento: Mapped[str | None] = mapped_column(sort_order=94)

    @declared_attr
    def arquivado_por_id(self) -> Mapped[UUID | None]:
        return mapped_column(ForeignKey("users.id"), sort_order=95)
