"""The registry of hospitals."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# `zoapets_app` by itself sees the registry and no hospital.
_RIGHTS = """
grant select on public.tenants, public.plans, public.subscriptions, public.feature_flags, public.email_directory,
  public.alembic_version to zoapets_app;
grant update (status, updated_at) on public.tenants to zoapets_app;
grant select, insert, update, delete on public.login_attempts to zoapets_app;
"""


def upgrade() -> None:
    _tables()
    _rules()


def _tables() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("chave", sa.Text(), nullable=False),
        sa.Column("falhas", sa.Integer(), nullable=False),
        sa.Column("ultima_em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bloqueado_ate", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("chave", name=op.f("pk_login_attempts")),
        schema="public",
    )
    op.create_table(
        "plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("codigo", sa.Text(), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("preco_mensal", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
        sa.UniqueConstraint("codigo", name=op.f("uq_plans_codigo")),
        schema="public",
    )
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("cnpj", sa.Text(), nullable=True),
        sa.Column(
            "tipo",
            sa.Enum(
                "hospital",
                "plataforma",
                name="tenanttipo",
                native_enum=False,
                create_constraint=True,
                length=40,
                schema="public",
            ),
            server_default="hospital",
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "ativo",
                "suspenso",
                name="tenantstatus",
                native_enum=False,
                create_constraint=True,
                length=40,
                schema="public",
            ),
            server_default="ativo",
            nullable=False,
        ),
        sa.Column("schema_name", sa.Text(), nullable=False),
        sa.Column("fuso", sa.Text(), server_default="America/Sao_Paulo", nullable=False),
        sa.Column("revisao", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("schema_name ~ '^tenant_[a-z0-9]{1,40}$'", name=op.f("ck_tenants_schema_name")),
        sa.CheckConstraint("slug ~ '^[a-z][a-z0-9-]{1,39}$'", name=op.f("ck_tenants_slug")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("schema_name", name=op.f("uq_tenants_schema_name")),
        sa.UniqueConstraint("slug", name=op.f("uq_tenants_slug")),
        schema="public",
    )
    op.create_table(
        "email_directory",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["public.tenants.id"], name=op.f("fk_email_directory_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name=op.f("pk_email_directory")),
        schema="public",
    )
    op.create_index("ix_email_directory_email", "email_directory", ["email"], unique=False, schema="public")
    op.create_table(
        "feature_flags",
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("flag", sa.Text(), nullable=False),
        sa.Column("ativa", sa.Boolean(), server_default="true", nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["public.tenants.id"], name=op.f("fk_feature_flags_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "flag", name=op.f("pk_feature_flags")),
        schema="public",
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("inicio_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("fim_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["public.plans.id"], name=op.f("fk_subscriptions_plan_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["public.tenants.id"], name=op.f("fk_subscriptions_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        schema="public",
    )
    op.create_index(op.f("ix_subscriptions_tenant_id"), "subscriptions", ["tenant_id"], unique=False, schema="public")


def _rules() -> None:
    for code, name in (("essencial", "Essencial"), ("hospital", "Hospital 24 h")):
        op.execute(f"insert into public.plans (id, codigo, nome) values (gen_random_uuid(), '{code}', '{name}')")
    op.execute(_RIGHTS)
