"""What is said of an installation that cannot be reached, or has no hospitals yet."""

import os
from typing import Any

import asyncpg
import pytest

from tests.conftest import POSTGRES
from zoapets.core.owner.installation import UnreachableError, app_role, connected, place

WORD = "segredo"


@pytest.mark.parametrize(
    ("url", "where"),
    [
        (f"postgresql://ana:{WORD}@db:5432/zoapets", "db:5432/zoapets"),
        ("postgresql://ana@/zoapets?host=/run/postgres", "/run/postgres/zoapets"),
        ("unix:///run/valkey.sock", "/run/valkey.sock"),
        (f"postgresql://ana:{WORD}@[::1/zoapets", "an address that cannot be read"),
    ],
)
def test_an_address_is_named_without_its_login(url: str, where: str) -> None:
    assert place(url) == where


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError(), "no answer within"),
        (ValueError(f"ana:{WORD}"), "it is not a PostgreSQL address"),
        (OSError("no\nroute"), "no route"),
        (OSError(), "OSError"),
    ],
)
async def test_why_there_is_no_connection_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    async def refused(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(asyncpg, "connect", refused)

    with pytest.raises(UnreachableError, match=rf"DATABASE_URL: no connection to db/zoapets: .*{said}") as caught:
        async with connected("postgresql://ana@db/zoapets", "DATABASE_URL"):
            pass
    assert WORD not in str(caught.value)


async def test_a_database_without_hospitals_asks_nothing_of_them() -> None:
    bare = await asyncpg.connect(os.environ[POSTGRES])
    try:
        assert await bare.fetchval("select to_regclass('public.tenants')") is None
        assert "cannot become" not in (await app_role(bare)).detail
    finally:
        await bare.close()
