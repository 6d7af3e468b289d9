"""Prescriptions and doses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from zoapets.migrations import ddl

revision = "0004"
down_revision = "0003"

TABLES = ("prescricoes", "prescricao_itens", "administracoes")

# A dose is recorded once. After that only a void, which keeps what was recorded, may touch it.
_RECORD_IS_FINAL = """
create function proteger_registro() returns trigger language plpgsql
set search_path = __tenant__, pg_temp as $$
declare
  estadia internacoes;
begin
  if old.status in ('pendente', 'suspensa') then
    if new.status not in ('realizada', 'nao_realizada') then
      if new.status = 'anulada' then
        raise exception 'only a record can be voided'
          using errcode = 'restrict_violation', constraint = 'registro_imutavel';
      end if;
      return new;
    end if;
    if old.status = 'suspensa' then
      raise exception 'the dose is suspended' using errcode = 'restrict_violation', constraint = 'registro_imutavel';
    end if;
    select * into estadia from internacoes where id = new.internacao_id;
    if estadia.status <> 'em_andamento' or new.data_hora_realizada < estadia.admitida_em then
      raise exception 'outside the stay' using errcode = 'restrict_violation', constraint = 'dose_fora_da_internacao';
    end if;
    return new;
  end if;
  if old.status in ('realizada', 'nao_realizada') and new.status = 'anulada'
    and (new.data_hora_agendada, new.data_hora_realizada, new.realizado_por_id, new.registrada_em, new.observacoes,
         new.justificativa, new.prescricao_item_id)
      is not distinct from
        (old.data_hora_agendada, old.data_hora_realizada, old.realizado_por_id, old.registrada_em, old.observacoes,
         old.justificativa, old.prescricao_item_id)
  then
    return new;
  end if;
  raise exception 'the record is final' using errcode = 'restrict_violation', constraint = 'registro_imutavel';
