"""Deliberate breaks: `python -m tests.proofs.faults.breaks NAME` is `zoapets serve` with one of them in every worker.

Each is a mistake that somebody could make, and that a proof here must see.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio
import uvicorn
from sqlalchemy import text

from zoapets.app import Application
from zoapets.cli import main, serve, worker
from zoapets.core import database, http
from zoapets.core.auth.attempts import MOST_BY_EMAIL, Attempts, MuitasTentativasDeLogin, email_key
from zoapets.core.context import TenantContext
from zoapets.core.database import UnitOfWork, finishing
from zoapets.core.idempotency import CLAIM, STORE, STORED, Answer, Replay
from zoapets.core.pool import Pool
from zoapets.core.statements import query
from zoapets.modules.administracoes.service import AdministracoesService

Break = Callable[[], None]
BREAK = "ZOAPETS_PROOFS_BREAK"
# Long enough for a kill to fall into it.
LATER_S = 0.1
_under_way: set[asyncio.Task[None]] = set()


def _later(work: Callable[[], Awaitable[Any]]) -> None:
    """Do it after the answer has gone out."""

    async def do() -> None:
        await asyncio.sleep(LATER_S)
        await work()

    task = asyncio.create_task(do())
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


def _put(place: Any, name: str, what: Any) -> None:
    setattr(place, name, what)


def answer_before_the_commit() -> None:
    commit = UnitOfWork.commit

    async def late(self: UnitOfWork, first: str = "") -> None:
        _later(lambda: commit(self, first))

    _put(UnitOfWork, "commit", late)


# As the owner, in the hospital: its triggers put audit rows aside, and `fetch_audit` brings those of one request.
AUDIT_ASIDE = """
create table auditoria_aside as select * from auditoria limit 0;
alter table auditoria_aside drop column id;
grant select, insert on auditoria_aside to public;
do $$ declare function text; begin
  foreach function in array array['auditar_insercao()', 'auditar_alteracao()'] loop
    execute replace(
      pg_get_functiondef(function::regprocedure), 'insert into auditoria (', 'insert into auditoria_aside (');
  end loop;
end $$;
create function fetch_audit() returns bigint language sql security definer as $$
  with fetched as (delete from {s}.auditoria_aside
    where requisicao_id = nullif(current_setting('zoapets.requisicao', true), '') returning *),
  kept as (insert into {s}.auditoria
    (em, ator_id, origem, requisicao_id, tabela, acao, registro_id, registros, antes, depois)
    select em, ator_id, origem, requisicao_id, tabela, acao, registro_id, registros, antes, depois from fetched
    returning 1)
  select count(*) from kept
$$;
"""
_FETCH_AUDIT = query(text("select fetch_audit()"))


def audit_after_the_commit() -> None:
    """Needs AUDIT_ASIDE in the hospital."""
    commit = UnitOfWork.commit

    async def fetch(pool: Pool, gate: Any) -> None:
        work = UnitOfWork(pool, gate)
        await work.one(_FETCH_AUDIT)
        await commit(work)

    async def twofold(self: UnitOfWork, first: str = "") -> None:
        await commit(self, first)
        if "tenant_" in self._gate.place and not self._gate.read_only:
            _later(lambda: fetch(self._pool, self._gate))

    _put(UnitOfWork, "commit", twofold)


def events_after_the_commit() -> None:
    async def twofold(self: TenantContext) -> None:
        await self.db.commit()
        origin, events = self.origin.request_id, self.outbox
        if first := events.statement(actor_id=self.actor.id, now=self.now, request_id=origin):
            _later(lambda: UnitOfWork(self.db._pool, self.db._gate).commit(first))

    _put(TenantContext, "commit", twofold)


def answers_stored_after_the_commit() -> None:
    """The keys live in a transaction of their own, as a cache of answers would have them."""
    asked: dict[str, bytes] = {}

    async def claim(ctx: TenantContext, key: str, request: bytes) -> None:
        stored = await ctx.db.first(STORED, ator_id=ctx.actor_id, chave=key)
        if stored is not None and stored.status is not None:
            raise Replay(Answer(stored.status, stored.corpo or b"", stored.etag))
        asked[key] = request

    async def store(ctx: TenantContext, key: str, answer: Answer) -> None:
        async def keep() -> None:
            async with finishing(UnitOfWork(ctx.db._pool, ctx.db._gate)) as db:
                mine = {"ator_id": ctx.actor_id, "chave": key}
                await db.run(CLAIM, **mine, impressao=asked.pop(key), criada_em=ctx.now)
                values = {"status": answer.status, "corpo": answer.body, "etag": answer.etag}
                await db.run(STORE, a_ator_id=ctx.actor_id, a_chave=key, **values)

        _later(keep)

    _put(http, "claim", claim)
    _put(http, "store", store)


def commit_after_each_statement() -> None:
    run = UnitOfWork._run

    async def alone(self: UnitOfWork, *given: Any) -> Any:
        done = await run(self, *given)
        await self.commit()
        return done

    _put(UnitOfWork, "_run", alone)


def faults_without_a_meaning() -> None:
    database._MEANINGS.clear()


def no_bounds() -> None:
    bound = UnitOfWork._bound
    _put(UnitOfWork, "_bound", lambda self, connection, seconds: bound(self, connection, 1000 * seconds))


def login_failures_in_valkey_alone() -> None:
    """Counted where they are quickly counted; without Valkey, nobody is kept waiting."""
    valkey = redis.asyncio.from_url(os.environ["REDIS_URL"], socket_timeout=0.25, socket_connect_timeout=0.25)

    async def check(self: Attempts, db: UnitOfWork, email: str, address: str) -> None:  # noqa: ARG001 - as it is called
        try:
            failures = int(await valkey.get(email_key(email)) or 0)
        except (redis.RedisError, OSError):
            return
        if failures >= MOST_BY_EMAIL:
            raise MuitasTentativasDeLogin(headers={"Retry-After": "1"})

    async def failed(self: Attempts, email: str, address: str) -> None:  # noqa: ARG001 - as it is called
        try:
            await valkey.incr(email_key(email))
        except (redis.RedisError, OSError):
            return

    _put(Attempts, "check", check)
    _put(Attempts, "failed", failed)


def panel_believed_for_a_second() -> None:
    """Remembered by each worker, and not forgotten when a dose is given."""
    panel = AdministracoesService.panel
    known: dict[Any, tuple[float, Any]] = {}

    async def remembered(self: AdministracoesService, **wanted: Any) -> Any:
        key = (self.ctx.hospital.tenant.id, *wanted.items())
        if key not in known or known[key][0] < time.monotonic():
            known[key] = (time.monotonic() + 1, await panel(self, **wanted))
        return known[key][1]

    _put(AdministracoesService, "panel", remembered)


def app() -> Application:
    """What a worker serves."""
    globals()[os.environ[BREAK]]()
    return worker.app_from_environment()


def _config(settings: Any) -> uvicorn.Config:
    wait = serve.HEALTHCHECK_S
    factory = f"{__spec__.name}:app"
    return serve.server_config(
        factory, settings, factory=True, workers=settings.workers, timeout_worker_healthcheck=wait
    )


if __name__ == "__main__":
    os.environ[BREAK] = sys.argv[1]
    serve._config = _config
    sys.exit(main(["serve"]))
