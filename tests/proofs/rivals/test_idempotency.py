"""One Idempotency-Key: however many send it at once, it has one effect, and all get the one answer byte for byte."""

import asyncio
from typing import Any

import pytest

from tests.cast import number
from tests.proofs import ledger
from tests.proofs.ledger import Ledger
from tests.proofs.rivals.arena import RIVALS, Arena, until_seen
from tests.proofs.rivals.contest import Rival, Told, misspoken, winners, words
from tests.proofs.rivals.records import Records
from zoapets.core import http, idempotency
from zoapets.core.context import TenantContext

OTHER_REQUEST = {"422 chave-de-idempotencia-reutilizada"}


def is_replay(one: Told) -> bool:
    return "idempotency-replayed" in one.answer.headers


async def for_one_key(arena: Arena, collection: str, bodies: list[Any]) -> list[str]:
    """Findings of one round: everybody sends one key, in turn with each of `bodies`."""
    hospital, admin = arena.hospital, await arena.hospital.signed_in()
    key = {"idempotency_key": f"chave-{number()}"}
    told = await arena.contest(
        [Rival("repetir", admin, "POST", collection, bodies[n % len(bodies)], key) for n in range(RIVALS)]
    )
    found = misspoken(told, {"repetir": OTHER_REQUEST if len(bodies) > 1 else set()})
    firsts = [one for one in winners(told) if not is_replay(one)]
    if len(firsts) != 1:
        found.append(f"one key had {len(firsts)} effects: {words(told)}")
    for first in firsts[:1]:
        same = [one for one in told if one.rival.body == first.rival.body]
        if not all(one.won and one.answer.content == first.answer.content for one in same):
            found.append(f"who asked the same was answered otherwise: {words(same)}")
        if any(one.won for one in told if one not in same):
            found.append(f"who asked something else was let in: {words(told)}")
    left = await hospital.sql(
        "select distinct requisicao_id from {s}.auditoria where requisicao_id = any($1)",
        [one.request_id for one in told],
    )
    if {row["requisicao_id"] for row in left} != {one.request_id for one in firsts}:
        found.append(f"{len(left)} requests have written: {words(told)}")
    stored = await hospital.sql("select status, corpo from {s}.idempotencia where chave = $1", key["idempotency_key"])
    if [(row["status"], row["corpo"]) for row in stored] != [(201, one.answer.content) for one in firsts[:1]]:
        found.append(f"{len(stored)} answers are kept, or another one: {words(told)}")
    return found


async def bodies_for(records: Records, collection: str, count: int) -> list[Any]:
    return [await records.body(collection) for _ in range(count)]


async def test_one_key_has_one_effect_wherever_it_is_sent(arena: Arena, proof: Ledger) -> None:
    records = await Records.of(arena.hospital)
    collections = records.collections("get", "*")
    found = []
    for collection in collections:
        for count in (1, 2):
            bodies = await bodies_for(records, collection, count)
            found += [f"{collection}: {finding}" for finding in await for_one_key(arena, collection, bodies)]
    assert found == []
    assert len(collections) >= 8
    # A new user's password is hashed by each request before it knows that it repeats another.
    arena.took(proof, f"one Idempotency-Key in {len(collections)} collections: one effect", hashing=True)


async def test_one_key_has_one_effect_again_and_again(arena: Arena, proof: Ledger) -> None:
    records = await Records.of(arena.hospital)

    async def one() -> list[str]:
        return [
            finding
            for count in (1, 2)
            for finding in await for_one_key(arena, "/tutores", await bodies_for(records, "/tutores", count))
        ]

    found = await arena.rounds(one)
    assert found == []
    arena.took(proof, "one Idempotency-Key with one body and with two: one effect, one answer")


async def test_a_key_whose_request_failed_is_free_again(arena: Arena, proof: Ledger) -> None:
    records = await Records.of(arena.hospital)
    admin, body = await arena.hospital.signed_in(), await records.body("/unidades")
    await arena.hospital.made("/unidades", body)
    told = await arena.contest(
        [Rival("cadastrar", admin, "POST", "/unidades", body, {"idempotency_key": "uma-vez"}) for _ in range(RIVALS)]
    )

    assert misspoken(told, {"cadastrar": {"409 unidade-ja-cadastrada"}}) == []
    assert winners(told) == []
    assert await arena.hospital.sql("select from {s}.idempotencia where chave = 'uma-vez'") == []
    arena.took(proof, "one Idempotency-Key of a request that fails: all are told why, none is a replay")


async def test_old_keys_are_forgotten_by_many_at_once(arena: Arena, proof: Ledger) -> None:
    hospital, admin = arena.hospital, await arena.hospital.signed_in()
    records, old = await Records.of(hospital), ledger.pick(50, 1000)
    await hospital.sql(
        "insert into {s}.idempotencia (ator_id, chave, impressao, status, criada_em)"
        " select $1, 'velha ' || n, 'x', 201, now() - interval '3 days' from generate_series(1, $2) n"
        " order by random()",
        admin.id,
        old,
    )
    bodies = await asyncio.gather(*(records.body("/tutores") for _ in range(RIVALS)))
    told = await arena.contest(
        [
            Rival("cadastrar", admin, "POST", "/tutores", body, {"idempotency_key": f"nova-{n}"})
            for n, body in enumerate(bodies)
        ]
    )

    assert misspoken(told, {"cadastrar": set()}) == []
    [row] = await hospital.sql("select count(*) as n from {s}.idempotencia where chave like 'velha%'")
    assert row["n"] == 0
    arena.took(proof, "old keys, forgotten by many at once: nobody is told of it")


async def select_then_insert(ctx: TenantContext, key: str, request: bytes) -> None:
    """A claim that looks first and does not ask whether it came first."""
    stored = await ctx.db.first(idempotency.STORED, ator_id=ctx.actor_id, chave=key)
    if stored is not None:
        raise idempotency.Replay(idempotency.Answer(stored.status or 0, stored.corpo or b"", stored.etag))
    await ctx.db.run(idempotency.CLAIM, ator_id=ctx.actor_id, chave=key, impressao=request, criada_em=ctx.now)


async def test_the_check_sees_a_claim_that_looks_first(
    broken: Arena, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "claim", select_then_insert)
    records = await Records.of(broken.hospital)

    async def one() -> list[str]:
        return await for_one_key(broken, "/tutores", await bodies_for(records, "/tutores", 1))

    found = await until_seen("effects", one)
    proof.seen("the idempotency claim is a select, then an insert", findings=len(found))
