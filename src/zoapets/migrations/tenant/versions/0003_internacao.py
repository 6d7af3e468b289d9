"""Beds and stays."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from zoapets.migrations import ddl

revision = "0003"
down_revision = "0002"

TABLES = ("unidades", "alas", "leitos", "internacoes", "ocupacoes")

# A stay that has ended stays ended.
_STAY_IS_FINAL = """
create function proteger_internacao() returns trigger language plpgsql as $$
begin
  if old.status in ('alta', 'obito') then
    raise exception 'the stay has ended' using errcode = 'restrict_violation', constraint = 'internacao_encerrada';
  end if;
  return new;
end $$;
create trigger proteger_internacao before update on internacoes
for each row execute function proteger_internacao();
"""


def upgrade() -> None:
    _tables()
    _rules()


def _tables() -> None:
    op.create_table(
        "unidades",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("endereco", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.Column("arquivado_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("motivo_arquivamento", sa.Text(), nullable=True),
        sa.Column("arquivado_por_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["arquivado_por_id"], ["users.id"], name=op.f("fk_unidades_arquivado_por_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unidades")),
    )
    op.create_index(
        "uq_unidades_nome", "unidades", ["nome"], unique=True, postgresql_where=sa.text("arquivado_em is null")
    )
    op.create_table(
        "alas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unidade_id", sa.Uuid(), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("isolamento", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.Column("arquivado_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("motivo_arquivamento", sa.Text(), nullable=True),
        sa.Column("arquivado_por_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["arquivado_por_id"], ["users.id"], name=op.f("fk_alas_arquivado_por_id")),
        sa.ForeignKeyConstraint(["unidade_id"], ["unidades.id"], name=op.f("fk_alas_unidade_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alas")),
    )
    op.create_index(op.f("ix_alas_unidade_id"), "alas", ["unidade_id"], unique=False)
    op.create_index(
        "uq_alas_nome", "alas", ["unidade_id", "nome"], unique=True, postgresql_where=sa.text("arquivado_em is null")
    )
    op.create_table(
        "leitos",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ala_id", sa.Uuid(), nullable=False),
        sa.Column("codigo", sa.Text(), nullable=False),
        sa.Column(
            "situacao",
            sa.Enum(
                "livre",
                "higienizacao",
                "bloqueado",
                name="situacaoleito",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="livre",
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.Column("arquivado_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("motivo_arquivamento", sa.Text(), nullable=True),
        sa.Column("arquivado_por_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["ala_id"], ["alas.id"], name=op.f("fk_leitos_ala_id")),
        sa.ForeignKeyConstraint(["arquivado_por_id"], ["users.id"], name=op.f("fk_leitos_arquivado_por_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leitos")),
    )
    op.create_index(op.f("ix_leitos_ala_id"), "leitos", ["ala_id"], unique=False)
    op.create_index(
        "uq_leitos_codigo", "leitos", ["codigo"], unique=True, postgresql_where=sa.text("arquivado_em is null")
    )
    op.create_table(
        "internacoes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pet_id", sa.Uuid(), nullable=False),
        sa.Column("motivo", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "aguardando",
                "em_andamento",
                "alta",
                "obito",
                name="statusinternacao",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="aguardando",
            nullable=False,
        ),
        sa.Column(
            "prioridade",
            sa.Enum(
                "baixa",
                "media",
                "alta",
                "critica",
                name="prioridade",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="media",
            nullable=False,
        ),
        sa.Column("isolamento", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("motivo_isolamento", sa.Text(), nullable=True),
        sa.Column("leito_id", sa.Uuid(), nullable=True),
        sa.Column("veterinario_id", sa.Uuid(), nullable=False),
        sa.Column("data_entrada", sa.DateTime(timezone=True), nullable=False),
        sa.Column("admitida_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("data_alta", sa.DateTime(timezone=True), nullable=True),
        sa.Column("encerrada_por_id", sa.Uuid(), nullable=True),
        sa.Column("observacoes_alta", sa.Text(), nullable=True),
        sa.Column("causa_obito", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(status in ('alta', 'obito')) = (data_alta is not null)", name=op.f("ck_internacoes_encerrada")
        ),
        sa.CheckConstraint(
            "status = 'aguardando' or admitida_em is not null or data_alta is not null",
            name=op.f("ck_internacoes_admitida"),
        ),
        sa.CheckConstraint(
            "status = 'em_andamento' or leito_id is null", name=op.f("ck_internacoes_leito_so_internado")
        ),
        sa.CheckConstraint("data_alta >= data_entrada", name=op.f("ck_internacoes_datas")),
        sa.ForeignKeyConstraint(["encerrada_por_id"], ["users.id"], name=op.f("fk_internacoes_encerrada_por_id")),
        sa.ForeignKeyConstraint(["leito_id"], ["leitos.id"], name=op.f("fk_internacoes_leito_id")),
        sa.ForeignKeyConstraint(["pet_id"], ["pets.id"], name=op.f("fk_internacoes_pet_id")),
        sa.ForeignKeyConstraint(["veterinario_id"], ["users.id"], name=op.f("fk_internacoes_veterinario_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_internacoes")),
    )
    op.create_index(
        "ix_internacoes_abertas",
        "internacoes",
        ["status", "data_entrada"],
        unique=False,
        postgresql_where=sa.text("status in ('aguardando', 'em_andamento')"),
    )
    op.create_index(
        "ix_internacoes_entrada", "internacoes", [sa.literal_column("data_entrada desc"), "id"], unique=False
    )
    op.create_index(
        "ix_internacoes_leito",
        "internacoes",
        ["leito_id"],
        unique=False,
        postgresql_where=sa.text("leito_id is not null"),
    )
    op.create_index(op.f("ix_internacoes_pet_id"), "internacoes", ["pet_id"], unique=False)
    op.create_index(
        "uq_internacoes_pet_aberta",
        "internacoes",
        ["pet_id"],
        unique=True,
        postgresql_where=sa.text("status in ('aguardando', 'em_andamento')"),
    )
    op.create_table(
        "ocupacoes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("internacao_id", sa.Uuid(), nullable=False),
        sa.Column("pet_id", sa.Uuid(), nullable=False),
        sa.Column("leito_id", sa.Uuid(), nullable=False),
        sa.Column("inicio", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fim", sa.DateTime(timezone=True), nullable=True),
        sa.Column("motivo", sa.Text(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("leito_id"), "="),
            (sa.text("tstzrange(inicio, fim, '[)')"), "&&"),
            using="gist",
            name="ex_ocupacoes_leito",
        ),
        postgresql.ExcludeConstraint(
            (sa.column("pet_id"), "="),
            (sa.text("tstzrange(inicio, fim, '[)')"), "&&"),
            using="gist",
            name="ex_ocupacoes_pet",
        ),
        sa.CheckConstraint("fim >= inicio", name=op.f("ck_ocupacoes_periodo")),
        sa.ForeignKeyConstraint(["internacao_id"], ["internacoes.id"], name=op.f("fk_ocupacoes_internacao_id")),
        sa.ForeignKeyConstraint(["leito_id"], ["leitos.id"], name=op.f("fk_ocupacoes_leito_id")),
        sa.ForeignKeyConstraint(["pet_id"], ["pets.id"], name=op.f("fk_ocupacoes_pet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ocupacoes")),
    )
    op.create_index(
        "ix_ocupacoes_leito_aberta",
        "ocupacoes",
        ["leito_id"],
        unique=False,
        postgresql_where=sa.text("fim is null"),
    )
    op.create_index(op.f("ix_ocupacoes_internacao_id"), "ocupacoes", ["internacao_id"], unique=False)


def _rules() -> None:
    for table in TABLES:
        op.execute(ddl.granted(table))
        for trigger in ddl.audited(table):
            op.execute(trigger)
    op.execute(_STAY_IS_FINAL)
