"""SQL that an attacker would run as a hospital's role: the database refuses it, whatever the application would let in.

What a hospital may do with its own rows is no matter here (see tests/house/test_tables.py); what it may know of others
is their number: schema and table names, and sizes, stand in PostgreSQL's catalogs for everybody.
"""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from tests.proofs.isolation.breakout import as_hospital, broken_out, filled, names_told, open_functions
from tests.proofs.isolation.ground import Ground, Stamped
from tests.proofs.isolation.payloads import KNOWN, NEIGHBOUR, PAYLOADS, ROLES, STACKED
from tests.proofs.ledger import Ledger
from zoapets.common.errors import Unavailable
from zoapets.core.database import UnitOfWork, finishing, open_pool
from zoapets.core.owner.provisioning import FORBIDDEN_FUNCTIONS, STILL_OPEN
from zoapets.core.statements import Query, query
from zoapets.core.tenancy import tenant_gate


@pytest.fixture
async def pool(ground: Ground) -> AsyncIterator[Any]:
    pool = await open_pool(ground.stage.settings.database_url, size=4)
    yield pool
    pool.terminate()


@pytest.fixture
def attacker(ground: Ground) -> Stamped:
    """The attacker's."""
    return ground.hospitals[0]


@pytest.fixture
def neighbour(ground: Ground) -> Stamped:
    """The one next door."""
    return ground.hospitals[1]


async def test_the_database_refuses_every_way_out(
    ground: Ground, pool: Any, attacker: Stamped, neighbour: Stamped, proof: Ledger
) -> None:
    assert await broken_out(ground, pool, attacker, neighbour, PAYLOADS) == {}

    assert len(set(PAYLOADS)) == len(PAYLOADS)
    proof.shown(
        "SQL run as a hospital's role reaches nothing of another, and holds nobody up",
        payloads=len(PAYLOADS),
        refused=len(PAYLOADS),
        foreign_rows=0,
        blocked=0,
    )


@pytest.mark.parametrize("verb", ["all", "first", "one", "run"])
async def test_a_second_statement_is_refused(
    pool: Any, attacker: Stamped, neighbour: Stamped, verb: str, proof: Ledger
) -> None:
    for payload in STACKED:
        stacked: Query[Any] = query(text(filled(payload, attacker, neighbour)))
        with pytest.raises(asyncpg.PostgresSyntaxError, match="multiple commands"):
            async with finishing(UnitOfWork(pool, tenant_gate(attacker.schema, read_only=False))) as db:
                await getattr(db, verb)(stacked)

    proof.shown(f"a second statement in `{verb}` is refused", payloads=len(STACKED))


@pytest.mark.parametrize("statement", KNOWN)
async def test_what_catalogs_tell_of_others_is_no_value_of_theirs(
    pool: Any, attacker: Stamped, neighbour: Stamped, statement: str
) -> None:
    async with as_hospital(pool, attacker) as connection:
        rows = await connection.fetch(filled(statement, attacker, neighbour))

    assert {value for row in rows for value in row} <= {None, "<insufficient privilege>"}


async def test_no_catalog_tells_a_hospitals_name(pool: Any, attacker: Stamped, proof: Ledger) -> None:
    """Names of hospitals and of their people, e-mails, documents: all of them are stamped."""
    told, catalogs = await names_told(pool, attacker)

    assert told == []
    proof.shown("no catalog tells a hospital the name of another", catalogs=catalogs, hospitals_named=0)


@pytest.mark.parametrize("grant", ["grant select on tutores to {o}", "grant usage on schema {s} to {o}"])
async def test_a_hospital_has_no_rights_to_give(pool: Any, attacker: Stamped, neighbour: Stamped, grant: str) -> None:
    async with finishing(UnitOfWork(pool, tenant_gate(attacker.schema, read_only=False))) as db:
        # PostgreSQL takes the statement, warns that nothing was granted, and grants nothing.
        await db.all(query(text(filled(grant, attacker, neighbour))))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with as_hospital(pool, neighbour) as connection:
            await connection.fetch(f"table {attacker.schema}.tutores")


