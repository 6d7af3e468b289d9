"""SQL that an attacker would run as a hospital's role: the database refuses it, whatever the application would let in.

What a hospital may do with its own rows is no matter here (see tests/house/test_tables.py); what it may know of others
is their number: schema and table names, and sizes, stand in PostgreSQL's catalogs for everybody.
"""

from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from tests.cast import Hospital, Stage
from zoapets.common.errors import Unavailable
from zoapets.core.database import UnitOfWork, finishing
from zoapets.core.owner.provisioning import FORBIDDEN_FUNCTIONS, STILL_OPEN
from zoapets.core.statements import Query, query
from zoapets.core.tenancy import tenant_gate

SECRET = "Segredo da vizinha"
DENIED = "42501"

# `{s}` is the attacker's own schema, `{o}` the neighbour's; each is one statement, as the extended protocol takes it.
NEIGHBOUR = [
    "select * from {o}.tutores",
    "table {o}.users",
    "select count(*) from {o}.pets",
    "select (select nome from {o}.tutores limit 1)",
    "select exists (select from {o}.tutores)",
    "with t as (select * from {o}.tutores) select * from t",
    "select * from tutores t, lateral (select nome from {o}.tutores limit 1) o",
    "select t.* from {s}.tutores t full join {o}.tutores o using (id)",
    "insert into {o}.tutores (id, nome, telefone) values (gen_random_uuid(), 'x', '1')",
    "insert into tutores (id, nome, telefone) select id, nome, telefone from {o}.tutores",
    "update {o}.users set senha_hash = 'x'",
    "update tutores t set nome = o.nome from {o}.tutores o",
    "delete from {o}.idempotencia",
    "merge into {o}.tutores t using tutores s on t.id = s.id when matched then update set nome = 'x'",
    "truncate {o}.eventos",
    "lock table {o}.tutores in access share mode",
    "declare c cursor for select * from {o}.tutores",
    "explain analyze select * from {o}.tutores",
    "copy {o}.tutores to stdout",
    "select null::{o}.tutores",
    "select {o}.anunciar_email()",
    "select nextval('{o}.auditoria_id_seq')",
    "select setval('{o}.eventos_id_seq', 1)",
    "select last_value from {o}.eventos_id_seq",
]
REGISTRY = [
    "select * from public.tenants",
    "select schema_name from public.tenants",
    "select * from public.email_directory",
    "select * from public.login_attempts",
    "select * from public.subscriptions",
    "select * from public.feature_flags",
    "select * from public.alembic_version",
    "update public.tenants set status = 'suspenso'",
    "delete from public.login_attempts",
    "insert into public.email_directory select gen_random_uuid(), gen_random_uuid(), 'x'",
    "select * from {s}.alembic_version",
    "update {s}.alembic_version set version_num = '0001'",
]
ROLES = [
    "select set_config('role', '{o}', true)",
    "select set_config('role', '{o}', false), count(*) from tutores",
    "select pg_catalog.set_config('search_path', '{o}', true)",
    "select nome, set_config('session_authorization', 'postgres', true) from tutores",
    "select set_config('zoapets.actor', gen_random_uuid()::text, true)",
    "select set_config('statement_timeout', '0', true)",
    "with x as materialized (select set_config('role', 'none', true)) select * from x",
    "update tutores set nome = set_config('role', '{o}', true)",
    "set role postgres",
    "set role zoapets_owner",
    "set session authorization postgres",
    "set local session authorization {o}",
    "set session_replication_role = replica",
    "grant {o} to {s}",
    "create role intruder",
    "alter role {o} set search_path = {s}",
    "alter role zoapets_app superuser",
    "alter role {s} bypassrls",
    "drop role {o}",
    "reassign owned by {o} to {s}",
    "drop owned by {o}",
]
TEXT_AS_SQL = [
    "select query_to_xml('select * from {o}.tutores', true, true, '')",
    "select query_to_xml_and_xmlschema('select 1', true, true, '')",
    "select query_to_xmlschema('select 1', true, true, '')",
    "select cursor_to_xml('c', 1, true, true, '')",
    "select table_to_xml('{o}.tutores'::text::regclass, true, true, '')",
    "select schema_to_xml('{o}', true, true, '')",
    "select schema_to_xml_and_xmlschema('{o}', true, true, '')",
    "select database_to_xml(true, true, '')",
    "select database_to_xmlschema(true, true, '')",
    "select * from ts_stat('select to_tsvector(nome) from {o}.tutores')",
    "select ts_rewrite('a'::tsquery, 'select ''a''::tsquery, ''b''::tsquery')",
    "do $$ begin execute 'set role {o}'; end $$",
    "do language plpgsql $$ begin perform 1; end $$",
    "create function f() returns int language sql as 'select 1'",
    "create function pg_temp.f() returns int language plpgsql as 'begin return 1; end'",
    "create procedure f() language sql as 'select 1'",
]
FILES = [
    "copy tutores to program 'id'",
    "copy tutores from program 'id'",
    "copy tutores to '/tmp/tutores'",
    "copy tutores from '/etc/passwd'",
    "select pg_read_file('/etc/passwd')",
    "select pg_read_binary_file('postgresql.conf')",
    "select pg_stat_file('postgresql.conf')",
    "select pg_ls_dir('.')",
    "select * from pg_ls_logdir()",
    "select * from pg_ls_waldir()",
    "select * from pg_ls_tmpdir()",
    "select pg_current_logfile()",
    "select * from pg_hba_file_rules",
    "select * from pg_file_settings",
    "select current_setting('data_directory')",
    "select lo_import('/etc/passwd')",
    "select lo_export(1, '/tmp/x')",
    "select lo_creat(-1)",
    "select lo_create(0)",
    "select lo_from_bytea(0, 'x')",
    "select lo_get(1)",
    "select lo_open(1, 131072)",
    "select lo_put(1, 0, 'x')",
    "select lo_unlink(1)",
    "select * from pg_largeobject",
    "load 'auto_explain'",
]
DEFINITIONS = [
    "create table mine (id int)",
    "create temp table mine (id int)",
    "create table public.mine (id int)",
    "create table {o}.mine (id int)",
    "create view mine as select * from tutores",
    "create materialized view mine as select * from tutores",
    "select * into mine from tutores",
    "create schema mine",
    "create type mine as enum ('a')",
    "create sequence mine",
    "create index on tutores (nome)",
    "create trigger t before insert on tutores for each row execute function auditar_insercao()",
    "create rule r as on select to tutores do instead select * from pets",
    "create policy p on tutores",
    "create extension dblink",
    "create foreign data wrapper w",
    "create event trigger e on ddl_command_end execute function auditar_insercao()",
    "create publication p for table tutores",
    "alter table tutores disable trigger all",
    "alter table auditoria owner to {s}",
    "alter schema {s} rename to tenant_x",
    "alter database postgres set jit = on",
    "drop table tutores",
    "drop trigger auditar_insercao on tutores",
    "drop schema {o} cascade",
    "comment on table tutores is 'x'",
    "reindex table tutores",
]
OTHERS = [
    "select pg_advisory_lock(1)",
    "select pg_try_advisory_lock(1)",
    "select pg_advisory_xact_lock(1)",
    "select pg_try_advisory_xact_lock_shared(1, 2)",
    "select pg_advisory_unlock_all()",
    "select pg_sleep(60)",
    "select pg_sleep_for('1 minute')",
    "select pg_sleep_until('infinity')",
    "select pg_notify('ch_pgqueuer', '{}')",
    "select pg_terminate_backend({pid})",
    "select pg_cancel_backend({pid})",
    "select pg_log_backend_memory_contexts({pid})",
    "select pg_reload_conf()",
    "select pg_rotate_logfile()",
    "select pg_switch_wal()",
    "select pg_create_restore_point('x')",
    "select pg_create_logical_replication_slot('x', 'pgoutput')",
    "select pg_stat_reset()",
    "select * from pg_authid",
    "select * from pg_shadow",
    "select * from pg_statistic",
    "select * from pg_user_mapping",
    "select * from pg_backend_memory_contexts",
    "select * from pg_config",
    "select gin_clean_pending_list('{s}.ix_tutores_busca'::regclass)",
]
HISTORY = [
    "insert into auditoria (em, tabela, acao) values (now(), 'tutores', 'inserir')",
    "update auditoria set ator_id = null",
    "delete from auditoria",
    "truncate auditoria",
    "select auditar_insercao()",
    "update eventos set dados = '{}'",
    "delete from eventos",
    "delete from administracoes",
    "delete from prescricoes",
    "delete from internacoes",
    "delete from pets",
    "delete from users",
    "update pet_pesos set peso_kg = 1",
    "delete from pet_pesos",
    "update pet_alergias set substancia = 'x'",
    "delete from pet_alergias",
]
# Readable by every role, in PostgreSQL as it comes.
KNOWN = [
    "select most_common_vals::text, histogram_bounds::text from pg_stats where schemaname = '{o}'",
    "select last_value from pg_sequences where schemaname = '{o}'",
    "select pg_sequence_last_value(c.oid) from pg_class c where relkind = 'S' and relnamespace = '{o}'::regnamespace",
    "select (pg_get_sequence_data(oid)).* from pg_class where relkind = 'S' and relnamespace = '{o}'::regnamespace",
    "select query from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'",
    "select table_name from information_schema.tables where table_schema in ('{o}', 'public')",
    "select column_name from information_schema.columns where table_schema in ('{o}', 'public')",
]
PAYLOADS = NEIGHBOUR + REGISTRY + ROLES + TEXT_AS_SQL + FILES + DEFINITIONS + OTHERS + HISTORY
STACKED = [
    "select 1; set role {o}",
    "select 1; select * from {o}.tutores",
    "update tutores set nome = nome; commit; set role {o}",
    "select 1; rollback; begin; select * from tutores",
]


