"""An installation of these proofs' own: they look at every row that there is in it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.cast import Hospital, Stage
from tests.conftest import POSTGRES, VALKEY
from tests.proofs.backup.copies import lived_in, small, taken
from zoapets.core.database import prepare


@asynccontextmanager
async def owning(installation: Stage) -> AsyncIterator[Any]:
    """The owner's connection, as a command has it."""
    connection = await asyncpg.connect(installation.owner_url)
    await prepare(connection)
    yield connection
    connection.terminate()


@pytest.fixture(scope="session")
async def installation(worker_id: str) -> AsyncIterator[Stage]:
    """A database, a hospital next door, and the application."""
    server, database = os.environ[POSTGRES], f"backup_{worker_id}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"drop database if exists {database} with (force)")
    await admin.execute(f"create database {database}")
    installation = await Stage.open(server.replace("/postgres?", f"/{database}?"), os.environ[VALKEY])
    await (await installation.hospital("vizinho")).pet()
    yield installation
    await installation.close()
    await admin.execute(f"drop database {database} with (force)")
    await admin.close()


@pytest.fixture
async def owner(installation: Stage) -> AsyncIterator[Any]:
    async with owning(installation) as connection:
        yield connection


@pytest.fixture(scope="session")
async def source(installation: Stage) -> Hospital:
    """A hospital with rows in every table, which is only looked at."""
    return await lived_in(installation)


@pytest.fixture(scope="session")
async def busy(installation: Stage) -> Hospital:
    """A hospital in which people write."""
    return await lived_in(installation)


@pytest.fixture(scope="session")
async def file(installation: Stage, source: Hospital, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`source`, exported."""
    async with owning(installation) as connection:
        return await taken(connection, source, tmp_path_factory.mktemp("backup") / "source.zip")


@pytest.fixture(scope="session")
async def small_file(installation: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small hospital, exported: to be damaged again and again."""
    async with owning(installation) as connection:
        return await taken(connection, await small(installation), tmp_path_factory.mktemp("backup") / "small.zip")
