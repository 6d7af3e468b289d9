"""A connection that somebody has left tainted is found and destroyed, and serves nobody."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.proofs import ledger
from tests.proofs.isolation.checkouts import AT_ONCE, OF_ROLE, TAINTS, Found, check_out, left_behind
from tests.proofs.isolation.ground import Ground
from tests.proofs.ledger import Ledger
from zoapets.core import tenancy
from zoapets.core.database import UnitOfWork, open_pool
from zoapets.core.tenancy import shared_gate, tenant_gate

CHECKOUTS, TAINTED = ledger.pick(300, 10_000), ledger.pick(15, 500)
SEED = 20_260_714


@pytest.fixture
async def pool(ground: Ground) -> AsyncIterator[Any]:
    pool = await open_pool(ground.stage.settings.database_url, size=AT_ONCE)
    yield pool
    pool.terminate()


async def alive(ground: Ground, pids: set[str]) -> list[str]:
    """Those of these processes that are there after a while."""
    for _ in range(200):
        rows = await ground.stage.owner.fetch(
            "select pid::text from pg_stat_activity where pid::text = any($1::text[])", list(pids)
        )
        if not rows:
            return []
        await asyncio.sleep(0.05)
    return [row[0] for row in rows]


async def test_every_tainted_connection_is_destroyed_and_serves_nobody(
    ground: Ground, pool: Any, proof: Ledger
) -> None:
    found = await check_out(pool, ground.hospitals[:20], CHECKOUTS, TAINTED, seed=SEED)

    assert found.findings == [], f"seed {SEED}"
    assert set(found.tainted) == set(TAINTS)
    of_role = sum(found.tainted[kind] for kind in OF_ROLE)
    assert found.refused == of_role == TAINTED
    assert await alive(ground, found.condemned) == []
    proof.shown(
        "every connection left in a role is found and destroyed, and nothing left on any is seen by the next",
        checkouts=found.checkouts,
        left_in_a_role=of_role,
        found_and_destroyed=found.refused,
        served=0,
        left_with_something_else=found.tainted.total() - of_role,
        seen_by_the_next=0,
    )


@pytest.mark.parametrize(
    "statement",
    [
        "select pg_advisory_lock(1)",
        "select pg_try_advisory_lock(1)",
        "create temp table kept (id int)",
        "create temp table kept as select * from tutores",
        "set session authorization postgres",
        "set session_replication_role = replica",
        "load 'auto_explain'",
    ],
)
@pytest.mark.parametrize("inside", [True, False])
async def test_what_would_outlive_a_transaction_and_hold_others_up_cannot_be_made(
    ground: Ground,
    pool: Any,
    statement: str,
    inside: bool,  # noqa: FBT001 - in a hospital's role, or as the application itself
) -> None:
    gate = tenant_gate(ground.hospitals[0].schema, read_only=False) if inside else shared_gate()
    statement = statement.replace("tutores", "tutores" if inside else "public.tenants")

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await left_behind(UnitOfWork(pool, gate), statement)


async def test_it_sees_a_gate_that_asks_nothing(
    ground: Ground, pool: Any, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    monkeypatch.setattr(tenancy, "ASSERT_CLEAN", "select 1")

    found: Found = await check_out(pool, ground.hospitals[:20], 300, 15, seed=SEED)

    assert any("was left in a role, and served" in finding for finding in found.findings)
    proof.seen("a gate without its check of the role", served_on_tainted=len(found.findings))