end $$;
create trigger proteger_registro before update on administracoes
for each row execute function proteger_registro();
"""


def upgrade() -> None:
    _tables()
    _rules()


def _tables() -> None:
    op.create_table(
        "prescricoes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pet_id", sa.Uuid(), nullable=False),
        sa.Column("internacao_id", sa.Uuid(), nullable=True),
        sa.Column("veterinario_id", sa.Uuid(), nullable=False),
        sa.Column(
            "tipo",
            sa.Enum(
                "ambulatorial",
                "hospitalar",
                name="tipoprescricao",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "ativa",
                "suspensa",
                "encerrada",
                name="statusprescricao",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="ativa",
            nullable=False,
        ),
        sa.Column("observacoes", sa.Text(), nullable=True),
        sa.Column("motivo_status", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("status = 'ativa' or motivo_status is not null", name=op.f("ck_prescricoes_motivo")),
        sa.CheckConstraint(
            "tipo = 'ambulatorial' or internacao_id is not null", name=op.f("ck_prescricoes_hospitalar_tem_internacao")
        ),
        sa.ForeignKeyConstraint(["internacao_id"], ["internacoes.id"], name=op.f("fk_prescricoes_internacao_id")),
        sa.ForeignKeyConstraint(["pet_id"], ["pets.id"], name=op.f("fk_prescricoes_pet_id")),
        sa.ForeignKeyConstraint(["veterinario_id"], ["users.id"], name=op.f("fk_prescricoes_veterinario_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescricoes")),
    )
    op.create_index(op.f("ix_prescricoes_internacao_id"), "prescricoes", ["internacao_id"], unique=False)
    op.create_index(op.f("ix_prescricoes_pet_id"), "prescricoes", ["pet_id"], unique=False)
    op.create_table(
        "prescricao_itens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("prescricao_id", sa.Uuid(), nullable=False),
        sa.Column("medicamento_id", sa.Uuid(), nullable=False),
        sa.Column("dose", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("unidade", sa.Text(), nullable=False),
        sa.Column(
            "via",
            sa.Enum(
                "IV",
                "IM",
                "SC",
                "VO",
                "IO",
                "IN",
                "TOPICA",
                "OFTALMICA",
                "OTOLOGICA",
                "RETAL",
                "INALATORIA",
                "TRANSDERMICA",
                "EPIDURAL",
                name="via",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("frequencia_horas", sa.Integer(), nullable=False),
        sa.Column("duracao_dias", sa.Integer(), nullable=False),
        sa.Column("inicio", sa.DateTime(timezone=True), nullable=False),
        sa.Column("peso_kg", sa.Numeric(precision=8, scale=3), nullable=True),
        sa.Column("dose_calculada", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("dose_calculada_unidade", sa.Text(), nullable=True),
        sa.Column("volume_ml", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("orientacoes", sa.Text(), nullable=True),
        sa.Column("justificativa_alerta", sa.Text(), nullable=True),
        sa.Column("alertas", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "ativa",
                "suspensa",
                "encerrada",
                name="statusprescricao",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="ativa",
            nullable=False,
        ),
        sa.Column("motivo_status", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("status = 'ativa' or motivo_status is not null", name=op.f("ck_prescricao_itens_motivo")),
        sa.CheckConstraint("dose > 0", name=op.f("ck_prescricao_itens_dose")),
        sa.CheckConstraint("duracao_dias between 1 and 90", name=op.f("ck_prescricao_itens_duracao")),
        sa.CheckConstraint("frequencia_horas between 1 and 168", name=op.f("ck_prescricao_itens_frequencia")),
        sa.ForeignKeyConstraint(
            ["medicamento_id"], ["medicamentos.id"], name=op.f("fk_prescricao_itens_medicamento_id")
        ),
        sa.ForeignKeyConstraint(["prescricao_id"], ["prescricoes.id"], name=op.f("fk_prescricao_itens_prescricao_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescricao_itens")),
    )
    op.create_index(op.f("ix_prescricao_itens_medicamento_id"), "prescricao_itens", ["medicamento_id"], unique=False)
    op.create_index(op.f("ix_prescricao_itens_prescricao_id"), "prescricao_itens", ["prescricao_id"], unique=False)
    op.create_table(
        "administracoes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("prescricao_id", sa.Uuid(), nullable=False),
        sa.Column("prescricao_item_id", sa.Uuid(), nullable=False),
        sa.Column("internacao_id", sa.Uuid(), nullable=False),
        sa.Column("data_hora_agendada", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pendente",
                "realizada",
                "nao_realizada",
                "suspensa",
                "anulada",
                name="statusadministracao",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="pendente",
            nullable=False,
        ),
        sa.Column("data_hora_realizada", sa.DateTime(timezone=True), nullable=True),
        sa.Column("realizado_por_id", sa.Uuid(), nullable=True),
        sa.Column("registrada_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("observacoes", sa.Text(), nullable=True),
        sa.Column("justificativa", sa.Text(), nullable=True),
        sa.Column("motivo_suspensao", sa.Text(), nullable=True),
        sa.Column("anulada_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("anulada_por_id", sa.Uuid(), nullable=True),
        sa.Column("motivo_anulacao", sa.Text(), nullable=True),
        sa.Column("substitui_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("versao", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(status = 'anulada') = (anulada_em is not null and anulada_por_id is not null"
            " and motivo_anulacao is not null)",
            name=op.f("ck_administracoes_anulada_com_motivo"),
        ),
        sa.CheckConstraint(
            "status <> 'nao_realizada' or (justificativa is not null and realizado_por_id is not null)",
            name=op.f("ck_administracoes_nao_realizada_com_justificativa"),
        ),
        sa.CheckConstraint(
            "status <> 'realizada' or (data_hora_realizada is not null and realizado_por_id is not null)",
            name=op.f("ck_administracoes_realizada_por_alguem"),
        ),
        sa.CheckConstraint(
            "status <> 'suspensa' or motivo_suspensao is not null", name=op.f("ck_administracoes_suspensa_com_motivo")
        ),
        sa.ForeignKeyConstraint(["anulada_por_id"], ["users.id"], name=op.f("fk_administracoes_anulada_por_id")),
        sa.ForeignKeyConstraint(["internacao_id"], ["internacoes.id"], name=op.f("fk_administracoes_internacao_id")),
        sa.ForeignKeyConstraint(["prescricao_id"], ["prescricoes.id"], name=op.f("fk_administracoes_prescricao_id")),
        sa.ForeignKeyConstraint(
            ["prescricao_item_id"], ["prescricao_itens.id"], name=op.f("fk_administracoes_prescricao_item_id")
        ),
        sa.ForeignKeyConstraint(["realizado_por_id"], ["users.id"], name=op.f("fk_administracoes_realizado_por_id")),
        sa.ForeignKeyConstraint(["substitui_id"], ["administracoes.id"], name=op.f("fk_administracoes_substitui_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_administracoes")),
    )
    op.create_index(
        "ix_administracoes_agendada",
        "administracoes",
        ["data_hora_agendada", "id"],
        unique=False,
        postgresql_include=["status", "data_hora_realizada"],
    )
    op.create_index(
        "ix_administracoes_internacao", "administracoes", ["internacao_id", "data_hora_agendada"], unique=False
    )
    op.create_index(
        "ix_administracoes_pendentes",
        "administracoes",
        ["data_hora_agendada", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'pendente'"),
    )
    op.create_index(op.f("ix_administracoes_prescricao_id"), "administracoes", ["prescricao_id"], unique=False)
    op.create_index(
        "uq_administracoes_item_agendada",
        "administracoes",
        ["prescricao_item_id", "data_hora_agendada"],
        unique=True,
        postgresql_where=sa.text("status <> 'anulada'"),
    )
    op.create_index(
        "uq_administracoes_substitui",
        "administracoes",
        ["substitui_id"],
        unique=True,
        postgresql_where=sa.text("substitui_id is not null"),
    )


def _rules() -> None:
    for table in TABLES:
        op.execute(ddl.granted(table))
        for trigger in ddl.audited(table):
            op.execute(trigger)
    op.execute(_RECORD_IS_FINAL)
