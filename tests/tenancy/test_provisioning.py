"""A hospital is made whole or not at all, is like every other, and is brought up to date without the others' leave."""

import re
from collections.abc import AsyncIterator
from io import StringIO
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from alembic import command
from alembic.config import Config

from tests.cast import PASSWORD_HASH, Hospital, Stage, number
from zoapets.core.owner.catalog import CatalogLine, catalog
from zoapets.core.owner.migrations import OWNER_ROLE, TENANT, TREES, Outcome, for_schema, head, migrate_all
from zoapets.core.owner.provisioning import (
    FORBIDDEN_FUNCTIONS,
    STILL_OPEN,
    NewTenant,
    PlanoDesconhecido,
    SlugEmUso,
    UnfitServerError,
    prepare_installation,
    provision,
)
from zoapets.core.tenancy import APP_ROLE


def new_tenant(**given: Any) -> NewTenant:
    slug = f"novo-{number()}"
    values = {
        "slug": slug,
        "nome": "Novo",
        "admin_nome": "Administração",
        "admin_email": f"Admin@{slug}.test",
        "admin_senha_hash": PASSWORD_HASH,
    }
    return NewTenant(**values | given)


@pytest.fixture
async def owner(stage: Stage) -> AsyncIterator[Any]:
    """The owner, on a connection of its own."""
    connection = await asyncpg.connect(stage.owner_url)
    yield connection
    await connection.close()


# --- made


async def test_a_hospital_begins_with_its_registry_row_its_roles_and_an_administrator(owner: Any) -> None:
    new = new_tenant()

    tenant_id = await provision(owner, new)

    tenant = await owner.fetchrow("select * from public.tenants where id = $1", tenant_id)
    schema = tenant["schema_name"]
    assert (tenant["slug"], tenant["status"], tenant["tipo"], tenant["revisao"]) == (
        new.slug,
        "ativo",
        "hospital",
        head(TENANT),
    )
    assert await owner.fetchval("select count(*) from public.subscriptions where tenant_id = $1", tenant_id) == 1
    found = await owner.fetch(
        f"select u.email, r.nome, r.sistema from {schema}.users u join {schema}.user_roles ur on ur.user_id = u.id"  # noqa: S608 - from the registry
        f" join {schema}.roles r on r.id = ur.role_id"
    )
    assert [tuple(row) for row in found] == [(new.admin_email.lower(), "Administrador", True)]
    directory = await owner.fetch("select email from public.email_directory where tenant_id = $1", tenant_id)
    assert [email for (email,) in directory] == [new.admin_email.lower()]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"slug": "aurora"}, SlugEmUso),
        ({"slug": "Não serve"}, asyncpg.CheckViolationError),
        # Late: the schema and its tables stand by then.
        ({"admin_senha_hash": None}, asyncpg.NotNullViolationError),
    ],
)
async def test_what_fails_leaves_neither_role_nor_schema_nor_row(
    owner: Any, hospital: Hospital, wrong: dict[str, Any], error: type[Exception]
) -> None:
    assert hospital.slug == "aurora"
    said: list[str] = []
    owner.add_query_logger(lambda record: said.append(record.query))
    before = await owner.fetchval("select count(*) from public.tenants")

    with pytest.raises(error):
        await provision(owner, new_tenant(**wrong))

    (schema,) = {name for query in said for name in re.findall(r"^create role (tenant_\w+)", query)}
    assert await owner.fetchval("select to_regrole($1)", schema) is None
    assert await owner.fetchval("select to_regnamespace($1)", schema) is None
    assert await owner.fetchval("select count(*) from public.tenants") == before


# --- compared


async def test_two_hospitals_are_alike(owner: Any, hospital: Hospital, other_hospital: Hospital) -> None:
    ours = await catalog(owner, hospital.schema)

    assert {line.kind for line in ours} == {"column", "constraint", "index", "trigger", "function", "right"}
    assert ours == await catalog(owner, other_hospital.schema)


@pytest.mark.parametrize(
    ("by_hand", "kind"),
    [
        ("alter table pets add apelido text", "column"),
        ("alter table pets alter nome drop not null", "column"),
        ("alter table tutores alter telefone set default '0'", "column"),
        ("alter table pet_pesos drop constraint ck_pet_pesos_peso", "constraint"),
        ("drop index uq_internacoes_pet_aberta", "index"),
        ("alter table administracoes disable trigger proteger_registro", "trigger"),
        ("create or replace function proteger_internacao() returns trigger language plpgsql as 'begin return new; end'",
         "function"),
        ("grant delete on administracoes to {s}", "right"),
        ("grant update (peso_kg) on pet_pesos to {s}", "right"),
        ("grant select on tutores to public", "right"),
        ("alter table tutores owner to postgres", "right"),
    ],
)  # fmt: skip
async def test_what_was_changed_by_hand_is_seen(owner: Any, hospital: Hospital, by_hand: str, kind: str) -> None:
    before = await catalog(owner, hospital.schema)
    draft = owner.transaction()
    await draft.start()
    await owner.execute(f"set local search_path = {hospital.schema}; {by_hand.replace('{s}', hospital.schema)}")
    # What is in the search_path is written without its schema.
    await owner.execute("set local search_path to default")

    after = await catalog(owner, hospital.schema)

    await draft.rollback()
    assert kind in {line.kind for line in before ^ after}


# --- prepared


async def public_of(owner: Any) -> frozenset[CatalogLine]:
    return await catalog(owner, "public")


async def test_preparing_again_changes_nothing(stage: Stage, owner: Any) -> None:
    tenants = "select array_agg(t order by id) from public.tenants t"
    before = await public_of(owner), await owner.fetchval(tenants)

    await prepare_installation(owner, stage.settings.database_url)
    await prepare_installation(owner, stage.settings.database_url)

    assert (await public_of(owner), await owner.fetchval(tenants)) == before


