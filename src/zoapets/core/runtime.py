"""What a process opens once and every request uses."""

from dataclasses import dataclass

from zoapets.common.clock import Clock
from zoapets.core.auth.access import Access
from zoapets.core.auth.passwords import Passwords
from zoapets.core.auth.tokens import Tokens
from zoapets.core.boards import Boards
from zoapets.core.cache import Cache
from zoapets.core.config import Settings
from zoapets.core.database import open_pool
from zoapets.core.observability import Metrics
from zoapets.core.pool import Pool
from zoapets.core.sealing import Sealer
from zoapets.core.storage import Storage


@dataclass(slots=True)
class Runtime:
    """The open parts of one process."""

    settings: Settings
    clock: Clock
    pool: Pool
    tokens: Tokens
    access: Access
    passwords: Passwords
    cache: Cache
    boards: Boards
    storage: Storage
    metrics: Metrics
    sealer: Sealer

    @classmethod
    async def open(cls, settings: Settings, clock: Clock | None = None) -> "Runtime":
        clock = clock or Clock()
        tokens = Tokens(
            secret=settings.jwt_secret,
            refresh_secret=settings.jwt_refresh_secret,
            expires=settings.jwt_expires_in,
            refresh_expires=settings.jwt_refresh_expires_in,
        )
        pool = await open_pool(
            settings.database_url, size=settings.pool_size, statement_timeout_ms=settings.statement_timeout_ms
        )
        metrics = Metrics()
        cache = Cache(settings.redis_url, metrics)
        sealer = Sealer(pool, metrics, settings.seal_interval)
        sealer.start()
        return cls(
            settings=settings,
            clock=clock,
            pool=pool,
            tokens=tokens,
            access=Access(pool, tokens, clock, settings.access_ttl),
            passwords=Passwords(),
            cache=cache,
            boards=Boards(cache),
            storage=Storage(settings),
            metrics=metrics,
            sealer=sealer,
        )

    async def close(self) -> None:
        await self.sealer.stop()
        self.passwords.close()
        await self.cache.close()
        await self.pool.close()
