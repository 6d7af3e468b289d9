"""The suite's ground: one real PostgreSQL and one real Valkey for the run, one database for each worker."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from tests.cast import Hospital, Stage
from zoapets.core import cache
from zoapets.embedded import EmbeddedServers

# No test depends on how fast the machine is; where a change is judged, every run looks at the same examples.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("house")
# Nor is Valkey away because the machine is busy.
cache.TIMEOUT_S = 30.0

POSTGRES, VALKEY = "ZOAPETS_TEST_POSTGRES", "ZOAPETS_TEST_VALKEY"
_servers: list[EmbeddedServers] = []
_folders: list[tempfile.TemporaryDirectory[str]] = []


def pytest_configure(config: pytest.Config) -> None:
    """The first process starts the servers; its workers inherit their addresses."""
    if hasattr(config, "workerinput") or POSTGRES in os.environ or config.option.collectonly:
        return
    folder = tempfile.TemporaryDirectory(prefix="zt-", ignore_cleanup_errors=True)
    Path(folder.name).chmod(0o755)
    servers = EmbeddedServers(Path(folder.name) / "servers", fast=True)
    addresses = servers.start()
    os.environ[POSTGRES], os.environ[VALKEY] = addresses.postgres, addresses.valkey
    _servers.append(servers)
    _folders.append(folder)


def pytest_unconfigure() -> None:
    while _servers:
        _servers.pop().stop()
        os.environ.pop(POSTGRES, None)
        os.environ.pop(VALKEY, None)
    while _folders:
        _folders.pop().cleanup()


@pytest.fixture(scope="session")
async def stage(worker_id: str) -> AsyncIterator[Stage]:
    """The installation: a migrated database of this worker's own, two hospitals, the application."""
    server = os.environ[POSTGRES]
    database = f"test_{worker_id}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"drop database if exists {database} with (force)")
    await admin.execute(f"create database {database}")
    await admin.close()
    stage = await Stage.open(server.replace("/postgres?", f"/{database}?"), os.environ[VALKEY])
    yield stage
    await stage.close()


@pytest.fixture(scope="session")
async def _hospitals(stage: Stage) -> tuple[Hospital, Hospital]:
    return await stage.hospital("aurora"), await stage.hospital("horizonte")


@pytest.fixture
def hospital(_hospitals: tuple[Hospital, Hospital]) -> Hospital:
    """A hospital that tests share: make what you need, count nothing you did not make."""
    return _hospitals[0]


@pytest.fixture
def other_hospital(_hospitals: tuple[Hospital, Hospital]) -> Hospital:
    """The one next door."""
    return _hospitals[1]


@pytest.fixture
async def new_hospital(stage: Stage) -> Hospital:
    """A hospital of the test's own, empty."""
    return await stage.hospital()


@pytest.fixture
def noon(stage: Stage) -> None:
    """It is noon in the hospitals, whenever the suite runs: midnight is far from every dose."""
    now = datetime.now(UTC)
    stage.clock.offset = now.replace(hour=15, minute=0, second=0, microsecond=0) - now


@pytest.fixture(autouse=True)
def _clock(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that moved the clock leaves it as it was."""
    yield
    if "stage" in request.fixturenames or "hospital" in request.fixturenames:
        request.getfixturevalue("stage").clock.offset = timedelta()
