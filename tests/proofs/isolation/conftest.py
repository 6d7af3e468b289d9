"""The ground that these proofs share."""

from collections.abc import AsyncIterator

import pytest

from tests.proofs import ledger
from tests.proofs.isolation.ground import Ground, installation

FEW, MANY = ledger.pick(6, 20), ledger.pick(6, 200)
# A limit that nobody reaches: the application counts in Valkey.
LIMIT = 1_000_000


@pytest.fixture(scope="package")
async def ground(worker_id: str) -> AsyncIterator[Ground]:
    """A few stamped hospitals, in an installation of their own."""
    async with installation(f"isolation_{worker_id}", FEW, rate_limit_per_minute=LIMIT) as made:
        yield made


@pytest.fixture(scope="package")
async def many(worker_id: str, ground: Ground) -> AsyncIterator[Ground]:
    """As many as are asked for; in a slice, the few."""
    if len(ground.hospitals) == MANY:
        yield ground
        return
    async with installation(f"isolation_many_{worker_id}", MANY, rate_limit_per_minute=LIMIT) as made:
        yield made
