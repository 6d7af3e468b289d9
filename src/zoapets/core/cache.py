"""Valkey (or Redis): rate limits, and what is kept for a moment. Never a source of truth.

When it is away the application goes on: limits are kept per process, nothing is kept, `/health/ready` says `degraded`,
a metric counts.
"""

import asyncio
import contextlib
import time
from typing import Any

import redis.asyncio as redis
from limits import parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter

from zoapets.core.observability import Metrics

TIMEOUT_S = 0.1
# After a failure it is asked this often whether it is back, and by no request: one that hangs slows nobody down twice.
REST_S = 1.0
_AWAY = (redis.RedisError, OSError, TimeoutError)


class AwayError(Exception):
    """Valkey is not configured, does not answer, or is being left alone."""


class Cache:
    """The connection, and what it is used for."""

    def __init__(self, url: str | None, metrics: Metrics) -> None:
        self._metrics = metrics
        self._watch: asyncio.Task[None] | None = None
        self._local = FixedWindowRateLimiter(MemoryStorage())
        self._client: Any = None
        self._shared: FixedWindowRateLimiter | None = None
        if url is not None:
            pool = redis.BlockingConnectionPool.from_url(
                url, max_connections=16, timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S
            )
            self._client = redis.Redis(connection_pool=pool)
            options: Any = {"connection_pool": pool, "implementation": "redispy"}
            self._shared = FixedWindowRateLimiter(RedisStorage("async+redis://", **options))

    @property
    def configured(self) -> bool:
        return self._client is not None

    async def ping(self) -> bool:
        """Whether it answers now."""
        if self._client is None:
            return False
        try:
            await self._client.ping()
        except _AWAY:
            self._failed()
            return False
        return True

    async def get(self, key: str) -> bytes | None:
        """What is kept under `key`. AwayError."""
        found: bytes | None = await self._ask("get", key)
        return found

    async def put(self, key: str, value: bytes, *, keep_ms: int, only_new: bool = False) -> bool:
        """Keep `value` for a while; False when `only_new` and something is kept there already. AwayError."""
        return await self._ask("set", key, value, px=keep_ms, nx=only_new) is not None

    async def remove(self, key: str) -> None:
        """Keep nothing under `key`. AwayError."""
        await self._ask("delete", key)

    async def _ask(self, command: str, *given: Any, **options: Any) -> Any:
        if self._client is None or self._watch is not None:
            raise AwayError
        try:
            return await getattr(self._client, command)(*given, **options)
        except _AWAY as error:
            self._failed()
            raise AwayError from error

    async def hit(self, limit: str, *key: str) -> float:
        """Count one against `limit` (`"600/minute"`); seconds to wait when it is used up, else 0."""
        item = parse(limit)
        if self._shared is not None and self._watch is None:
            with contextlib.suppress(*_AWAY):
                return await self._count(self._shared, item, key)
            self._failed()
        return await self._count(self._local, item, key)

    async def _count(self, limiter: FixedWindowRateLimiter, item: Any, key: tuple[str, ...]) -> float:
        if await limiter.hit(item, *key):
            return 0.0
        window = await limiter.get_window_stats(item, *key)
        return max(1.0, window.reset_time - time.time())

    def _failed(self) -> None:
        self._metrics.cache_failures.inc()
        if self._watch is None:
            self._watch = asyncio.create_task(self._wait_for_it())

    async def _wait_for_it(self) -> None:
        """Ask until it answers; until then, it is left alone by everybody else."""
        try:
            while True:
                await asyncio.sleep(REST_S)
                with contextlib.suppress(*_AWAY):
                    await self._client.ping()
                    return
                self._metrics.cache_failures.inc()
        finally:
            self._watch = None

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._client is not None:
            await self._client.aclose()
            await self._client.connection_pool.disconnect()
