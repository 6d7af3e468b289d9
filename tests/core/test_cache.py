"""Valkey away: nobody waits for it twice, and it is found again by itself."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import redis.asyncio

from tests.cast import number, until
from tests.conftest import VALKEY
from tests.proofs.faults.proxy import Proxy
from zoapets.core import cache
from zoapets.core.cache import AwayError, Cache
from zoapets.core.observability import Metrics

LIMIT = "2/minute"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is where people wait."""
    monkeypatch.setattr(cache, "TIMEOUT_S", 0.1)


@pytest.fixture
def valkey() -> Iterator[Proxy]:
    proxy = Proxy(Path(unquote(urlsplit(os.environ[VALKEY]).path)))
    yield proxy
    proxy.close()


async def counted(key: str) -> int:
    """How many keys of Valkey count for it."""
    async with redis.asyncio.from_url(os.environ[VALKEY]) as client:
        return len(await client.keys(f"*{key}*"))


async def test_one_that_hangs_is_asked_again_by_no_request(valkey: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "REST_S", 3600.0)
    metrics, key, valkey.delay = Metrics(), f"hangs-{number()}", 3600.0
    ours = Cache(valkey.url, metrics)

    waits = [await ours.hit(LIMIT, key) for _ in range(4)]

    assert [wait > 0 for wait in waits] == [False, False, True, True], "counted by this process"
    assert "zoapets_cache_failures_total 1.0" in metrics.page().decode()
    await ours.close()


async def test_it_is_used_again_when_it_answers(valkey: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "REST_S", 0.01)
    key, valkey.delay = f"back-{number()}", 3600.0
    ours = Cache(valkey.url, Metrics())
    await ours.hit(LIMIT, key)
    before = await counted(key)

    valkey.delay = 0.0

    async def counts_there() -> bool:
        await ours.hit("1000000/minute", key)
        return await counted(key) != before

    await until(counts_there, seconds=30)
    await ours.close()


async def test_each_time_it_is_asked_in_vain_is_counted(valkey: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "REST_S", 0.01)
    metrics, valkey.delay = Metrics(), 3600.0
    ours = Cache(valkey.url, metrics)

    assert not await ours.ping()
    await until(lambda: "zoapets_cache_failures_total 3.0" in metrics.page().decode())
    await ours.close()


async def test_without_one_limits_hold_and_nothing_is_kept() -> None:
    ours = Cache(None, Metrics())

    assert [await ours.hit(LIMIT, "sem") > 0 for _ in range(3)] == [False, False, True]
    assert not await ours.ping()
    with pytest.raises(AwayError):
        await ours.get("sem")
    await ours.close()
