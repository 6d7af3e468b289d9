"""What all benchmarks stand on: servers with durable settings, the hospital `bench`, tokens, and SQL as the owner."""

import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from benchmarks.servers import Server, serving, zoapets
from zoapets.cli.folder import erase
from zoapets.common.clock import Clock
from zoapets.core.auth.tokens import Tokens
from zoapets.core.owner.hospitals import HospitalRow, find
from zoapets.demo.installation import prepare_demo
from zoapets.embedded import EmbeddedServers

BENCH = "bench"
POOL_SIZE = 10
LASTS = timedelta(days=1)
STATEMENTS = "pg_stat_statements"


def said(line: str) -> None:
    """Progress, for who waits."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')}  {line}\n")
    sys.stderr.flush()


class Ground:
    """An installation of its own under `folder`, made once for all benchmarks of a run, and erased after it."""

    def __init__(self, folder: Path, *, quick: bool) -> None:
        self.folder = folder
        self.quick = quick
        self._servers = EmbeddedServers(folder / "servers")
        self._secrets = (secrets.token_urlsafe(48), secrets.token_urlsafe(48))
        self.server_url = self.owner_url = self.app_url = self._valkey = ""

    def start(self) -> None:
        """Both servers, with PostgreSQL ready to count statements when it is asked to. From the main thread."""
        (self.folder / "servers").mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        erase(self.folder / "servers")
        addresses = self._servers.start(said)
        self.server_url, self._valkey = addresses.postgres, addresses.valkey
        self.owner_url = addresses.postgres.replace("/postgres?", "/zoapets?", 1)
        self.app_url = self.owner_url.replace("postgres@", "zoapets_app@", 1)

    def restart(self) -> None:
        """Both servers again: some settings are read only when PostgreSQL starts."""
        self._servers.stop()
        self._servers.start(said)

    def stop(self) -> None:
        self._servers.stop()
        erase(self.folder / "servers")

    async def set(self, **settings: str) -> None:
        """Settings of PostgreSQL, for all connections; an empty one goes back to its default."""
        connection = await asyncpg.connect(self.server_url)
        try:
            for name, value in settings.items():
                quoted = await connection.fetchval("select quote_literal($1)", value)
                await connection.execute(f"alter system set {name.replace('__', '.')} = {quoted}")
            await connection.execute("select pg_reload_conf()")
        finally:
            await connection.close()

    async def prepare(self) -> None:
        """The database, and the hospital that the demo makes to measure with."""
        await prepare_demo(self.server_url, self.owner_url, self.app_url, size=BENCH, said=said)
        async with self.owner() as connection:
            await connection.execute(f"create extension if not exists {STATEMENTS} schema ext")

    @asynccontextmanager
    async def owner(self, schema: str = "public") -> AsyncIterator[Any]:
        """A connection of the owner's, with a hospital's tables in its path."""
        connection = await asyncpg.connect(self.owner_url, server_settings={"search_path": f"{schema}, ext"})
        try:
            yield connection
        finally:
            await connection.close()

    @property
    def postgres_log(self) -> Path:
        return self.folder / "servers" / "postgres.log"

    async def bench(self) -> HospitalRow:
        return await self.hospital(BENCH)

    async def hospital(self, slug: str) -> HospitalRow:
        async with self.owner() as connection:
            return await find(connection, slug)

    # --- signing in, without the price of a password

    @cached_property
    def _tokens(self) -> Tokens:
        access, refresh = self._secrets
        return Tokens(secret=access, refresh_secret=refresh, expires=LASTS, refresh_expires=LASTS)

    async def tokens(self, hospital: HospitalRow, login: str, count: int = 1) -> list[str]:
        """Access tokens of `count` new sessions of `login`."""
        now = Clock().now()
        email = f"{login}@{hospital.slug}.test"
        async with self.owner(hospital.schema_name) as connection:
            user_id: UUID = await connection.fetchval("select id from users where email = $1", email)
            rows = await connection.fetch(
                "insert into sessoes (id, user_id, refresh_hash, criada_em, renovada_em, expira_em)"
                " select uuidv7(), $1, '-', $2, $2, $3 from generate_series(1, $4) returning id",
                user_id,
                now,
                now + LASTS,
                count,
            )
        return [
            self._tokens.access(
                user_id=user_id, email=email, roles=(), tenant_id=hospital.id, sessao_id=row["id"], now=now
            )
            for row in rows
        ]

    async def token(self, hospital: HospitalRow, login: str) -> str:
        return (await self.tokens(hospital, login))[0]

    # --- the application

    def environ(self, **more: str) -> Mapping[str, str]:
        """What `zoapets serve` reads: one worker with ten connections, everything on."""
        access, refresh = self._secrets
        return {
            "DATABASE_URL": self.app_url,
            "REDIS_URL": self._valkey,
            "STORAGE_URL": f"file://{self.folder / 'files'}",
            "JWT_SECRET": access,
            "JWT_REFRESH_SECRET": refresh,
            "WORKERS": "1",
            "DATABASE_POOL_SIZE": str(POOL_SIZE),
            **more,
        }

    def serving(self, name: str = "ours", **environ: str) -> AbstractAsyncContextManager[Server]:
        """`zoapets serve`, with its access lines in a file."""
        return serving(zoapets("serve"), self.environ(**environ), self.folder / f"{name}.log")

    @property
    def rounds(self) -> int:
        return 3 if self.quick else 5

    def seconds(self, wanted: float) -> float:
        """Of one round."""
        return wanted / 4 if self.quick else wanted

    def size(self, whole: int, *, quick: int) -> int:
        return quick if self.quick else whole
