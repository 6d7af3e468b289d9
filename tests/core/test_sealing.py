"""The sealer: where its process wrote, in the next round; where others did, in turn; and nothing else waits for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from tests.cast import Hospital, Stage, until
from tests.tenancy.test_provisioning import put_back
from zoapets.core import sealing
from zoapets.core.database import UnitOfWork, finishing, open_pool
from zoapets.core.observability import Metrics
from zoapets.core.owner.audit import verify
from zoapets.core.owner.migrations import migrate_all
from zoapets.core.pool import Pool
from zoapets.core.sealing import Sealer
from zoapets.core.statements import query
from zoapets.core.tenancy import shared_gate, tenant_gate

NEVER = timedelta(hours=1)
READ = query(text("select 1"))
WRITE = query(text("insert into tutores (id, nome, telefone) values (gen_random_uuid(), 'Ana', '1')"))


@pytest.fixture
async def pool(stage: Stage) -> AsyncIterator[Pool]:
    """Of another process, so to speak: the stage's own sealer does not know what is written here."""
    pool = await open_pool(stage.settings.database_url, size=2)
    yield pool
    pool.terminate()


@pytest.fixture
def sealer(pool: Pool) -> Sealer:
    return Sealer(pool, Metrics(), NEVER)


async def write(pool: Pool, hospital: Hospital, *, ends_well: bool = True) -> None:
    work = UnitOfWork(pool, tenant_gate(hospital.schema, read_only=False))
    await work.run(WRITE)
    await (work.commit() if ends_well else work.rollback())


async def settled(sealer: Sealer, hospital: Hospital, *, visiting: bool = False) -> None:
    """After as many rounds as it takes: another database's transaction may hold one up."""

    async def is_settled() -> bool:
        if await hospital.is_sealed():
            return True
        if visiting:
            await sealer.visit()
        await sealer.round()
        return False

    await until(is_settled, seconds=60)


@asynccontextmanager
async def another_transaction(stage: Stage) -> AsyncIterator[None]:
    """One that is under way, and holds up what is written after it began."""
    late = await asyncpg.connect(stage.owner_url)
    try:
        async with late.transaction():
            await late.execute("select pg_current_xact_id()")
            yield
    finally:
        await late.close()


async def test_a_commit_is_remembered_and_a_read_or_a_rollback_is_not(pool: Pool, new_hospital: Hospital) -> None:
    await write(pool, new_hospital, ends_well=False)
    async with finishing(UnitOfWork(pool, shared_gate(read_only=True))) as db:
        await db.all(READ)
    assert pool.written == set()

    await write(pool, new_hospital)

    assert pool.written == {new_hospital.schema}


async def test_what_was_written_is_sealed_and_then_there_is_peace(
    pool: Pool, sealer: Sealer, new_hospital: Hospital
) -> None:
    await write(pool, new_hospital)

    await settled(sealer, new_hospital)
    await sealer.round()
    await sealer.round()

    (row,) = await new_hospital.sql("select sum(linhas), (select count(*) from {s}.auditoria) from {s}.auditoria_selos")
    assert row[0] == row[1]
    assert pool.written == set()


async def test_what_cannot_be_sealed_yet_waits_for_its_transaction(
    stage: Stage, pool: Pool, sealer: Sealer, new_hospital: Hospital
) -> None:
    async with another_transaction(stage):
        await write(pool, new_hospital)

        await sealer.round()
        assert not await new_hospital.is_sealed()

    await settled(sealer, new_hospital)


async def test_what_another_process_left_is_found_in_turn(pool: Pool, sealer: Sealer, new_hospital: Hospital) -> None:
    assert not await new_hospital.is_sealed()
    assert pool.written == set()

    await settled(sealer, new_hospital, visiting=True)


async def test_what_is_found_in_turn_and_cannot_be_sealed_yet_waits_for_the_next_round(
    stage: Stage, pool: Pool, sealer: Sealer, new_hospital: Hospital
) -> None:
    sealer._tour = [new_hospital.schema]
    async with another_transaction(stage):
        await write(pool, new_hospital)

        await sealer.visit()
        assert sealer._waiting == {new_hospital.schema}

    await settled(sealer, new_hospital)


async def test_a_hospital_that_is_behind_has_no_seals_yet(sealer: Sealer, new_hospital: Hospital) -> None:
    await new_hospital.sql("drop function {s}.selar_auditoria")
    sealer._tour = [new_hospital.schema]

    with capture_logs() as lines:
        await sealer.visit()

    assert (sealer._waiting, lines) == (set(), [])


async def test_a_hospital_that_cannot_be_sealed_keeps_no_other_from_it(
    pool: Pool, sealer: Sealer, new_hospital: Hospital, hospital: Hospital
) -> None:
    await new_hospital.sql("alter table {s}.auditoria_selos rename to guardado")
    await write(pool, new_hospital)
    await write(pool, hospital)

    with capture_logs() as lines:
        await settled(sealer, hospital)

    await new_hospital.sql("alter table {s}.guardado rename to auditoria_selos")
    assert {line["error"] for line in lines} == {"UndefinedObjectError"}


async def test_the_rows_of_before_there_were_seals_are_sealed_first(
    stage: Stage, sealer: Sealer, new_hospital: Hospital
) -> None:
    async with stage.owner_lock:
        await put_back(stage.owner, new_hospital, "0005")
    await new_hospital.sql("insert into {s}.tutores (id, nome, telefone) values (gen_random_uuid(), 'Ana', '1')")
    await migrate_all(stage.owner_url, [new_hospital.schema], lambda _: None)
    await new_hospital.sql("insert into {s}.tutores (id, nome, telefone) values (gen_random_uuid(), 'Bia', '1')")

    await settled(sealer, new_hospital, visiting=True)

    rows = await new_hospital.sql("select transacao = 0 from {s}.auditoria order by id")
    assert [old for (old,) in rows] == [True, False]
    async with stage.owner_lock:
        verdict = await verify(stage.owner, new_hospital.schema)
    assert (verdict.rows, verdict.faults) == (2, [])


async def test_it_ends_with_what_was_written_last_sealed(pool: Pool, sealer: Sealer, new_hospital: Hospital) -> None:
    sealer.start()
    await write(pool, new_hospital)

    await sealer.stop()

    await settled(sealer, new_hospital)


async def test_a_database_that_is_away_is_said_once_and_waited_for(stage: Stage) -> None:
    pool = await open_pool(stage.settings.database_url.replace("/test_", "/absent_"), size=1)
    sealer = Sealer(pool, Metrics(), timedelta(milliseconds=1))
    pool.written.add("tenant_x")

    with capture_logs() as lines:
        sealer.start()
        await until(lambda: sealer._metrics.seal_failures._value.get() >= 3, seconds=60)
        await sealer.stop()

    assert [line["error"] for line in lines] == ["Unavailable"]
    pool.terminate()


async def test_a_sealer_that_never_began_ends_at_once(sealer: Sealer) -> None:
    await sealer.stop()
    assert sealer._task is None


async def test_an_installation_without_hospitals_has_nothing_to_visit(
    sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "SCHEMAS", query(text("select schema_name from public.tenants where false")))
    await sealer.visit()
    assert (sealer._tour, sealer._waiting) == ([], set())
