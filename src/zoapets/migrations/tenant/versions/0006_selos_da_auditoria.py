"""Seals on the audit trail."""

import sqlalchemy as sa
from alembic import op

from zoapets.migrations import ddl

revision = "0006"
down_revision = "0005"

# What a seal is, and the texts that are hashed: `AuditoriaSelo` in entities/registros.py. Of two that seal at once,
# the second waits, and goes on where the first has ended; who writes to the hospital waits for neither.
_SEAL = """
create function selar_auditoria(out seladas integer, out restam boolean) language plpgsql security definer
set search_path = __tenant__, pg_temp as $$
declare
  maximo constant integer := 10000;
  fim bigint;
  ultimo auditoria_selos;
  novo auditoria_selos;
begin
  lock table auditoria_selos in share row exclusive mode;
  -- What transactions below this one wrote is all there to be seen: they have ended.
  fim := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
  select * into ultimo from auditoria_selos order by numero desc limit 1;
  novo.numero := coalesce(ultimo.numero, 0) + 1;
  novo.tipo := 'lote';
  novo.anterior := coalesce(ultimo.hash, decode(repeat('00', 32), 'hex'));
  novo.de_transacao := coalesce(ultimo.ate_transacao, 0);
  novo.de_id := coalesce(ultimo.ate_id, 0);
  with lote as (
    select transacao, id, int8send(id) || sha256(convert_to(jsonb_build_array(extract(epoch from em)::text, ator_id,
      origem, requisicao_id, tabela, acao, registro_id, registros, antes, depois)::text, 'UTF8')) as resumo
    from auditoria where (transacao, id) >= (novo.de_transacao, novo.de_id) and transacao < fim
    order by transacao, id limit maximo)
  select count(*), string_agg(resumo, ''::bytea order by id), max(transacao),
    (select id + 1 from lote order by transacao desc, id desc limit 1)
  into novo.linhas, novo.resumos, novo.ate_transacao, novo.ate_id from lote;
  if novo.linhas = 0 then
    novo.ate_transacao := novo.de_transacao;
    novo.ate_id := novo.de_id;
  else
    if novo.linhas < maximo then
      novo.ate_transacao := fim;
      novo.ate_id := 0;
    end if;
    novo.selado_em := clock_timestamp();
    novo.hash := sha256(novo.anterior || convert_to(jsonb_build_array(novo.numero, novo.tipo, novo.de_transacao,
      novo.de_id, novo.ate_transacao, novo.ate_id, novo.linhas, extract(epoch from novo.selado_em)::text)::text,
      'UTF8') || novo.resumos);
    insert into auditoria_selos select novo.*;
  end if;
  seladas := novo.linhas;
  restam := exists (
    select from auditoria where (transacao, id) >= (novo.ate_transacao, novo.ate_id));
end $$;
revoke execute on function selar_auditoria() from public;
grant execute on function selar_auditoria() to __tenant__;
"""


def upgrade() -> None:
    # What was there before has no transaction that could still be open: it is sealed first, by id.
    op.add_column("auditoria", sa.Column("transacao", sa.BigInteger(), server_default="0", nullable=False))
    op.alter_column("auditoria", "transacao", server_default=sa.text("(pg_current_xact_id()::text)::bigint"))
    op.create_index("ix_auditoria_transacao", "auditoria", ["transacao", "id"], unique=False)
    op.create_table(
        "auditoria_selos",
        sa.Column("numero", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "tipo",
            sa.Enum("lote", "importacao", name="tiposelo", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("anterior", sa.LargeBinary(), nullable=False),
        sa.Column("de_transacao", sa.BigInteger(), nullable=False),
        sa.Column("de_id", sa.BigInteger(), nullable=False),
        sa.Column("ate_transacao", sa.BigInteger(), nullable=False),
        sa.Column("ate_id", sa.BigInteger(), nullable=False),
        sa.Column("linhas", sa.Integer(), nullable=False),
        sa.Column("resumos", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("selado_em", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("numero", name=op.f("pk_auditoria_selos")),
    )
    op.execute(ddl.granted("auditoria_selos", "select"))
    # An UPDATE that changes ids is audited as well.
    op.execute(ddl.AUDIT_FUNCTIONS)
    op.execute(_SEAL)
