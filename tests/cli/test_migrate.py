"""`zoapets migrate`: prepares, brings every hospital up to date, names those that failed, and continues."""

import asyncio

import asyncpg
import pytest

from tests.cli.ground import Ground
from zoapets.core.owner import migrations
from zoapets.core.owner.migrations import SHARED, TENANT, head


def test_the_first_run_prepares_the_database_and_the_second_changes_nothing(bare: Ground) -> None:
    first, second = bare.done("migrate"), bare.done("migrate")

    assert first == {"public_before": None, "public_after": head(SHARED), "hospitals": [], "failed": 0}
    assert second == first | {"public_before": head(SHARED)}


def test_before_the_first_run_commands_say_what_to_run(bare: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "DATABASE_OWNER_URL", bare.owner_url.replace(bare.owner_url.split("?")[0].rpartition("/")[2], "postgres")
    )

    said = bare.zoapets("tenants", "list")

    assert said.code == 1
    assert "not prepared" in said.err
    assert "zoapets migrate" in said.err


def test_a_hospital_that_fails_is_named_stops_no_other_and_is_finished_by_the_next_run(ground: Ground) -> None:
    broken, _ = ground.hospital("broken"), ground.hospital("other")
    ground.sql("drop table alembic_version", within=broken)
    ground.sql("update public.tenants set revisao = null")

    failed = ground.zoapets("migrate", "--json")

    rows = {row["slug"]: row for row in failed.json["hospitals"]}
    assert (failed.code, failed.json["failed"]) == (1, 1)
    assert "DuplicateTable" in rows["broken"]["error"]
    assert rows["other"] | {"schema": ""} == {
        "slug": "other",
        "schema": "",
        "before": head(TENANT),
        "after": head(TENANT),
        "error": "",
    }
    said = ground.zoapets("migrate")
    assert said.code == 1
    assert "broken" in said.err
    assert "Run zoapets migrate again" in said.err
    assert "1 failed" in said.out

    ground.sql("create table alembic_version as select $1::text as version_num", head(TENANT), within=broken)
    assert ground.zoapets("migrate").code == 0
    assert {row["revisao"] for row in ground.sql("select revisao from public.tenants")} == {head(TENANT)}


def test_a_hospital_that_a_newer_version_migrated_is_left_alone(ground: Ground) -> None:
    schema = ground.hospital("ahead")
    ground.sql("update alembic_version set version_num = '9999'", within=schema)

    failed = ground.zoapets("migrate", "--json")

    [row] = [row for row in failed.json["hospitals"] if row["slug"] == "ahead"]
    assert failed.code == 1
    assert "at revision 9999" in row["error"]
    assert "newer zoapets" in row["error"]
    ground.sql("update alembic_version set version_num = $1", head(TENANT), within=schema)


def test_a_hospital_whose_tables_are_held_is_tried_again_and_then_reported(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT_MS", 1)
    monkeypatch.setattr(migrations, "TRIES", 2)
    held = ground.hospital("held")

    async def migrate_meanwhile() -> list[migrations.Outcome]:
        holder = await asyncpg.connect(ground.owner_url)
        async with holder.transaction():
            await holder.execute(f"lock table {held}.alembic_version in access exclusive mode")
            outcomes = await migrations.migrate_all(ground.owner_url, [held], lambda _: None)
        await holder.close()
        return outcomes

    [outcome] = asyncio.run(migrate_meanwhile())
    assert "locked by others 2 times" in outcome.error
    assert ground.done("migrate")["failed"] == 0


def test_two_runs_at_once_do_the_work_once(ground: Ground) -> None:
    schema = ground.hospital("twice")
    ground.sql(f"drop schema {schema} cascade")
    ground.sql(f"create schema {schema} authorization zoapets_owner")
    ground.sql(f"grant usage on schema {schema} to {schema}")

    async def both() -> list[migrations.Outcome]:
        runs = [migrations.migrate_all(ground.owner_url, [schema], lambda _: None) for _ in range(2)]
        return [outcome for outcomes in await asyncio.gather(*runs) for outcome in outcomes]

    outcomes = asyncio.run(both())
    assert [outcome.error for outcome in outcomes] == ["", ""]
    assert sorted(str(outcome.before) for outcome in outcomes) == [head(TENANT), "None"]


def test_the_serving_role_must_be_the_one_that_is_made_here(bare: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", bare.owner_url)

    said = bare.zoapets("migrate")

    assert said.code == 2
    assert "zoapets_app" in said.err


@pytest.mark.parametrize("name", ["DATABASE_OWNER_URL", "DATABASE_URL"])
def test_a_missing_address_is_named(bare: Ground, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)

    said = bare.zoapets("migrate")

    assert said.code == 2
    assert name in said.err
    assert ".env.example" in said.err


def test_an_unreachable_database_is_an_error_without_the_password(
    bare: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://postgres:hunter22@127.0.0.1:1/zoapets")

    said = bare.zoapets("migrate")

    assert said.code == 1
    assert "DATABASE_OWNER_URL: no connection to 127.0.0.1:1/zoapets" in said.err
    assert "hunter22" not in said.err
