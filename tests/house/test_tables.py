"""What the database itself must hold in every hospital: audit, rights, and an index behind each foreign key."""

from typing import Any

import pytest

from tests.cast import Hospital

# They remember for others; a record of theirs would say nothing more.
UNAUDITED = {"auditoria", "auditoria_selos", "eventos", "idempotencia", "alembic_version"}
# Where DELETE is no loss: a link, an answer that was kept for a while, a range that a hospital entered itself.
DELETABLE = {"user_roles", "idempotencia", "medicamento_faixas"}

_NEVER_ASKED = "who did it is read with the record; nobody looks for records by it, and people are never deleted"
# Foreign keys without an index that starts with them, each with its reason.
UNINDEXED = {
    **dict.fromkeys(
        [
            "administracoes.anulada_por_id",
            "administracoes.realizado_por_id",
            "alas.arquivado_por_id",
            "internacoes.encerrada_por_id",
            "internacoes.veterinario_id",
            "leitos.arquivado_por_id",
            "medicamentos.arquivado_por_id",
            "pet_alergias.erro_por_id",
            "pet_alergias.registrada_por_id",
            "pet_pesos.registrado_por_id",
            "pets.arquivado_por_id",
            "prescricoes.veterinario_id",
            "tutores.arquivado_por_id",
            "unidades.arquivado_por_id",
        ],
        _NEVER_ASKED,
    ),
}

TRIGGERS = """
select c.relname, array_agg(t.tgname::text order by t.tgname)
  filter (where t.tgname like 'auditar\\_%' and t.tgenabled = 'O')
from pg_class c left join pg_trigger t on t.tgrelid = c.oid and not t.tgisinternal
where c.relnamespace = '{s}'::regnamespace and c.relkind in ('r', 'p') group by 1
"""
RIGHTS = """
select c.relname, array_agg(r order by r) filter (
  where has_table_privilege('{s}', c.oid, r) or (r <> 'DELETE' and r <> 'TRUNCATE' and r <> 'TRIGGER'
    and has_any_column_privilege('{s}', c.oid, r)))
from pg_class c, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) r
where c.relnamespace = '{s}'::regnamespace and c.relkind in ('r', 'p', 'v') group by 1
"""
UNINDEXED_KEYS = """
select c.conrelid::regclass::text || '.' || a.attname from pg_constraint c
join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
where c.contype = 'f' and c.connamespace = '{s}'::regnamespace
and not exists (
  select from pg_index i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1]
  -- An index of what is not null serves a key as well as a whole one.
  and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = format('(%s IS NOT NULL)', a.attname)))
"""


async def table_of(hospital: Hospital, statement: str) -> dict[str, list[str]]:
    return {name: found or [] for name, found in await hospital.sql(statement)}


async def test_every_change_of_a_record_is_audited(hospital: Hospital) -> None:
    triggers = await table_of(hospital, TRIGGERS)

    assert triggers.keys() >= UNAUDITED
    expected = ["auditar_alteracao", "auditar_insercao", "auditar_remocao"]
    assert {table for table, names in triggers.items() if names != expected} == UNAUDITED


async def test_a_hospital_holds_no_more_rights_than_its_rooms_need(hospital: Hospital) -> None:
    rights = await table_of(hospital, RIGHTS)

    assert rights["auditoria"] == rights["auditoria_selos"] == ["SELECT"]
    assert rights["eventos"] == ["INSERT", "SELECT"]
    assert rights["alembic_version"] == []
    assert rights["pet_pesos"] == ["INSERT", "SELECT"]
    assert {table for table, held in rights.items() if "DELETE" in held} == DELETABLE
    beyond = {"TRUNCATE", "REFERENCES", "TRIGGER"}
    assert {table: held for table, held in rights.items() if beyond & set(held)} == {}


async def test_a_written_allergy_can_only_be_marked_as_a_mistake(hospital: Hospital) -> None:
    columns = await hospital.sql(
        "select a.attname from pg_attribute a where a.attrelid = '{s}.pet_alergias'::regclass and a.attnum > 0"
        " and has_column_privilege('{s}', a.attrelid, a.attnum, 'UPDATE') order by 1"
    )

    assert [name for (name,) in columns] == ["erro_em", "erro_motivo", "erro_por_id"]


async def test_where_a_dose_belongs_cannot_be_changed(hospital: Hospital) -> None:
    columns = await hospital.sql(
        "select a.attname from pg_attribute a where a.attrelid = '{s}.administracoes'::regclass and a.attnum > 0"
        " and not has_column_privilege('{s}', a.attrelid, a.attnum, 'UPDATE') order by 1"
    )

    fixed = ["created_at", "data_hora_agendada", "id", "internacao_id", "prescricao_id", "prescricao_item_id"]
    assert [name for (name,) in columns] == [*fixed, "substitui_id"]


@pytest.mark.parametrize("schema", ["{s}", "public", "ext"])
async def test_a_hospital_makes_nothing_in_any_schema(hospital: Hospital, schema: str) -> None:
    (row,) = await hospital.sql(f"select has_schema_privilege('{{s}}', '{schema}', 'CREATE')")

    assert row[0] is False


async def test_a_hospital_is_nobody_else(hospital: Hospital) -> None:
    role: list[Any] = await hospital.sql(
        "select rolsuper or rolcreaterole or rolcreatedb or rolcanlogin or rolreplication or rolbypassrls,"
        " (select count(*) from pg_auth_members where member = r.oid),"
        " (select count(*) from pg_class where relowner = r.oid) from pg_roles r where rolname = '{s}'"
    )

    assert tuple(role[0]) == (False, 0, 0)


async def test_a_foreign_key_has_an_index_or_a_reason(hospital: Hospital) -> None:
    """Without one, each look from the other side, and each DELETE there, reads the whole table."""
    found = {name.removeprefix(f"{hospital.schema}.") for (name,) in await hospital.sql(UNINDEXED_KEYS)}

    assert found - UNINDEXED.keys() == set()
    assert UNINDEXED.keys() - found == set(), "it has one by now: strike it out"
