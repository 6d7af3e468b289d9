"""A database for each module here, prepared by `zoapets migrate`."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.cli.ground import PREFIXES, Ground
from tests.conftest import POSTGRES, VALKEY


def _execute(*statements: str) -> None:
    async def run() -> None:
        admin = await asyncpg.connect(os.environ[POSTGRES])
        for statement in statements:
            await admin.execute(statement)
        await admin.close()

    asyncio.run(run())


@pytest.fixture(scope="module")
def _ground(
    request: pytest.FixtureRequest, worker_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    database = f"{request.module.__name__.rpartition('.')[2]}_{worker_id}"
    _execute(f"drop database if exists {database} with (force)", f"create database {database}")
    owner_url = os.environ[POSTGRES].replace("/postgres?", f"/{database}?")
    files: Path = tmp_path_factory.mktemp("files")
    yield Ground.at(owner_url, os.environ[VALKEY], str(files))
    _execute(f"drop database {database} with (force)")


@pytest.fixture
def bare(_ground: Ground, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Ground:
    """The module's database, as the tests before left it: empty at first."""
    for name in list(os.environ):
        if name.startswith(PREFIXES):
            monkeypatch.delenv(name)
    for name, value in _ground.environ.items():
        monkeypatch.setenv(name, value)
    _ground.capture = capfd
    return _ground


@pytest.fixture
def ground(bare: Ground) -> Ground:
    """The module's database, prepared."""
    if not bare.sql("select to_regclass('public.tenants') is not null as there")[0]["there"]:
        assert bare.zoapets("migrate").code == 0
    return bare
