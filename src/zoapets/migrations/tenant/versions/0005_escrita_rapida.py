"""Less to do: audit looks at a row once, doses are checked together, events go with the commit, access is one look."""

import sqlalchemy as sa
from alembic import op

from zoapets.migrations import ddl

revision = "0005"
down_revision = "0004"

# A prescription schedules dozens of doses, which name its items, itself and its stay: three foreign keys looked each of
# them up, row by row, and did not see whether the three belong together. Where a dose belongs cannot be changed later
# (rights, below), and nobody may delete what it belongs to.
_DOSES_BELONG = """
create function exigir_dose_no_lugar() returns trigger language plpgsql
set search_path = __tenant__, pg_temp as $$
begin
  if exists (
    select from (select distinct prescricao_item_id, prescricao_id, internacao_id from novas) as n
    where not exists (
      select from prescricao_itens i join prescricoes p on p.id = i.prescricao_id
      where i.id = n.prescricao_item_id and p.id = n.prescricao_id and p.internacao_id = n.internacao_id
      -- Or the planner would read all items there are, to join them with the few that are asked for.
      offset 0)
  ) then
    raise exception 'a dose of another prescription or stay'
      using errcode = 'foreign_key_violation', constraint = 'dose_no_lugar';
  end if;
  return null;
end $$;
create trigger exigir_dose_no_lugar after insert on administracoes referencing new table as novas
for each statement execute function exigir_dose_no_lugar();
revoke update on administracoes from __tenant__;
"""
_WRITTEN = (
    "status, data_hora_realizada, realizado_por_id, registrada_em, observacoes, justificativa, motivo_suspensao,"
    " anulada_em, anulada_por_id, motivo_anulacao, updated_at, versao"
)

# The events of a unit of work, a JSON list as bytes: they go into the outbox in the message that commits.
_EVENTS = """
create function registrar_eventos(lote bytea) returns void language plpgsql
set search_path = __tenant__, pg_temp as $$
begin
  insert into eventos (em, ator_id, requisicao_id, tipo, dados)
  select e.em, e.ator_id, e.requisicao_id, e.tipo, e.dados
  from jsonb_to_recordset(convert_from(lote, 'UTF8')::jsonb)
    as e(em timestamptz, ator_id uuid, requisicao_id text, tipo text, dados jsonb);
end $$;
revoke execute on function registrar_eventos(bytea) from public;
grant execute on function registrar_eventos(bytea) to __tenant__;
"""


# What the registry says of this hospital, now: whether it may be served is read with who asks, in one statement.
_REGISTRY = """
create function este_hospital() returns table (
  id uuid, slug text, nome text, tipo text, status text, schema_name text, fuso text)
language plpgsql stable security definer rows 1
set search_path = pg_catalog, pg_temp as $$
begin
  return query select t.id, t.slug::text, t.nome::text, t.tipo::text, t.status::text, t.schema_name::text, t.fuso::text
  from public.tenants t where t.schema_name = '__tenant__';
end $$;
revoke execute on function este_hospital() from public;
grant execute on function este_hospital() to __tenant__;
"""


def upgrade() -> None:
    op.execute(ddl.AUDIT_FUNCTIONS)
    for key in ("prescricao_id", "prescricao_item_id", "internacao_id"):
        op.drop_constraint(f"fk_administracoes_{key}", "administracoes", type_="foreignkey")
    # The doses of a prescription are found among those of its stay.
    op.drop_index("ix_administracoes_prescricao_id", "administracoes")
    op.create_index(
        "ix_administracoes_raras",
        "administracoes",
        ["status", "data_hora_agendada", "id"],
        unique=False,
        postgresql_where=sa.text("status in ('nao_realizada', 'suspensa', 'anulada')"),
    )
    op.create_index(
        "ix_prescricoes_created_at",
        "prescricoes",
        [sa.literal_column("created_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.execute(_DOSES_BELONG)
    op.execute(ddl.granted("administracoes", f"update ({_WRITTEN})"))
    op.execute(_EVENTS)
    op.execute(_REGISTRY)
