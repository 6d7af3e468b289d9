"""Whether it lives, whether it can work, and what it has measured."""

import asyncio
from typing import Any

import asyncpg
from litestar import Controller, MediaType, Request, Response, get
from litestar.openapi import ResponseSpec
from sqlalchemy import select, text

from zoapets.common.schema import Read
from zoapets.core.database import UnitOfWork, finishing
from zoapets.core.http import public, runtime_of
from zoapets.core.runtime import Runtime
from zoapets.core.statements import query
from zoapets.core.tenancy import shared_gate

PING = query(select(text("1")))


class Live(Read):
    status: str


class Part(Read):
    ok: bool
    obrigatorio: bool
    detalhe: str = ""


class Ready(Read):
    """`status`: ok, degraded (works, with less) or unavailable."""

    status: str
    postgres: Part
    valkey: Part
    arquivos: Part


class HealthController(Controller):
    tags = ("saúde",)

    @get("/health/live", **public())
    async def live(self) -> Live:
        """O processo está vivo."""
        return Live("ok")

    @get(
        "/health/ready",
        responses={503: ResponseSpec(Ready, description="O banco de dados não responde.")},
        **public(),
    )
    async def ready(self, request: Request[Any, Any, Any]) -> Response[Ready]:
        """Cada dependência responde: 200 se o sistema funciona (`ok` ou `degraded`), 503 se não."""
        runtime = runtime_of(request)
        postgres, valkey, files = await asyncio.gather(_postgres(runtime), _valkey(runtime), _files(runtime))
        optional_fail = not (valkey.ok and files.ok)
        status = "unavailable" if not postgres.ok else "degraded" if optional_fail else "ok"
        body = Ready(status, postgres, valkey, files)
        return Response(body, status_code=200 if postgres.ok else 503)

    @get("/metrics", media_type=MediaType.TEXT, **public())
    async def metrics(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Métricas, no formato do Prometheus."""
        return Response(runtime_of(request).metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _postgres(runtime: Runtime) -> Part:
    try:
        async with asyncio.timeout(2), finishing(UnitOfWork(runtime.pool, shared_gate(read_only=True))) as db:
            await db.one(PING)
    except (Exception, asyncpg.PostgresError) as error:  # noqa: BLE001 - whatever it is, it is not ready
        return Part(ok=False, obrigatorio=True, detalhe=type(error).__name__)
    return Part(ok=True, obrigatorio=True)


async def _valkey(runtime: Runtime) -> Part:
    if not runtime.cache.configured:
        return Part(ok=False, obrigatorio=False, detalhe="não configurado: limites contados por processo")
    ok = await runtime.cache.ping()
    return Part(ok=ok, obrigatorio=False, detalhe="" if ok else "não responde: limites contados por processo")


async def _files(runtime: Runtime) -> Part:
    fault = await runtime.storage.check()
    return Part(ok=fault is None, obrigatorio=False, detalhe="" if fault is None else fault.partition(":")[0])
