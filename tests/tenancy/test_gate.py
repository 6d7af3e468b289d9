"""The tenant gate: forgotten it denies, ended it leaves nothing behind, tainted it destroys."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from tests.cast import Hospital, Stage, number
from zoapets.common.errors import Unavailable, Unprocessable
from zoapets.core.database import ASSERT_CLEAN, TaintedError, UnitOfWork, finishing
from zoapets.core.pool import Gate
from zoapets.core.statements import Query, query
from zoapets.core.tenancy import APP_ROLE, Origin, shared_gate, tenant_gate

ACTOR = UUID("01900000-0000-7000-8000-000000000001")
# All that a gate sets. What was never set reads as null, or as empty once its transaction has ended.
STATE = """
select array[current_user::text, current_setting('search_path'), current_setting('statement_timeout'),
  current_setting('lock_timeout'), current_setting('transaction_read_only'),
  coalesce(current_setting('zoapets.actor', true), ''), coalesce(current_setting('zoapets.origem', true), ''),
  coalesce(current_setting('zoapets.requisicao', true), '')]
"""
CLEAN = [APP_ROLE, '"$user", public', "15s", "5s", "off", "", "", ""]

INSIDE: Query[list[str]] = query(text(STATE))
NAMES: Query[str] = query(text("select nome from tutores order by nome"))
COUNT: Query[int] = query(text("select count(*) from tutores where nome = :nome"))
PID: Query[int] = query(text("select pg_backend_pid()"))
WRITE: Query[Any] = query(text("insert into tutores (id, nome, telefone) values (gen_random_uuid(), :nome, '1')"))
BREAK: Query[Any] = query(text("select 1 / (select count(*) from tutores where nome is null)"))


def work_in(pool: Any, hospital: Hospital, *, read_only: bool = False) -> UnitOfWork:
    origin = Origin("request-1", "203.0.113.7")
    return UnitOfWork(pool, tenant_gate(hospital.schema, read_only=read_only, actor=ACTOR, origin=origin))


async def outside(pool: Any, statement: str = "select pg_backend_pid()") -> Any:
    """What a connection answers that nobody's gate has opened."""
    connection = await pool.acquire()
    await connection.settle()
    try:
        return await connection.link.fetchval(statement)
    finally:
        pool.release(connection)


# --- forgotten


