"""Who works here: users, roles and sessions."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from zoapets.entities.base import Dated, Entity, Identified, Versioned


class Role(Identified, Dated, Versioned, Entity):
    """A set of permissions with the hospital's own name. `sistema` marks those every hospital starts with."""

    __tablename__ = "roles"

    nome: Mapped[str] = mapped_column(unique=True)
    descricao: Mapped[str | None]
    permissoes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    sistema: Mapped[bool] = mapped_column(server_default="false")


class User(Identified, Dated, Versioned, Entity):
    """A person who signs acts. Deactivated, never deleted: authors must survive."""

    __tablename__ = "users"

    nome: Mapped[str]
    email: Mapped[str]
    senha_hash: Mapped[str]
    ativo: Mapped[bool] = mapped_column(server_default="true")
    telefone: Mapped[str | None]
    crmv: Mapped[str | None]
    crmv_uf: Mapped[str | None]
    senha_trocada_em: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_users_email", text("lower(email)"), unique=True),
        CheckConstraint("(crmv is null) = (crmv_uf is null)", name="crmv_com_uf"),
    )


class UserRole(Entity):
    __tablename__ = "user_roles"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role_id: Mapped[UUID] = mapped_column(ForeignKey("roles.id"), primary_key=True, index=True)


class MotivoRevogacao(StrEnum):
    """Why a session was ended."""

    LOGOUT = "logout"
    REVOGADA = "revogada"
    REUSO = "reuso"
    TROCA_DE_SENHA = "troca-de-senha"
    SENHA_REDEFINIDA = "senha-redefinida"
    DESATIVACAO = "desativacao"
    IMPORTACAO = "importacao"


class Sessao(Identified, Entity):
    """A login and the family of refresh tokens that grew from it; only the digest of the live one is kept."""

    __tablename__ = "sessoes"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    geracao: Mapped[int] = mapped_column(server_default="0")
    refresh_hash: Mapped[str]
    criada_em: Mapped[datetime]
    renovada_em: Mapped[datetime]
    expira_em: Mapped[datetime]
    revogada_em: Mapped[datetime | None]
    motivo_revogacao: Mapped[str | None]
    ip: Mapped[str | None]
    dispositivo: Mapped[str | None]
