"""Nobody is signed in yet."""

from collections.abc import AsyncIterator

import pytest

from tests.cast import Stage
from tests.core.auth.door import Door, StillClock, address, at


@pytest.fixture
async def door(stage: Stage) -> AsyncIterator[Door]:
    async with at(stage, address()) as http:
        yield Door(http)


@pytest.fixture
def still(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> StillClock:
    clock = StillClock(stage.now)
    monkeypatch.setattr(stage.clock, "now", clock.now)
    return clock