@pytest.mark.parametrize(
    "statement",
    [
        "select * from {s}.tutores",
        "select count(*) from {s}.administracoes",
        "insert into {s}.tutores (id, nome, telefone) values (gen_random_uuid(), 'x', '1')",
        "update {s}.users set nome = 'x'",
        "delete from {s}.idempotencia",
        "select * from {s}.auditoria",
    ],
)
async def test_a_forgotten_gate_is_denied(pool: Any, hospital: Hospital, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await outside(pool, statement.replace("{s}", hospital.schema))


async def test_without_a_gate_no_hospital_is_found_by_a_tables_name(pool: Any) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await outside(pool, "select * from tutores")


async def test_the_shared_gate_reaches_no_hospital(pool: Any, hospital: Hospital) -> None:
    reach = query(text(f"select * from {hospital.schema}.tutores"))  # noqa: S608 - a schema of ours

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with finishing(UnitOfWork(pool, shared_gate())) as db:
            await db.all(reach)


# --- ended


async def by_commit(work: UnitOfWork) -> None:
    await work.commit()


async def by_rollback(work: UnitOfWork) -> None:
    await work.rollback()


async def by_an_error_of_the_database(work: UnitOfWork) -> None:
    with pytest.raises(Unprocessable):
        async with finishing(work):
            await work.one(BREAK)


async def by_an_exception(work: UnitOfWork) -> None:
    with pytest.raises(KeyError):
        async with finishing(work):
            raise KeyError


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("end", [by_commit, by_rollback, by_an_error_of_the_database, by_an_exception])
async def test_what_the_gate_sets_dies_with_its_transaction(
    pool: Any,
    hospital: Hospital,
    end: Callable[[UnitOfWork], Coroutine[Any, Any, None]],
    read_only: bool,  # noqa: FBT001
) -> None:
    before = await outside(pool)
    work = work_in(pool, hospital, read_only=read_only)
    inside = await work.one(INSIDE)

    await end(work)

    for_reading = [hospital.schema, hospital.schema, "15s", "5s", "on", "", "", ""]
    for_writing = [hospital.schema, hospital.schema, "15s", "5s", "off", str(ACTOR), "203.0.113.7", "request-1"]
    assert inside == (for_reading if read_only else for_writing)
    assert await outside(pool, STATE) == CLEAN
    assert await outside(pool) == before, "a sound connection is kept"


async def test_a_cut_off_unit_of_work_stores_nothing_and_its_connection_is_destroyed(
    stage: Stage, pool: Any, hospital: Hospital
) -> None:
    before, nome = await outside(pool), f"Cut off {number()}"
    written = asyncio.Event()

    async def write() -> None:
        async with finishing(work_in(pool, hospital)) as db:
            await db.run(WRITE, nome=nome)
            written.set()
            # The owner holds this table, below: the statement waits inside the database.
            await db.all(query(text("select * from unidades")))

    async with stage.owner.transaction():
        await stage.owner.execute(f"lock table {hospital.schema}.unidades")
        task = asyncio.create_task(write())
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert await outside(pool) != before
    assert await outside(pool, STATE) == CLEAN
    async with finishing(work_in(pool, hospital, read_only=True)) as db:
        assert await db.one(COUNT, nome=nome) == 0


async def test_an_exception_gives_the_only_connection_back(pool: Any, hospital: Hospital) -> None:
    nome = f"Given back {number()}"

    async def fail() -> None:
        async with finishing(work_in(pool, hospital)) as db:
            await db.run(WRITE, nome=nome)
            raise KeyError

    for _ in range(5):
        with pytest.raises(KeyError):
            await fail()

    async with finishing(work_in(pool, hospital)) as db:
        assert await db.one(COUNT, nome=nome) == 0


async def test_a_commit_after_an_error_is_an_error(pool: Any, hospital: Hospital) -> None:
    """PostgreSQL answers it with ROLLBACK, which a careless client takes for success."""
    nome = f"Half {number()}"
    work = work_in(pool, hospital)
    await work.run(WRITE, nome=nome)
    with pytest.raises(Unprocessable):
        await work.one(BREAK)

    with pytest.raises(Unavailable):
        await work.commit()

    async with finishing(work_in(pool, hospital)) as db:
        assert await db.one(COUNT, nome=nome) == 0


async def test_who_finds_no_connection_is_told_so_and_takes_none(pool: Any, hospital: Hospital) -> None:
    async with finishing(work_in(pool, hospital)) as first:
        await first.one(INSIDE)
        late = UnitOfWork(pool, tenant_gate(hospital.schema, read_only=True), acquire_timeout=0.05)
        with pytest.raises(Unavailable):
            await late.one(INSIDE)

    assert await outside(pool, STATE) == CLEAN


async def test_a_connection_lost_on_the_way_is_not_hidden_by_its_rollback(pool: Any, hospital: Hospital) -> None:
    nome = f"Lost {number()}"

    async def lose(*, then: BaseException | None) -> None:
        async with finishing(work_in(pool, hospital)) as db:
            await db.run(WRITE, nome=nome)
            await hospital.sql("select pg_terminate_backend($1, 5000)", await db.one(PID))
            if then is not None:
                raise then
            await db.run(WRITE, nome=nome)

    with pytest.raises(Unavailable):
        await lose(then=None)
    with pytest.raises(KeyError):
        await lose(then=KeyError())

    async with finishing(work_in(pool, hospital)) as db:
        assert await db.one(COUNT, nome=nome) == 0


# --- tainted


@pytest.mark.parametrize("gate", [tenant_gate, shared_gate])
async def test_a_connection_left_in_a_role_is_destroyed_before_any_statement(
    pool: Any, hospital: Hospital, other_hospital: Hospital, gate: Callable[..., Gate]
) -> None:
    before = await outside(pool)
    await outside(pool, f"set role {other_hospital.schema}")
    schema = (hospital.schema,) if gate is tenant_gate else ()
    work = UnitOfWork(pool, gate(*schema, read_only=True))

    with pytest.raises(TaintedError):
        await work.one(INSIDE)

    assert work.statements == 0
    assert await outside(pool) != before
    assert await outside(pool, STATE) == CLEAN


async def test_a_transaction_that_nobody_ended_is_rolled_back_before_the_next(pool: Any, hospital: Hospital) -> None:
    nome = f"Never ended {number()}"
    work = work_in(pool, hospital)
    await work.run(WRITE, nome=nome)

    pool.release(work._connection, left_open=True)

    assert await outside(pool, STATE) == CLEAN
    async with finishing(work_in(pool, hospital)) as db:
        assert await db.one(COUNT, nome=nome) == 0


# --- reading


@pytest.mark.parametrize(
    "statement",
    [
        "insert into tutores (id, nome, telefone) values (gen_random_uuid(), 'x', '1')",
        "update tutores set nome = 'x'",
        "delete from idempotencia",
        "select * from configuracoes for update",
        "with new as (insert into unidades (id, nome) values (gen_random_uuid(), 'x') returning id) select * from new",
    ],
)
async def test_what_only_reads_cannot_write(pool: Any, hospital: Hospital, statement: str) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError) as refused:
        async with finishing(work_in(pool, hospital, read_only=True)) as db:
            await db.all(query(text(statement)))

    assert refused.value.sqlstate == "25006"