async def test_preparing_again_shuts_what_was_opened(stage: Stage, owner: Any) -> None:
    await owner.execute("grant execute on function pg_catalog.pg_sleep(double precision) to public")
    await owner.execute("grant usage on language plpgsql to public")
    await owner.execute("grant create on schema public to public")
    assert await owner.fetchval(STILL_OPEN, list(FORBIDDEN_FUNCTIONS)) == ["pg_sleep"]

    await prepare_installation(owner, stage.settings.database_url)

    assert await owner.fetchval(STILL_OPEN, list(FORBIDDEN_FUNCTIONS)) == []
    assert not await owner.fetchval("select has_language_privilege($1, 'plpgsql', 'usage')", APP_ROLE)
    assert not await owner.fetchval("select has_schema_privilege($1, 'public', 'create')", APP_ROLE)


# --- migrated


def tenant_sql(revision: str) -> str:
    """The tenant tree's SQL up to a revision."""
    written = StringIO()
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(TREES / TENANT))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, f"base:{revision}", sql=True)
    return written.getvalue()


async def put_back(owner: Any, hospital: Hospital, revision: str) -> None:
    """Make a hospital's schema anew, as an older version of the system made it."""
    async with owner.transaction():
        await owner.execute(f"drop schema {hospital.schema} cascade")
        await owner.execute(f"create schema {hospital.schema} authorization {OWNER_ROLE}")
        await owner.execute(f"grant usage on schema {hospital.schema} to {hospital.schema}")
        await owner.execute(f"set local role {OWNER_ROLE}; set local search_path = {hospital.schema};")
        await owner.execute(for_schema(tenant_sql(revision), hospital.schema))
        await owner.execute("update public.tenants set revisao = $1 where schema_name = $2", revision, hospital.schema)


async def migrate(stage: Stage, hospitals: list[Hospital]) -> dict[str, Outcome]:
    heard: list[Outcome] = []
    outcomes = await migrate_all(stage.owner_url, [hospital.schema for hospital in hospitals], heard.append)
    assert sorted(map(str, heard)) == sorted(map(str, outcomes))
    return {outcome.schema: outcome for outcome in outcomes}


async def revision_of(owner: Any, id: UUID) -> str:
    revision: str = await owner.fetchval("select revisao from public.tenants where id = $1", id)
    return revision


async def test_a_run_in_which_one_hospital_failed_is_finished_by_running_again(stage: Stage, owner: Any) -> None:
    newest, behind, stuck = [await stage.hospital() for _ in range(3)]
    for hospital in (behind, stuck):
        await put_back(owner, hospital, "0003")
    # In the way of what 0004 makes last, so that all before it must be taken back.
    await owner.execute(f"create table {stuck.schema}.administracoes (id int)")
    as_it_was = await catalog(owner, stuck.schema)

    first = await migrate(stage, [newest, behind, stuck])

    assert first[newest.schema] == Outcome(newest.schema, head(TENANT), head(TENANT))
    assert first[behind.schema] == Outcome(behind.schema, "0003", head(TENANT))
    assert first[stuck.schema].error.startswith("DuplicateTableError")
    assert await catalog(owner, stuck.schema) == as_it_was
    assert [await revision_of(owner, h.id) for h in (behind, stuck)] == [head(TENANT), "0003"]

    await owner.execute(f"drop table {stuck.schema}.administracoes")
    second = await migrate(stage, [newest, behind, stuck])

    assert [second[h.schema].before for h in (newest, behind, stuck)] == [head(TENANT), head(TENANT), "0003"]
    assert {outcome.after for outcome in second.values()} == {head(TENANT)}
    assert {outcome.error for outcome in second.values()} == {""}
    assert await revision_of(owner, stuck.id) == head(TENANT)
    wanted = await catalog(owner, newest.schema)
    assert await catalog(owner, behind.schema) == wanted
    assert await catalog(owner, stuck.schema) == wanted


async def test_a_plan_that_there_is_not_makes_no_hospital(owner: Any) -> None:
    new = new_tenant(plano="nenhum")
    with pytest.raises(PlanoDesconhecido):
        await provision(owner, new)
    assert await owner.fetchval("select count(*) from public.tenants where slug = $1", new.slug) == 0


async def test_an_older_postgres_is_not_prepared(stage: Stage) -> None:
    class Older:
        async def fetchval(self, statement: str) -> str:
            assert statement == "show server_version_num"
            return "150009"

    with pytest.raises(UnfitServerError, match="PostgreSQL 16"):
        await prepare_installation(Older(), stage.settings.database_url)


async def test_the_applications_password_is_the_one_of_its_address(owner: Any) -> None:
    kept = "select rolpassword from pg_authid where rolname = $1"
    try:
        await prepare_installation(owner, f"postgresql://{APP_ROLE}:se%27nha@localhost/zoapets")
        assert (await owner.fetchval(kept, APP_ROLE)).startswith("SCRAM-SHA-256$")
    finally:
        await owner.execute(f"alter role {APP_ROLE} password null")


async def test_hospitals_that_cannot_be_reached_are_each_told_of(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(_: str) -> None:
        raise OSError("no route")

    monkeypatch.setattr(asyncpg, "connect", refused)

    heard: list[Outcome] = []
    outcomes = await migrate_all(stage.owner_url, ["tenant_a", "tenant_b"], heard.append)

    assert outcomes == heard
    assert {outcome.schema: outcome.error for outcome in outcomes} == dict.fromkeys(
        ["tenant_a", "tenant_b"], "OSError: no route"
    )
