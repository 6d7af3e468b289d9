"""The ground that bad input is thrown at: an installation of its own, so that no other test meets what is left."""

import os
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.cast import Hospital, Stage, number
from tests.conftest import POSTGRES, VALKEY
from tests.proofs.input.served import Served, serving


@pytest.fixture(scope="session")
async def ground(worker_id: str) -> AsyncIterator[Stage]:
    server = os.environ[POSTGRES]
    database = f"proofs_input_{worker_id}_{number()}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"create database {database}")
    await admin.close()
    stage = await Stage.open(server.replace("/postgres?", f"/{database}?"), os.environ[VALKEY])
    yield stage
    await stage.close()


@pytest.fixture
async def target(ground: Stage) -> Hospital:
    """A hospital of the test's own."""
    return await ground.hospital()


@pytest.fixture(scope="session")
async def platform(ground: Stage) -> Hospital:
    """Those who run the installation."""
    return await ground.hospital("plataforma", platform=True)


@pytest.fixture(scope="session")
async def served(ground: Stage, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """The same installation behind a real socket."""
    async with serving(ground, tmp_path_factory.mktemp("served") / "log") as served:
        yield served