# --- next to each other


async def test_two_hospitals_in_turn_on_one_connection_read_their_own_rows_alone(stage: Stage, pool: Any) -> None:
    hospitals = [await stage.hospital(), await stage.hospital()]
    own = [[f"{hospital.slug} {n}" for n in range(3)] for hospital in hospitals]
    for hospital, names in zip(hospitals, own, strict=True):
        async with finishing(work_in(pool, hospital)) as db:
            for name in names:
                await db.run(WRITE, nome=name)

    async def read(hospital: Hospital) -> list[str]:
        async with finishing(work_in(pool, hospital, read_only=True)) as db:
            return await db.all(NAMES)

    # All at once: whoever waits for the connection gets it from whoever had it.
    found = await asyncio.gather(*(read(hospitals[turn % 2]) for turn in range(200)))

    assert found == own * 100


# --- what the gate is made of


def test_a_gate_says_all_that_it_sets_in_one_message() -> None:
    origin = Origin("request-1", "203.0.113.7")
    assert tenant_gate("tenant_a1", read_only=False, actor=ACTOR, origin=origin, timeout_ms=250) == Gate(
        f"begin read write; {ASSERT_CLEAN}; set local role tenant_a1; set local search_path = tenant_a1;"
        f" set local statement_timeout = 250; set local zoapets.actor = '{ACTOR}';"
        " set local zoapets.origem = '203.0.113.7'; set local zoapets.requisicao = 'request-1';",
        "tenant_a1",
        read_only=False,
    )
    assert tenant_gate("tenant_a1", read_only=True) == Gate(
        f"begin read only; {ASSERT_CLEAN}; set local role tenant_a1; set local search_path = tenant_a1;",
        "tenant_a1",
        read_only=True,
    )
    nobody = tenant_gate("tenant_a1", read_only=False).text
    assert "zoapets.actor = ''; set local zoapets.origem = '-'; set local zoapets.requisicao = '-';" in nobody
    for reads, mode in [(True, "read only"), (False, "read write")]:
        message = f"begin {mode}; {ASSERT_CLEAN}; set local search_path = public;"
        assert shared_gate(read_only=reads) == Gate(message, "public", read_only=reads)


@pytest.mark.parametrize(
    "schema",
    [
        "",
        "public",
        "pg_catalog",
        "zoapets_owner",
        "tenant_",
        "tenant_A",
        "Tenant_a",
        "tenant_a-b",
        "tenant_a b",
        "tenant_á",
        "tenant_a\n",
        "tenant_a;",
        'tenant_a"',
        "tenant_a; drop schema tenant_b",
        "tenant_a, public",
        "tenant_" + "a" * 41,
        " tenant_a",
    ],
)
def test_what_is_no_hospitals_schema_makes_no_gate(schema: str) -> None:
    with pytest.raises(ValueError, match="not a hospital's schema"):
        tenant_gate(schema, read_only=True)


GATE = re.compile(
    r"begin read write; select 1 / \(current_user = session_user\)::int; set local role tenant_a;"
    r" set local search_path = tenant_a;"
    r" set local zoapets\.actor = '[0-9a-f-]{36}'; set local zoapets\.origem = '[A-Za-z0-9._:%-]{1,64}';"
    r" set local zoapets\.requisicao = '[A-Za-z0-9._-]{1,64}';"
)


@given(request_id=st.text(max_size=80), address=st.text(max_size=80) | st.ip_addresses().map(str))
def test_nothing_a_client_sends_gets_out_of_its_quotes(request_id: str, address: str) -> None:
    gate = tenant_gate("tenant_a", read_only=False, actor=ACTOR, origin=Origin(request_id, address))

    assert GATE.fullmatch(gate.text)


@pytest.mark.parametrize("address", ["fe80::1%eth0", "fe80::1%a'b", "fe80::1%'; reset role; --"])
def test_the_scope_of_an_ipv6_address_is_text_of_the_clients_too(address: str) -> None:
    gate = tenant_gate("tenant_a", read_only=False, actor=ACTOR, origin=Origin("-", address))

    assert GATE.fullmatch(gate.text)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("zoapets-tenants", "zoapets-tenants"),
        ("a b", "-"),
        ("", "-"),
    ],
)
def test_an_address_is_said_in_one_spelling_and_a_command_by_its_name(address: str, said: str) -> None:
    gate = tenant_gate("tenant_a", read_only=False, origin=Origin("-", address))

    assert f"zoapets.origem = '{said}';" in gate.text
