"""`zoapets serve` as it runs in production, on the ground of bad input, with every line that it logs."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cast import Stage
from tests.cli.test_serve import free_port

DEADLINE_S = 60


@dataclass(frozen=True)
class Served:
    """Where it answers, and what it has logged so far."""

    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def said(self) -> str:
        return self.log.read_text()

    async def spoken(self, *pieces: bytes, closing: bool = True) -> bytes:
        """What it answers to these bytes until it closes the connection; with `closing`, we have ended first."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**24)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if closing:
                writer.write_eof()
            async with asyncio.timeout(DEADLINE_S):
                return await reader.read()
        except OSError:
            # It had said what there was to say, and did not wait for the rest of ours.
            return b""
        finally:
            writer.close()

    async def lives(self) -> bool:
        said = await self.spoken(b"GET /health/live HTTP/1.1\r\nhost: zoapets\r\nconnection: close\r\n\r\n")
        return said.startswith(b"HTTP/1.1 200 ")


@asynccontextmanager
async def serving(stage: Stage, log: Path, *, level: str = "debug") -> AsyncIterator[Served]:
    """A process of its own on this installation; the tokens that the stage makes are good there."""
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": stage.settings.database_url,
        "DATABASE_POOL_SIZE": "3",
        "REDIS_URL": stage.settings.redis_url or "",
        "JWT_SECRET": stage.settings.jwt_secret,
        "JWT_REFRESH_SECRET": stage.settings.jwt_refresh_secret,
        "STORAGE_URL": f"file://{log.parent}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WORKERS": "1",
        "LOG_LEVEL": level,
    }
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "zoapets", "serve", env=environ, stderr=written, stdout=written
        )
    served = Served(port, log)
    try:
        async with asyncio.timeout(DEADLINE_S):
            while "Application startup complete." not in served.said():
                assert process.returncode is None, served.said()
                await asyncio.sleep(0.02)
        yield served
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
