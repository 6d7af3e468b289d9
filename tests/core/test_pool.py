"""The pool: as many connections as it may open, lent in turn, worn ones replaced, reads ended by whoever comes next."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from tests.cast import Hospital, Stage, until
from zoapets.common.errors import Conflict, Unavailable
from zoapets.core import database, pool
from zoapets.core.database import UnitOfWork, as_problem, finishing, open_pool
from zoapets.core.pool import Connection, Pool
from zoapets.core.statements import Query, query
from zoapets.core.tenancy import shared_gate, tenant_gate

PID: Query[int] = query(text("select pg_backend_pid()"))
STATE = "select state from pg_stat_activity where pid = $1"


@pytest.fixture
async def two(stage: Stage) -> AsyncIterator[Pool]:
    found = await open_pool(stage.settings.database_url, size=2)
    yield found
    found.terminate()


async def read(two: Pool, hospital: Hospital) -> int:
    async with finishing(UnitOfWork(two, tenant_gate(hospital.schema, read_only=True))) as db:
        return await db.one(PID)


async def gone(stage: Stage, pid: int) -> None:
    async def is_gone() -> bool:
        found = await stage.owner.fetchval("select count(*) from pg_stat_activity where pid = $1", pid)
        return bool(found == 0)

    await until(is_gone)


async def test_a_read_leaves_its_transaction_to_whoever_comes_next(two: Pool, stage: Stage, hospital: Hospital) -> None:
    pid = await read(two, hospital)
    (idle,) = two._idle
    assert idle.left_open

    assert await read(two, hospital) == pid
    # Nobody comes: it is ended all the same.
    await until(lambda: not idle.left_open and two._idle == [idle])
    assert await stage.owner.fetchval(STATE, pid) == "idle"


async def test_a_write_leaves_nothing_open(two: Pool, hospital: Hospital) -> None:
    async with finishing(UnitOfWork(two, tenant_gate(hospital.schema, read_only=False))) as db:
        await db.one(PID)

    assert [connection.left_open for connection in two._idle] == [False]


async def test_a_hospital_gets_the_connection_that_it_had(
    two: Pool, hospital: Hospital, other_hospital: Hospital
) -> None:
    async with finishing(UnitOfWork(two, tenant_gate(hospital.schema, read_only=True))) as db:
        await db.one(PID)
        there = await read(two, other_hospital)
    here = await read(two, hospital)

    for _ in range(3):
        assert await read(two, other_hospital) == there
        assert await read(two, hospital) == here


async def test_who_waits_gets_what_is_given_back_in_turn(two: Pool) -> None:
    held = [await two.acquire(), await two.acquire()]
    served: list[int] = []

    async def wait(n: int) -> None:
        connection = await two.acquire()
        served.append(n)
        two.release(connection)

    waiting = [asyncio.create_task(wait(n)) for n in range(5)]
    await until(lambda: len(two._waiting) == 5)
    two.release(held.pop())
    await asyncio.gather(*waiting)

    assert served == [0, 1, 2, 3, 4]
    two.release(held.pop())


async def test_what_was_given_to_somebody_who_had_left_is_given_to_the_next(two: Pool) -> None:
    held = [await two.acquire(), await two.acquire()]
    leaver, next_one = asyncio.create_task(two.acquire()), asyncio.create_task(two.acquire())
    await until(lambda: len(two._waiting) == 2)

    two.release(held[0])
    leaver.cancel()

    assert await next_one is held[0]
    with pytest.raises(asyncio.CancelledError):
        await leaver


async def test_a_destroyed_connection_makes_room_for_who_waits(two: Pool) -> None:
    held = [await two.acquire(), await two.acquire()]
    waiting = asyncio.create_task(two.acquire())
    await until(lambda: two._waiting)

    two.discard(held[0])

    assert (await waiting) not in held


async def test_who_cannot_connect_leaves_room_for_others(two: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused() -> Any:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(two, "_connect", refused)
        for _ in range(5):
            with pytest.raises(Unavailable):
                await UnitOfWork(two, shared_gate()).one(PID)

    assert await two.acquire() is not await two.acquire()


@pytest.mark.parametrize("limit", ["MOST_PLACES", "MOST_STATEMENTS", "LIFETIME_S"])
async def test_a_worn_connection_is_closed_and_replaced(
    two: Pool, stage: Stage, hospital: Hospital, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(pool, limit, 0)
    pid = await read(two, hospital)

    assert await read(two, hospital) != pid
    await gone(stage, pid)


async def test_a_connection_that_was_lost_while_idle_is_not_lent(two: Pool, stage: Stage, hospital: Hospital) -> None:
    pid = await read(two, hospital)
    await stage.owner.fetchval("select pg_terminate_backend($1)", pid)
    await until(two._idle[0].link.is_closed)

    assert await read(two, hospital) != pid
    assert len(two._all) == 1


async def test_a_connection_that_is_lost_at_work_is_a_clear_503(two: Pool, stage: Stage, hospital: Hospital) -> None:
    work = UnitOfWork(two, tenant_gate(hospital.schema, read_only=False))
    pid = await work.one(PID)
    await stage.owner.fetchval("select pg_terminate_backend($1)", pid)
    await gone(stage, pid)

    with pytest.raises(Unavailable):
        await work.one(PID)
    await work.rollback()
    assert await read(two, hospital) != pid


async def test_work_that_the_database_does_not_end_is_cut_off(
    two: Pool, stage: Stage, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LONGEST_WORK_S", 0.2)
    work = UnitOfWork(two, tenant_gate(hospital.schema, read_only=True))
    await work.one(PID)

    async with stage.owner.transaction():
        await stage.owner.execute(f"lock table {hospital.schema}.unidades")
        with pytest.raises(Unavailable):
            await work.one(query(text("select count(*) from unidades")))
    await work.rollback()
    assert not two._idle


async def test_a_statement_that_a_migration_made_stale_is_prepared_anew_elsewhere(
    two: Pool, stage: Stage, new_hospital: Hospital
) -> None:
    all_columns: Query[Any] = query(text("select * from unidades limit 1"))
    gate = tenant_gate(new_hospital.schema, read_only=True)

    async def ask() -> None:
        async with finishing(UnitOfWork(two, gate)) as db:
            await db.all(all_columns)

    await ask()
    await stage.owner.execute(f"alter table {new_hospital.schema}.unidades add column nova text")
    with pytest.raises(Unavailable):
        await ask()
    await ask()


async def test_closing_waits_for_no_one(stage: Stage) -> None:
    closing = await open_pool(stage.settings.database_url, size=2)
    busy: Connection = await closing.acquire()
    closing.release(await closing.acquire(), left_open=True)

    await closing.close()

    assert busy.link.is_closed()


async def lost(connection: Connection) -> None:
    del connection
    raise asyncpg.ConnectionDoesNotExistError


async def test_what_cannot_be_ended_is_destroyed(
    two: Pool, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    await read(two, hospital)
    (idle,) = two._idle
    monkeypatch.setattr(Connection, "settle", lost)

    # Nobody comes to end its transaction.
    await until(lambda: not two._idle and not two._all)
    assert idle.link.is_closed()


async def test_a_connection_that_cannot_be_closed_is_cut_off(
    two: Pool, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    await read(two, hospital)
    (idle,) = two._idle
    monkeypatch.setattr(pool, "LEFT_OPEN_S", 3600)
    monkeypatch.setattr(Connection, "settle", lost)

    await two.close()

    assert idle.link.is_closed()


async def test_who_knows_no_connection_is_lent_none_that_was_lost(
    two: Pool, stage: Stage, hospital: Hospital, other_hospital: Hospital
) -> None:
    lent = [await two.acquire("a"), await two.acquire("b")]
    for connection in lent:
        pid = await connection.link.fetchval("select pg_backend_pid()")
        two.release(connection)
        await stage.owner.fetchval("select pg_terminate_backend($1)", pid)
        await until(connection.link.is_closed)

    assert await read(two, hospital) != await read(two, other_hospital) or len(two._all) == 1
    assert not two._all & set(lent)


async def test_who_stops_waiting_is_not_waited_for(two: Pool) -> None:
    lent = [await two.acquire(), await two.acquire()]
    with pytest.raises(TimeoutError):
        await two.acquire(patience=0.01)

    assert not two._waiting
    for connection in lent:
        two.release(connection)
    assert len(two._idle) == 2


async def test_a_database_that_fails_at_the_gate_is_a_clear_503(
    two: Pool, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut(connection: Connection, gate: Any) -> None:
        del gate
        connection.link.terminate()
        raise asyncpg.ConnectionDoesNotExistError

    with monkeypatch.context() as broken:
        broken.setattr(Connection, "begin", cut)
        with pytest.raises(Unavailable):
            await read(two, hospital)

    assert not two._all
    assert await read(two, hospital)


async def test_a_row_that_must_be_there_and_is_not_is_an_error(two: Pool, hospital: Hospital) -> None:
    with pytest.raises(LookupError, match="where false"):
        async with finishing(UnitOfWork(two, tenant_gate(hospital.schema, read_only=True))) as db:
            await db.one(query(text("select 1 where false")))


def test_a_constraint_that_no_room_names_is_a_plain_conflict() -> None:
    error = asyncpg.UniqueViolationError()
    error.constraint_name = "uq_desconhecida"

    assert type(as_problem(error)) is Conflict