async def test_a_statement_without_end_is_stopped(pool: Any, attacker: Stamped) -> None:
    """Nothing in a SELECT can lift the limit: set_config is revoked."""
    gate = tenant_gate(attacker.schema, read_only=True, timeout_ms=50)

    with pytest.raises(Unavailable, match="demorou demais"):
        async with finishing(UnitOfWork(pool, gate)) as db:
            await db.one(query(text("select count(*) from generate_series(1, 1000000000000)")))


async def test_a_statement_of_its_own_could_take_the_neighbours_role(
    pool: Any, attacker: Stamped, neighbour: Stamped
) -> None:
    """The one way that the database leaves open, and must: the gate itself goes through it.

    `zoapets_app` may become every hospital, and SET ROLE asks who signed in, not who one is now. It is no way for what
    is injected into a statement: SET cannot stand inside another one, and a second one is refused (above).
    """
    async with as_hospital(pool, attacker) as connection:
        await connection.execute(f"set local role {neighbour.schema}")

        assert await connection.fetchval("select current_user::text") == neighbour.schema


async def test_every_function_that_was_shut_is_shut(ground: Ground) -> None:
    assert await ground.stage.owner.fetchval(STILL_OPEN, list(FORBIDDEN_FUNCTIONS)) == []


async def test_every_function_that_was_shut_exists_by_that_name(ground: Ground) -> None:
    names = "select distinct proname::text from pg_proc where pronamespace = 'pg_catalog'::regnamespace"

    assert set(FORBIDDEN_FUNCTIONS) - {name for (name,) in await ground.stage.owner.fetch(names)} == set()


async def test_no_function_of_a_kind_that_was_shut_is_open(pool: Any, attacker: Stamped) -> None:
    """Found by what their names say, so that one which a newer PostgreSQL brings is found too."""
    assert await open_functions(pool, attacker) == set()


# --- and the look itself


async def test_it_sees_a_right_too_many(
    ground: Ground, pool: Any, attacker: Stamped, neighbour: Stamped, proof: Ledger
) -> None:
    rights = f"usage on schema {neighbour.schema}", f"select, update on {neighbour.schema}.tutores"
    for right in rights:
        await ground.stage.owner.execute(f"grant {right} to {attacker.schema}")
    try:
        found = await broken_out(ground, pool, attacker, neighbour, NEIGHBOUR)
    finally:
        for right in rights:
            await ground.stage.owner.execute(f"revoke {right} from {attacker.schema}")

    assert "answered" in found["select * from {o}.tutores"]
    assert "held up" in found["lock table {o}.tutores in access exclusive mode"]
    proof.seen("a hospital's role with a right on a table of another", payloads_through=len(found))


async def test_it_sees_a_function_that_was_not_shut(
    ground: Ground, pool: Any, attacker: Stamped, neighbour: Stamped, proof: Ledger
) -> None:
    function = "execute on function pg_catalog.set_config(text, text, boolean)"
    await ground.stage.owner.execute(f"grant {function} to public")
    try:
        found = await broken_out(ground, pool, attacker, neighbour, ROLES)
        still_open = await open_functions(pool, attacker)
    finally:
        await ground.stage.owner.execute(f"revoke {function} from public")

    assert "select set_config('role', '{o}', true)" in found
    assert "set_config(text,text,boolean)" in still_open
    proof.seen("`set_config` open to every role", payloads_through=len(found))


async def test_it_sees_a_name_in_a_catalog(
    ground: Ground, pool: Any, attacker: Stamped, neighbour: Stamped, proof: Ledger
) -> None:
    await ground.stage.owner.execute(f"comment on schema {neighbour.schema} is 'Hospital {neighbour.hospital.slug}'")
    try:
        told, _ = await names_told(pool, attacker, "pg_catalog.pg_%description")
    finally:
        await ground.stage.owner.execute(f"comment on schema {neighbour.schema} is null")

    assert told == ["pg_catalog.pg_description"]
    proof.seen("a hospital's name in a comment on its schema", catalogs=len(told))