def filled(statement: str, hospital: Hospital, other: Hospital, pid: int = 0) -> str:
    return statement.replace("{s}", hospital.schema).replace("{o}", other.schema).replace("{pid}", str(pid))


async def answer(pool: Any, hospital: Hospital, statement: str) -> list[Any]:
    """What a hospital's role is answered; rolled back. As `UnitOfWork` asks, without making a problem of the error."""
    work = UnitOfWork(pool, tenant_gate(hospital.schema, read_only=False))
    connection = await work._begin()
    try:
        return list(await connection.link.fetch(statement))
    finally:
        await work.rollback()


async def test_the_neighbours_secret_is_there_to_be_found(other_hospital: Hospital) -> None:
    await other_hospital.tutor(nome=SECRET)

    assert await other_hospital.sql("select nome from {s}.tutores where nome = $1", SECRET)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_the_database_refuses(stage: Stage, hospital: Hospital, other_hospital: Hospital, payload: str) -> None:
    pid = await stage.owner.fetchval("select pg_backend_pid()")

    with pytest.raises(asyncpg.PostgresError) as refused:
        await answer(stage.runtime.pool, hospital, filled(payload, hospital, other_hospital, pid))

    assert refused.value.sqlstate == DENIED, refused.value


@pytest.mark.parametrize("payload", STACKED)
@pytest.mark.parametrize("verb", ["all", "first", "one", "run"])
async def test_a_second_statement_is_refused(
    stage: Stage, hospital: Hospital, other_hospital: Hospital, payload: str, verb: str
) -> None:
    stacked: Query[Any] = query(text(filled(payload, hospital, other_hospital)))

    with pytest.raises(asyncpg.PostgresSyntaxError, match="multiple commands"):
        async with finishing(UnitOfWork(stage.runtime.pool, tenant_gate(hospital.schema, read_only=False))) as db:
            await getattr(db, verb)(stacked)


