"""What a table of a hospital needs besides its columns: rights for the hospital's role, and its audit triggers.

`__tenant__` stands for the schema (and role) until the SQL is replayed in a hospital.
"""

from collections.abc import Iterator

SECRETS = "'{senha_hash,refresh_hash,busca}'::text[]"

_WHO = """clock_timestamp(), nullif(current_setting('zoapets.actor', true), '')::uuid,
    coalesce(nullif(current_setting('zoapets.origem', true), ''), session_user),
    nullif(current_setting('zoapets.requisicao', true), ''), tg_table_name"""

AUDIT_FUNCTIONS = f"""
create function auditar_insercao() returns trigger language plpgsql security definer
set search_path = __tenant__, pg_temp as $$
begin
  insert into auditoria (em, ator_id, origem, requisicao_id, tabela, acao, registro_id, registros, depois)
  select {_WHO}, 'inserir',
    case when count(*) = 1 then min(coalesce(linha->>'id', linha->>'user_id')) end,
    case when count(*) > 1 then array_agg(coalesce(linha->>'id', linha->>'user_id')) end,
    case when count(*) = 1 then (array_agg(linha))[1] else jsonb_agg(linha) end
  from (select jsonb_strip_nulls(to_jsonb(n)) - {SECRETS} as linha from novos n) as linhas
  having count(*) > 0;
  return null;
end $$;
create function auditar_alteracao() returns trigger language plpgsql security definer
set search_path = __tenant__, pg_temp as $$
begin
  insert into auditoria (em, ator_id, origem, requisicao_id, tabela, acao, registro_id, antes, depois)
  select {_WHO}, 'alterar', n.linha->>'id',
    (select jsonb_object_agg(key, value) from jsonb_each(v.linha) where n.linha->key is distinct from value),
    (select jsonb_object_agg(key, value) from jsonb_each(n.linha) where v.linha->key is distinct from value)
  from (select to_jsonb(v) - {SECRETS} as linha from velhos v) as v
  join (select to_jsonb(n) - {SECRETS} as linha from novos n) as n on v.linha->'id' = n.linha->'id';
  return null;
end $$;
create function auditar_remocao() returns trigger language plpgsql security definer
set search_path = __tenant__, pg_temp as $$
begin
  insert into auditoria (em, ator_id, origem, requisicao_id, tabela, acao, registro_id, antes)
  select {_WHO}, 'remover', coalesce(linha->>'id', linha->>'user_id'), linha
  from (select to_jsonb(v) - {SECRETS} as linha from velhos v) as linhas;
  return null;
end $$;
revoke execute on function auditar_insercao(), auditar_alteracao(), auditar_remocao() from public;
"""


def audited(table: str) -> Iterator[str]:
    """The triggers that write every change of `table` to `auditoria`, in the same transaction."""
    for event, name, tables in (
        ("insert", "insercao", "new table as novos"),
        ("update", "alteracao", "old table as velhos new table as novos"),
        ("delete", "remocao", "old table as velhos"),
    ):
        yield (
            f"create trigger auditar_{name} after {event} on {table} referencing {tables} "
            f"for each statement execute function auditar_{name}()"
        )


def granted(table: str, rights: str = "select, insert, update") -> str:
    """What the hospital's own role may do with `table`."""
    return f"grant {rights} on {table} to __tenant__"
