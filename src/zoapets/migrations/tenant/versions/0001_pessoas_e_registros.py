"""People, their rights, and what the system remembers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from zoapets.migrations import ddl

revision = "0001"
down_revision = None

# The directory in `public` that finds a hospital for an e-mail: the hospital's role cannot see it, its trigger can.
_DIRECTORY = """
create function anunciar_email() returns trigger language plpgsql security definer
set search_path = pg_catalog, pg_temp as $$
begin
  delete from public.email_directory d using public.tenants t
  where t.schema_name = tg_table_schema and d.tenant_id = t.id and d.user_id = new.id;
  if new.ativo then
    insert into public.email_directory (tenant_id, user_id, email)
    select t.id, new.id, lower(new.email) from public.tenants t where t.schema_name = tg_table_schema;
  end if;
  return null;
end $$;
revoke execute on function anunciar_email() from public;
create trigger anunciar_email after insert or update of email, ativo on users
for each row execute function anunciar_email();
"""

# Somebody who can administer must remain. The row of `configuracoes` is the turnstile: two administrators who
# remove each other at once pass it one after the other, and the second sees what the first has done.
_LAST_ADMINISTRATOR = """
create function exigir_administrador() returns trigger language plpgsql
set search_path = __tenant__, pg_temp as $$
begin
  perform 1 from configuracoes where id = 1 for update;
  -- A hospital that is being made has nobody yet.
  if exists (select from users) and not exists (
    select from users u join user_roles ur on ur.user_id = u.id join roles r on r.id = ur.role_id
    where u.ativo and r.permissoes @> array['users:escrever', 'roles:escrever']
  ) then
    raise exception 'no administrator would remain'
      using errcode = 'restrict_violation', constraint = 'ultimo_administrador';
  end if;
  return null;
end $$;
create trigger exigir_administrador after update on users
for each statement execute function exigir_administrador();
create trigger exigir_administrador after update on roles
for each statement execute function exigir_administrador();
create trigger exigir_administrador after delete on user_roles
for each statement execute function exigir_administrador();
"""


def upgrade() -> None:
    _tables()
    _rules()


def _tables() -> None:
    op.create_table(
        "auditoria",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ator_id", sa.Uuid(), nullable=True),
        sa.Column("origem", sa.Text(), nullable=True),
        sa.Column("requisicao_id", sa.Text(), nullable=True),
        sa.Column("tabela", sa.Text(), nullable=False),
        sa.Column("acao", sa.Text(), nullable=False),
        sa.Column("registro_id", sa.Text(), nullable=True),
        sa.Column("registros", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("antes", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("depois", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auditoria")),
    )
    op.create_index("ix_auditoria_ator", "auditoria", ["ator_id", sa.literal_column("id desc")], unique=False)
    op.create_index("ix_auditoria_em", "auditoria", ["em"], unique=False)
    op.create_index("ix_auditoria_registro", "auditoria", ["registro_id", sa.literal_column("id desc")], unique=False)
    op.create_index(
        "ix_auditoria_registros",
        "auditoria",
        ["registros"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("registros is not null"),
    )
    op.create_index("ix_auditoria_tabela", "auditoria", ["tabela", sa.literal_column("id desc")], unique=False)
    op.create_table(
        "configuracoes",
        sa.Column("id", sa.Integer(), server_default="1", autoincrement=False, nullable=False),
        sa.Column("tolerancia_atraso_minutos", sa.Integer(), server_default="30", nullable=False),
        sa.Column("antecedencia_maxima_minutos", sa.Integer(), nullable=True),
        sa.Column("exigir_if_match", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("verificar_faixas_de_dose", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("validade_do_peso_dias", sa.Integer(), server_default="30", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "antecedencia_maxima_minutos between 0 and 10080", name=op.f("ck_configuracoes_antecedencia")
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_configuracoes_uma_linha")),
        sa.CheckConstraint("tolerancia_atraso_minutos between 0 and 720", name=op.f("ck_configuracoes_tolerancia")),
        sa.CheckConstraint("validade_do_peso_dias between 1 and 3650", name=op.f("ck_configuracoes_validade_do_peso")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configuracoes")),
    )
    op.create_table(
        "eventos",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tipo", sa.Text(), nullable=False),
        sa.Column("ator_id", sa.Uuid(), nullable=True),
        sa.Column("requisicao_id", sa.Text(), nullable=True),
        sa.Column("dados", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eventos")),
    )
    op.create_table(
        "idempotencia",
        sa.Column("ator_id", sa.Uuid(), nullable=False),
        sa.Column("chave", sa.Text(), nullable=False),
        sa.Column("impressao", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("corpo", sa.LargeBinary(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("criada_em", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ator_id", "chave", name=op.f("pk_idempotencia")),
    )
    op.create_index("ix_idempotencia_criada_em", "idempotencia", ["criada_em"], unique=False)
    op.create_table(
        "roles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("descricao", sa.Text(), nullable=True),
        sa.Column("permissoes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("sistema", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("nome", name=op.f("uq_roles_nome")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("senha_hash", sa.Text(), nullable=False),
        sa.Column("ativo", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("telefone", sa.Text(), nullable=True),
        sa.Column("crmv", sa.Text(), nullable=True),
        sa.Column("crmv_uf", sa.Text(), nullable=True),
        sa.Column("senha_trocada_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("(crmv is null) = (crmv_uf is null)", name=op.f("ck_users_crmv_com_uf")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_email", "users", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "sessoes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("geracao", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refresh_hash", sa.Text(), nullable=False),
        sa.Column("criada_em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renovada_em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expira_em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revogada_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("motivo_revogacao", sa.Text(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("dispositivo", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessoes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessoes")),
    )
    op.create_index(op.f("ix_sessoes_user_id"), "sessoes", ["user_id"], unique=False)
    op.create_table(
        "user_roles",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["roles.id"], name=op.f("fk_user_roles_role_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_roles_user_id")),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_user_roles")),
    )
    op.create_index(op.f("ix_user_roles_role_id"), "user_roles", ["role_id"], unique=False)


def _rules() -> None:
    op.execute(ddl.AUDIT_FUNCTIONS)
    for table in ("roles", "users", "sessoes", "configuracoes"):
        op.execute(ddl.granted(table))
    op.execute(ddl.granted("user_roles", "select, insert, delete"))
    op.execute(ddl.granted("idempotencia", "select, insert, update, delete"))
    op.execute(ddl.granted("eventos", "select, insert"))
    op.execute(ddl.granted("auditoria", "select"))
    for table in ("roles", "users", "user_roles", "sessoes", "configuracoes"):
        for trigger in ddl.audited(table):
            op.execute(trigger)
    op.execute(_DIRECTORY)
    op.execute(_LAST_ADMINISTRATOR)
