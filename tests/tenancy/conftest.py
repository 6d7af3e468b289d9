"""A pool of one connection: whoever comes next gets what the one before left behind."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.cast import Stage
from zoapets.core.database import open_pool


@pytest.fixture
async def pool(stage: Stage) -> AsyncIterator[Any]:
    pool = await open_pool(stage.settings.database_url, size=1)
    yield pool
    # Not `close`, which waits for a connection that a failing test kept.
    pool.terminate()
