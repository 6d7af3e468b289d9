"""Whatever is kept of a hospital, wherever it is kept, is its own: rows, events, repeated requests, keys, files."""

from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.cast import PASSWORD_HASH, until
from tests.proofs.isolation import asks, stamp, storm
from tests.proofs.isolation.asks import Ask
from tests.proofs.isolation.ground import Ground, Stamped
from tests.proofs.isolation.stores import STORES, Cache, Shared, Store
from tests.proofs.ledger import Ledger
from zoapets.core import boards, http
from zoapets.core.boards import Board, Boards, Made
from zoapets.core.config import Settings
from zoapets.core.idempotency import Answer, Replay
from zoapets.core.permissions import ADMINISTRADOR

each_store = pytest.mark.parametrize("store", STORES, ids=lambda store: type(store).__name__)
# Addresses that lead to a place which another one leads to as well.
SAME_PLACE = {"owner_url": "database_url"}
PERSON = """
with person as (insert into {s}.users (id, nome, email, senha_hash) values ($1, $2, $3, $4) returning id)
insert into {s}.user_roles (user_id, role_id) select person.id, r.id from person, {s}.roles r where r.nome = $5
"""
# What a careless owner could do: copy a hospital's events into another's outbox.
LEAK = """
create function {s}.leak() returns trigger language plpgsql security definer as $$ begin
  insert into {o}.eventos (em, tipo, ator_id, requisicao_id, dados)
  values (new.em, new.tipo, new.ator_id, new.requisicao_id, new.dados);
  return null;
end $$;
create trigger leak after insert on {s}.eventos for each row execute function {s}.leak();
"""


def test_every_address_in_the_settings_leads_to_a_store() -> None:
    addresses = {field.name for field in fields(Settings) if field.name.endswith("_url")}

    assert addresses - SAME_PLACE.keys() == {store.setting for store in STORES}
    assert SAME_PLACE.keys() <= addresses
    assert Shared.stale() == set()


@each_store
async def test_a_store_holds_for_each_hospital_its_own_alone(ground: Ground, store: Store, proof: Ledger) -> None:
    assert await store.look(ground) == []

    proof.shown(
        f"{type(store).__name__}: nothing of one hospital is kept in another's", hospitals=len(ground.hospitals)
    )


@each_store
async def test_it_sees_what_is_put_in_a_wrong_place(ground: Ground, store: Store, proof: Ledger) -> None:
    async with store.planted(ground) as places:
        assert sorted(await store.look(ground)) == sorted(places)

    assert await store.look(ground) == []
    proof.seen(f"{type(store).__name__}: something of one hospital put into another's", places=len(places))


# --- answers that are kept for a moment


async def shown(ground: Ground) -> list[str]:
    """Every screen without parameters, in three hospitals, one after the other: what is another's in it."""
    seen, routes = storm.begun(ground.hospitals), asks.reads(ground.stage.app.litestar)
    cache = ground.stage.runtime.cache
    # After a failure it rests, and nothing is kept: this would see nothing.
    await until(lambda: cache._watch is None)
    failures = cache._metrics.cache_failures._value.get()
    await ground.count()
    found = []
    for route in routes:
        for hospital in ground.hospitals[:3] if route.table is None else ():
            ask = Ask(hospital, route.path, route.path, b"", frozenset({200}), counted=route.counted)
            answer = await hospital.person.get(route.path)
            found += [
                f"{route.path}: {what}" for what, _ in storm.foreign(seen, ask, answer.status_code, answer.content)
            ]
            assert answer.status_code == 200 or route.path.startswith("/plataforma"), answer.text
    assert cache._metrics.cache_failures._value.get() == failures, "Valkey was away"
    return found


async def test_what_is_kept_for_a_moment_is_shown_to_its_own_hospital_alone(ground: Ground, proof: Ledger) -> None:
    assert await shown(ground) == []
    assert await shown(ground) == []

    proof.shown("screens asked for in turn by all hospitals, within the second that they are kept", rounds=2)


