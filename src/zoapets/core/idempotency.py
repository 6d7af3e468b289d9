"""`Idempotency-Key`: a repeated write has one effect and one answer, byte for byte.

The key is claimed in the write's own transaction: a rival with the same key waits for the first to end, and then
finds its answer. Kept for 48 hours at least.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from zoapets.common.errors import BadRequest, Unprocessable
from zoapets.common.schema import Read
from zoapets.core.context import TenantContext
from zoapets.core.statements import columns, query
from zoapets.entities.registros import Idempotencia

KEPT = timedelta(hours=48)
LONGEST_KEY = 200
_KEY = re.compile(f"[!-~]{{1,{LONGEST_KEY}}}")


class ChaveDeIdempotenciaReutilizada(Unprocessable):
    """The key was used for another request."""

    title = "Esta Idempotency-Key já foi usada com outra requisição."
    advice = "Gere uma chave nova para cada operação; repita a mesma chave só para repetir a mesma requisição."


class StoredAnswer(Read):
    impressao: bytes
    status: int | None
    corpo: bytes | None
    etag: str | None


@dataclass(slots=True)
class Answer:
    """What a request was told."""

    status: int
    body: bytes
    etag: str | None


class Replay(Exception):  # noqa: N818 - not an error: the answer that was given before
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


_mine = (Idempotencia.ator_id == bindparam("ator_id")) & (Idempotencia.chave == bindparam("chave"))
CLAIM = query(
    insert(Idempotencia)
    .values({name: bindparam(name) for name in ("ator_id", "chave", "impressao", "criada_em")})
    .on_conflict_do_nothing()
)
STORED = query(select(*columns(StoredAnswer, Idempotencia)).where(_mine), StoredAnswer)
STORE = query(
    update(Idempotencia)
    .where(Idempotencia.ator_id == bindparam("a_ator_id"), Idempotencia.chave == bindparam("a_chave"))
    .values({name: bindparam(name) for name in ("status", "corpo", "etag")})
)
FORGET = query(
    delete(Idempotencia).where(
        Idempotencia.ator_id == bindparam("ator_id"), Idempotencia.criada_em < bindparam("antes_de")
    )
)


def fingerprint(method: str, target: str, body: bytes, *, secret: str) -> bytes:
    """Of a request: the same key with another fingerprint is refused. Keyed: a body may hold a password."""
    return hmac.digest(secret.encode(), b"\0".join((method.encode(), target.encode(), body)), "sha256")


async def claim(ctx: TenantContext, key: str, request: bytes) -> None:
    """Take `key` for this request. Replay when it was answered before; 422 when it was another request's."""
    if _KEY.fullmatch(key) is None:
        raise BadRequest(f"`Idempotency-Key` deve ter de 1 a {LONGEST_KEY} caracteres ASCII visíveis.")
    await ctx.db.run(FORGET, ator_id=ctx.actor_id, antes_de=ctx.now - KEPT)
    if await ctx.db.run(CLAIM, ator_id=ctx.actor_id, chave=key, impressao=request, criada_em=ctx.now):
        return
    stored = await ctx.db.one(STORED, ator_id=ctx.actor_id, chave=key)
    if stored.impressao != request or stored.status is None:
        raise ChaveDeIdempotenciaReutilizada
    raise Replay(Answer(stored.status, stored.corpo or b"", stored.etag))


async def store(ctx: TenantContext, key: str, answer: Answer) -> None:
    """Keep the answer beside its effect."""
    await ctx.db.run(
        STORE, a_ator_id=ctx.actor_id, a_chave=key, status=answer.status, corpo=answer.body, etag=answer.etag
    )
