"""What the rivals are given."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cast import Hospital, Stage
from tests.proofs import ledger
from tests.proofs.rivals.arena import CONNECTIONS, Arena, client, served
from zoapets.core import pool

IN_ONE_PROCESS, IN_TWO_WORKERS = "in one process", "in two workers"
WAYS = [IN_ONE_PROCESS, IN_TWO_WORKERS] if ledger.is_full() else [IN_ONE_PROCESS]


@pytest.fixture(scope="module")
async def crowd(stage: Stage) -> AsyncIterator[Stage]:
    """The installation once more, with a connection for (nearly) each rival, who does not wait for a better one."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pool, "RATHER_WAIT_S", 0)
        crowd = await Stage.open(stage.owner_url, str(stage.settings.redis_url), pool_size=CONNECTIONS)
        yield crowd
        await crowd.close()


@pytest.fixture(scope="module", params=WAYS)
async def way(
    request: pytest.FixtureRequest, crowd: Stage, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, Stage]]:
    """How the rivals reach the installation."""
    if request.param == IN_ONE_PROCESS:
        yield request.param, crowd
        return
    folder: Path = tmp_path_factory.mktemp("served")
    with served(crowd, folder / "log") as address:
        async with client(address) as http:
            yield request.param, replace(crowd, http=http)


@pytest.fixture(scope="module")
async def arena(way: tuple[str, Stage], crowd: Stage) -> Arena:
    """A hospital where all is as it should be, for the tests of a module."""
    name, stage = way
    hospital = await crowd.hospital()
    return Arena(name, replace(hospital, stage=stage))


@pytest.fixture
async def broken(crowd: Stage) -> Arena:
    """A hospital to break something in, in this process, where code can be replaced."""
    hospital: Hospital = await crowd.hospital()
    return Arena("broken", hospital)