async def test_it_sees_screens_that_are_kept_for_all_hospitals(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    nobody, get = UUID(int=0), Boards.get

    async def shared(self: Boards, board: Board, _: UUID, *given: Any) -> Made:
        return await get(self, board, nobody, *given)

    monkeypatch.setattr(Boards, "get", shared)
    # On a slow machine the second hospital would come too late.
    monkeypatch.setattr(boards, "KEPT", timedelta(hours=1))
    try:
        found, keys = await shown(ground), await Cache().look(ground)
    finally:
        await Cache().forget(ground, f"*{nobody}*")

    # When other tests have given all the doses of the first hospital, its numbers alone are seen in the others.
    assert {what.partition(":")[0] for what in found} == {"/administracoes/painel-enfermagem"}, (found, keys)
    assert any(str(nobody) in key for key in keys)
    proof.seen("screens kept without saying whose they are", answers=len(found), keys=len(keys))


# --- repeated requests


async def repeats(ground: Ground) -> list[str]:
    """The same key, of a person of the same id, in two hospitals and then again: what comes of it that must not.

    The id is not one the application would give: whoever looks for such ids in two hospitals does not find this one.
    """
    found, person, key = [], uuid4(), str(uuid4())
    told: list[tuple[Stamped, dict[str, Any]]] = []
    first, second = ground.hospitals[:2]
    for hospital in (first, second, first, second):
        if len(told) < 2:
            email = f"{person}@{hospital.hospital.slug}.test"
            await hospital.hospital.sql(PERSON, person, "Mesma pessoa", email, PASSWORD_HASH, ADMINISTRADOR)
        signed_in = await hospital.hospital.sign_in(person, "")
        body = {"nome": f"Repetido {key}", "telefone": "+5511987654321"}
        answer = await signed_in.post("/tutores", body, idempotency_key=key)
        replayed = "idempotency-replayed" in answer.headers
        if answer.status_code != 201 or replayed != (len(told) >= 2):
            found.append(f"{hospital.number} was told {answer.status_code}, replayed: {replayed}")
        told.append((hospital, answer.json()))
    for hospital, made in told:
        rows = await hospital.hospital.sql("select id from {s}.tutores where nome = $1", f"Repetido {key}")
        if [row[0] for row in rows] != [UUID(made["id"])]:
            found.append(f"{hospital.number} was told of {made['id']} and has {rows}")
    return found


async def test_an_idempotency_key_of_one_hospital_says_nothing_in_another(ground: Ground, proof: Ledger) -> None:
    assert await repeats(ground) == []

    proof.shown("the same Idempotency-Key of the same person: each hospital has its own answer", hospitals=2)


async def test_it_sees_a_store_of_answers_that_hospitals_share(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    answers: dict[tuple[Any, str], Answer] = {}

    async def claim(ctx: Any, key: str, _: bytes) -> None:
        if (ctx.actor_id, key) in answers:
            raise Replay(answers[ctx.actor_id, key])

    async def store(ctx: Any, key: str, answer: Answer) -> None:
        answers[ctx.actor_id, key] = answer

    monkeypatch.setattr(http, "claim", claim)
    monkeypatch.setattr(http, "store", store)

    found = await repeats(ground)

    assert found
    proof.seen("answers to repeated requests kept by person and key, for all hospitals", findings=len(found))


# --- events


async def events(ground: Ground, stay: int) -> list[str]:
    """A pet leaves the first hospital: the outboxes that grow, other than that one's."""
    before = {hospital.number: await _outbox(hospital) for hospital in ground.hospitals}
    first = ground.hospitals[0]
    answer = await first.person.post(f"/internacoes/{first.row_id('internacoes', stay)}/alta")
    assert answer.status_code == 200, answer.text
    grown = {hospital.number for hospital in ground.hospitals if await _outbox(hospital) > before[hospital.number]}
    assert first.number in grown
    return [f"{number} heard of it" for number in sorted(grown - {first.number})]


async def _outbox(hospital: Stamped) -> int:
    return int((await hospital.hospital.sql("select count(*) from {s}.eventos"))[0][0])


async def test_an_event_is_in_the_outbox_of_its_own_hospital_alone(ground: Ground, proof: Ledger) -> None:
    assert await events(ground, 1) == []

    proof.shown("an event is in the outbox of its own hospital alone", hospitals=len(ground.hospitals))


async def test_it_sees_an_event_in_another_outbox(ground: Ground, proof: Ledger) -> None:
    first, second = ground.hospitals[:2]
    await ground.stage.owner.execute(LEAK.format(s=first.schema, o=second.schema))
    try:
        found = await events(ground, 2)
    finally:
        await ground.stage.owner.execute(f"drop function {first.schema}.leak() cascade")
        await second.hospital.sql("delete from {s}.eventos where dados::text ~ $1", stamp.foreign_to(second.number))

    assert found == [f"{second.number} heard of it"]
    proof.seen("a trigger that copies events into another hospital's outbox", findings=len(found))