@pytest.mark.parametrize("statement", KNOWN)
async def test_what_catalogs_tell_of_others_is_no_value_of_theirs(
    stage: Stage, hospital: Hospital, other_hospital: Hospital, statement: str
) -> None:
    await stage.owner.execute(f"analyze {other_hospital.schema}.users, {other_hospital.schema}.tutores")

    rows = await answer(stage.runtime.pool, hospital, filled(statement, hospital, other_hospital))

    assert {value for row in rows for value in row} <= {None, "<insufficient privilege>"}


@pytest.mark.parametrize("grant", ["grant select on tutores to {o}", "grant usage on schema {s} to {o}"])
async def test_a_hospital_has_no_rights_to_give(
    stage: Stage, hospital: Hospital, other_hospital: Hospital, grant: str
) -> None:
    async with finishing(UnitOfWork(stage.runtime.pool, tenant_gate(hospital.schema, read_only=False))) as db:
        # PostgreSQL takes the statement, warns that nothing was granted, and grants nothing.
        await db.all(query(text(filled(grant, hospital, other_hospital))))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await answer(stage.runtime.pool, other_hospital, f"table {hospital.schema}.tutores")


async def test_a_statement_without_end_is_stopped(stage: Stage, hospital: Hospital) -> None:
    """Nothing in a SELECT can lift the limit: set_config is revoked."""
    gate = tenant_gate(hospital.schema, read_only=True, timeout_ms=50)

    with pytest.raises(Unavailable, match="demorou demais"):
        async with finishing(UnitOfWork(stage.runtime.pool, gate)) as db:
            await db.one(query(text("select count(*) from generate_series(1, 1000000000000)")))


async def test_a_statement_of_its_own_could_take_the_neighbours_role(
    stage: Stage, hospital: Hospital, other_hospital: Hospital
) -> None:
    """The one way that the database leaves open, and must: the gate itself goes through it.

    `zoapets_app` may become every hospital, and SET ROLE asks who signed in, not who one is now. It is no way for what
    is injected into a statement: SET cannot stand inside another one, and a second one is refused (above).
    """
    work = UnitOfWork(stage.runtime.pool, tenant_gate(hospital.schema, read_only=True))
    connection = await work._begin()

    await connection.link.execute(f"set local role {other_hospital.schema}")

    assert await connection.link.fetchval("select current_user::text") == other_hospital.schema
    await work.rollback()


async def test_every_function_that_was_shut_is_shut(stage: Stage) -> None:
    assert await stage.owner.fetchval(STILL_OPEN, list(FORBIDDEN_FUNCTIONS)) == []


async def test_every_function_that_was_shut_exists_by_that_name(stage: Stage) -> None:
    names = "select distinct proname::text from pg_proc where pronamespace = 'pg_catalog'::regnamespace"

    assert set(FORBIDDEN_FUNCTIONS) - {name for (name,) in await stage.owner.fetch(names)} == set()
