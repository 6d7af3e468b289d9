"""Seals audit trails, beside the requests: within seconds of a commit, and never in the way of one.

What a seal is stands in `AuditoriaSelo` (entities/registros.py); the database makes it, see the migration.
"""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta

import asyncpg
import structlog
from sqlalchemy import select, text

from zoapets.common.errors import Problem, Unavailable
from zoapets.common.schema import Read
from zoapets.core.database import UnitOfWork, finishing
from zoapets.core.observability import Metrics
from zoapets.core.pool import Pool
from zoapets.core.statements import query
from zoapets.core.tenancy import Origin, shared_gate, tenant_gate
from zoapets.entities.shared import Tenant

log = structlog.get_logger("zoapets.sealing")

# How long the last round may take when the process ends; what it leaves, another process or the next start seals.
LAST_ROUND_S = 5
ORIGIN = Origin(address="selos")


class Sealed(Read):
    """How many rows were sealed, and whether some are left: more than one seal takes, or their time has not come."""

    seladas: int
    restam: bool


SEAL = query(text("select seladas, restam from selar_auditoria()"), Sealed)
SCHEMAS = query(select(Tenant.schema_name))


class Sealer:
    """One task in each process. It seals where the process has written, one hospital at a time.

    In each round it also looks at one other hospital, in turn: a process that died may have left something there.
    """

    def __init__(self, pool: Pool, metrics: Metrics, interval: timedelta) -> None:
        self._pool = pool
        self._metrics = metrics
        self._interval = interval.total_seconds()
        self._waiting: set[str] = set()
        self._tour: list[str] = []
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_failing = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Seal what was written last, and end."""
        self._ending.set()
        if self._task is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._task, LAST_ROUND_S)

    async def round(self) -> None:
        """Seal what this process has written; what cannot be sealed yet waits for the next round."""
        self._waiting |= self._pool.written - {"public"}
        self._pool.written.clear()
        for schema in list(self._waiting):
            if not await self._attempt(schema):
                self._waiting.discard(schema)

    async def visit(self) -> None:
        """Seal in the next hospital of the tour; a tour that has ended begins anew, in another order."""
        if not self._tour:
            async with finishing(UnitOfWork(self._pool, shared_gate(read_only=True))) as db:
                self._tour = await db.all(SCHEMAS)
            random.shuffle(self._tour)
        if self._tour and await self._attempt(schema := self._tour.pop()):
            self._waiting.add(schema)

    async def _run(self) -> None:
        while not self._ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), self._interval)
            try:
                await self.round()
                if not self._ending.is_set():
                    await self.visit()
            except Unavailable as error:
                self._failed(error)

    async def _attempt(self, schema: str) -> bool:
        """Whether something is left that can be sealed soon. Unavailable when the database is away."""
        try:
            is_left = await self._seal(schema)
        except Unavailable:
            raise
        except asyncpg.UndefinedFunctionError:
            # A hospital that is behind has no seals yet.
            return False
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one hospital, the others are sealed
            self._failed(error)
            return isinstance(error, Problem)
        self._is_failing = False
        return is_left

    async def _seal(self, schema: str) -> bool:
        while True:
            work = UnitOfWork(self._pool, tenant_gate(schema, read_only=False, origin=ORIGIN))
            async with finishing(work):
                done = await work.one(SEAL)
                if not done.seladas:
                    # A commit would say that there is something new to seal.
                    await work.rollback()
            self._metrics.sealed.inc(done.seladas)
            if not (done.seladas and done.restam):
                return done.restam

    def _failed(self, error: Exception) -> None:
        """Counted each time, and said once until it goes well again."""
        self._metrics.seal_failures.inc()
        if not self._is_failing:
            self._is_failing = True
            log.warning("audit trail not sealed", error=type(error).__name__)
