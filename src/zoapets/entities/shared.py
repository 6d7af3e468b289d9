"""`public`: which hospitals there are, what they bought, and where an e-mail belongs."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, func
from sqlalchemy.orm import Mapped, mapped_column

from zoapets.entities.base import Dated, Identified, SharedEntity, word


class TenantStatus(StrEnum):
    ATIVO = "ativo"
    SUSPENSO = "suspenso"


class TenantTipo(StrEnum):
    """`plataforma` is the one tenant of those who run the installation: same users, roles and sessions, no patients."""

    HOSPITAL = "hospital"
    PLATAFORMA = "plataforma"


class Plan(Identified, Dated, SharedEntity):
    __tablename__ = "plans"

    codigo: Mapped[str] = mapped_column(unique=True)
    nome: Mapped[str]
    preco_mensal: Mapped[Decimal] = mapped_column(Numeric(12, 2), server_default="0")


class Tenant(Identified, Dated, SharedEntity):
    """A hospital. `schema_name` is also the name of its role; both are opaque and of a fixed charset."""

    __tablename__ = "tenants"

    slug: Mapped[str] = mapped_column(unique=True)
    nome: Mapped[str]
    cnpj: Mapped[str | None]
    tipo: Mapped[TenantTipo] = mapped_column(word(TenantTipo), server_default="hospital")
    status: Mapped[TenantStatus] = mapped_column(word(TenantStatus), server_default="ativo")
    schema_name: Mapped[str] = mapped_column(unique=True)
    fuso: Mapped[str] = mapped_column(server_default="America/Sao_Paulo")
    # The newest migration its schema has, as `core/owner/migrations.py` left it.
    revisao: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z][a-z0-9-]{1,39}$'", name="slug"),
        CheckConstraint("schema_name ~ '^tenant_[a-z0-9]{1,40}$'", name="schema_name"),
    )


class Subscription(Identified, Dated, SharedEntity):
    __tablename__ = "subscriptions"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("public.tenants.id"), index=True)
    plan_id: Mapped[UUID] = mapped_column(ForeignKey("public.plans.id"))
    inicio_em: Mapped[datetime] = mapped_column(server_default=func.now())
    fim_em: Mapped[datetime | None]


class FeatureFlag(SharedEntity):
    __tablename__ = "feature_flags"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("public.tenants.id"), primary_key=True)
    flag: Mapped[str] = mapped_column(primary_key=True)
    ativa: Mapped[bool] = mapped_column(server_default="true")


class EmailDirectory(SharedEntity):
    """In which hospitals an e-mail is known. Kept by a trigger on each hospital's `users`."""

    __tablename__ = "email_directory"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("public.tenants.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]

    __table_args__ = (Index("ix_email_directory_email", "email"),)


class LoginAttempt(SharedEntity):
    """Failed logins by key (a digest of an e-mail or an address), known to a hospital or not."""

    __tablename__ = "login_attempts"

    chave: Mapped[str] = mapped_column(primary_key=True)
    falhas: Mapped[int]
    ultima_em: Mapped[datetime]
    bloqueado_ate: Mapped[datetime | None]
