"""What a table of a hospital needs besides its columns: rights for the hospital's role, and its audit triggers.

`__tenant__` stands for the schema (and role) until the SQL is replayed in a hospital.
"""

from collections.abc import Iterator

SECRETS = "'{senha_hash,refresh_hash,busca}'::text[]"

_WHO = """clock_timestamp(), nullif(current_setting('zoapets.actor', true), '')::uuid,
    coalesce(nullif(current_setting('zoapets.origem', true), ''), session_user),
    nullif(current_setting('zoapets.requisicao', true), ''), tg_table_name"""

AUDIT_FUNCTIONS = f"""
create or replace function auditar_insercao() returns trigger language plpgsql security definer
set search_path = __tenant__, pg_temp as $$
begin
  insert into auditoria (em, ator_id, origem, requisicao_id, tabela, acao, registro_id, registros, depois)
  select {_WHO}, 'inserir',
    case when count(*) = 1 then min(id) end,
    case when count(*) > 1 then array_agg(id) end,
    case when count(*) = 1 then (array_agg(linha))[1] else jsonb_agg(linha) end
  from (select linha, coalesce(linha->>'id', linha->>'user_id') as id from (
    -- "offset 0": or each mention of `linha` would make it anew.
    select jsonb_strip_nulls(to_jsonb(n)) - {SECRETS} as linha from novos n offset 0) as l offset 0) as linhas
  having count(*) > 0;
  return null;
end $$;
create or replace function auditar_alteracao() returns trigger language plpgsql security definer
set search_path = __tenant__, pg_temp as $$
begin
  insert into auditoria (em, ator_id, origem, requisicao_id, tabela, acao, registro_id, antes, depois)
  select {_WHO}, 'alterar', coalesce(n.linha, v.linha)->>'id', mudou.antes,
    case when v.linha is null or n.linha is null then n.linha else mudou.depois end
  from (select to_jsonb(v) - {SECRETS} as linha from velhos v offset 0) as v
  -- "full": a row that was given another id is two, the one that was and the one that is.
  full join (select to_jsonb(n) - {SECRETS} as linha from novos n offset 0) as n on v.linha->'id' = n.linha->'id'
  cross join lateral (
    select jsonb_object_agg(key, value) as antes, jsonb_object_agg(key, n.linha->key) as depois
    from jsonb_each(v.linha) where n.linha->key is distinct from value) as mudou;
  return null;
end $$;
create or replace function auditar_remocao() returns trigger language plpgsql security definer
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
